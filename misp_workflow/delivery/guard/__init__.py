"""What stands before every transport: secrets, clearance, networks, sizes. See docs/clearance.md.

`scrub` and `clear` work on what an action and its templates will see, `connection_refusal` on an address that a name
was resolved to, `cut`, `cut_json` and `fit` on what is about to be sent. None of them changes what it is given.
"""

from __future__ import annotations

from misp_workflow.delivery.guard.clear import ClearanceError, Cleared, MarkedError, admit, clear, is_ordinary
from misp_workflow.delivery.guard.fit import fit
from misp_workflow.delivery.guard.networks import connection_refusal
from misp_workflow.delivery.guard.scrub import HIDDEN, scrub, scrub_text
from misp_workflow.delivery.guard.sizes import cut, cut_json, mend, size_of
from misp_workflow.delivery.guard.unsaid import Found, Unsaid, completed, of_unknown_home, unsaid, with_event_tags

__all__ = [
    "HIDDEN",
    "ClearanceError",
    "Cleared",
    "Found",
    "MarkedError",
    "Unsaid",
    "admit",
    "clear",
    "completed",
    "connection_refusal",
    "cut",
    "cut_json",
    "fit",
    "is_ordinary",
    "mend",
    "of_unknown_home",
    "scrub",
    "scrub_text",
    "size_of",
    "unsaid",
    "with_event_tags",
]
