"""What becomes of effects, and what a gate answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from misp_workflow.effects.base import Effect


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """An effect on its way: what the outbox keeps.

    `key` tells equal effects apart from others: from the content, the action, the event's uuid and timestamp.
    `action` is the module's name, `event` the event's uuid or "", `created` seconds since 1970.
    """

    key: str
    effect: Effect
    action: str
    event: str = ""
    created: float


Status = Literal["delivered", "queued", "skipped", "refused", "dry-run"]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of an effect. `detail` is one plain sentence without a secret.

    `unsure`: it was refused for want of an answer, so that it may have happened all the same.
    """

    status: Status
    detail: str
    key: str = ""
    unsure: bool = False

    @property
    def accepted(self) -> bool:
        """Whether MISP may hear success."""
        return self.status != "refused"


@dataclass(frozen=True)
class Pass:
    """A gate's yes; `effects` is what must happen first, `undo` what shall happen when it does not: then it is a no.

    `notes` are sentences for people, such as rules that only warn.
    """

    effects: tuple[Effect, ...] = ()
    undo: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A gate's no, with every reason."""

    reasons: tuple[str, ...]


Verdict = Pass | Block
