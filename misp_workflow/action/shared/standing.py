"""What shall stand at a destination after a call: which attributes, which not any more, and whether that is all.

Telling a machine is not telling a person: what was withdrawn in MISP must go there, too. So a call says of each
attribute that it shows whether it is there, and a call about a whole event that nothing else of the event is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.action.fields import WHOLE_EVENT
from misp_workflow.action.params import Table
from misp_workflow.effects import Receipt
from misp_workflow.event import flag, text
from misp_workflow.tag_patterns import tagged

STANDING: Table = {
    "to_ids": {
        "description": "only: what is for detection; any: every attribute that the node selects",
        "format": "choice",
        "choices": ["only", "any"],
        "default": "only",
    },
    "withdraw_tags": {
        "description": "Tags that withdraw an attribute, with commas; * stands for anything; a TLP in any spelling",
        "format": "list",
        "each": "tag",
    },
    "when_unpublished": {
        "formerly": ["unpublished"],
        "description": "withdraw: an event that is saved and not published is withdrawn; keep: it stays",
        "format": "choice",
        "choices": ["withdraw", "keep"],
        "default": "withdraw",
    },
    **WHOLE_EVENT,
}
"""The parameters that `standing` reads, beside `selected_or_all`."""


@dataclass(frozen=True)
class Standing:
    """`event` is its uuid, `rows` the attributes that shall be there, `gone` those of the call that shall not.

    `hidden` are the uuids of more that shall not be there, of which nobody may hear who does not know them yet: the
    clearance keeps them back. `whole`: nothing else of the event shall be there.
    """

    event: str
    rows: list[dict[str, Any]]
    gone: list[dict[str, Any]]
    whole: bool
    hidden: tuple[str, ...] = ()


def standing(call: Call) -> Standing | Receipt:
    """Return what this call says, or the receipt for one that says nothing."""
    view, params = call.view, call.params
    event = call.event_uuid
    if not event:
        return call.skip("The data names no event, so there is nothing to say of it.")

    @cache  # an event's attributes have the same few
    def withdraws(name: str) -> bool:
        return any(tagged((name,), pattern) for pattern in params.withdraw_tags)

    goes = params.withdraw_whole_event or any(map(withdraws, call.event_tags))
    whole = goes or "RelatedEvent" in view.event or bool(call.refusal)
    if call.selected and view.attributes and not (call.rows or goes):
        if call.held_back:
            return Standing(event, [], [], False, call.held_back)
        return call.skip("what the node's filter selected holds no attribute")
    if not view.attributes and not whole and not call.held_back:
        if view.kind != "event" or flag(view.event.get("published", True)) or params.when_unpublished == "keep":
            return call.skip("The data shows no attributes of the event.")
        whole = True  # the bare row of an event that was saved
    chosen = [] if goes else [row for row in call.rows if _stands(call, row, withdraws)]
    stay = {row["uuid"] for row in chosen}
    gone = [row for row in view.attributes if text(row.get("uuid")) and row["uuid"] not in stay]
    return Standing(event, chosen, gone, whole, call.held_back)


def _stands(call: Call, row: dict[str, Any], withdraws: Callable[[str], bool]) -> bool:
    named = all(text(row.get(name)) for name in ("uuid", "type", "value"))
    if not named or flag(row.get("deleted")) or (call.params.to_ids == "only" and not flag(row.get("to_ids"))):
        return False
    return not call.params.withdraw_tags or not any(map(withdraws, call.all_tags_of(row)))
