"""The operator's settings: destinations, secrets by reference, limits. See docs/settings.md.

`current()` is all that most callers need; `in_force()` is for commands about what the settings name.
"""

from __future__ import annotations

from misp_workflow.markings import PAP_LEVELS, TLP_LEVELS
from misp_workflow.secret_names import is_secret_name
from misp_workflow.settings.file import at_hand, current, in_force, load
from misp_workflow.settings.model import (
    DISTRIBUTIONS,
    GROUP_NAME,
    Destination,
    Misp,
    Network,
    Networks,
    Outbox,
    Settings,
)
from misp_workflow.settings.secrets import resolve

__all__ = [
    "DISTRIBUTIONS",
    "GROUP_NAME",
    "PAP_LEVELS",
    "TLP_LEVELS",
    "Destination",
    "Misp",
    "Network",
    "Networks",
    "Outbox",
    "Settings",
    "at_hand",
    "current",
    "in_force",
    "is_secret_name",
    "load",
    "resolve",
]
