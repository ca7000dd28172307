"""Effects and receipts: what should happen in the world, and what became of it.

An effect is a frozen plain value: no open file, no function, nothing that JSON cannot hold. So it can wait on a disk,
be tried again by another process, be shown with its secrets masked. Whoever adds a kind adds a transport of the same
name under `delivery/transports/`.
"""

from __future__ import annotations

from misp_workflow.effects.base import Effect, Json
from misp_workflow.effects.case import Case
from misp_workflow.effects.kinds import (
    MISP_FOR_GATES,
    SCRIPTS_FOR_GATES,
    Batch,
    Bulk,
    Command,
    FileUpdate,
    Mail,
    Messages,
    MispChange,
    Notification,
    Post,
    Record,
    Records,
)
from misp_workflow.effects.masking import mask, masked
from misp_workflow.effects.outcome import Block, Parcel, Pass, Receipt, Status, Verdict, together
from misp_workflow.effects.push import EventPush
from misp_workflow.effects.stored import addressed, from_json, to_json

__all__ = [
    "MISP_FOR_GATES",
    "SCRIPTS_FOR_GATES",
    "Batch",
    "Block",
    "Bulk",
    "Case",
    "Command",
    "Effect",
    "EventPush",
    "FileUpdate",
    "Json",
    "Mail",
    "Messages",
    "MispChange",
    "Notification",
    "Parcel",
    "Pass",
    "Post",
    "Receipt",
    "Record",
    "Records",
    "Status",
    "Verdict",
    "addressed",
    "from_json",
    "mask",
    "masked",
    "to_json",
    "together",
]
