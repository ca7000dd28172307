"""What a message can carry along: the event as MISP's JSON, the attributes as a table."""

from __future__ import annotations

from typing import Any

import orjson

from misp_workflow.action.call import Call
from misp_workflow.action.wording import rendering
from misp_workflow.event import flag, live, text

COLUMNS = ("uuid", "type", "category", "value", "to_ids", "comment", "tags", "object", "first_seen", "last_seen")


def attached(call: Call, form: str, limit: int) -> tuple[dict[str, str], str]:
    """Return the fields of a mail that hold its attachment, and the sentence that says why there is none, or "".

    `form` is "json", "csv" or "none"; `limit` is the most bytes that it may have.
    """
    if form == "none":
        return {}, ""
    if form == "csv" and not call.rows:
        return {}, "No attachment: the node's filter selected no attribute."
    if form == "csv" and not any(live(call.rows)):
        return {}, "No attachment: what was selected is deleted in MISP."
    content = csv_of(call) if form == "csv" else event_json_of(call)
    size = len(content.encode())
    if size > limit:
        return {}, f"No attachment: it would have {size / 1e6:.1f} MB, and {limit / 1e6:g} MB are the most."
    name, kind = f"misp-{call.thread}.{form}", "text/csv" if form == "csv" else "application/json"
    return {"attachment": content, "attachment_name": name, "attachment_type": kind}, ""


def csv_of(call: Call) -> str:
    """Return the rows that the call acts on as CSV (RFC 4180), values as they are; what is deleted is not there.

    A cell that a spreadsheet would compute begins with an apostrophe.
    """
    cell = rendering.escaping("csv")
    lines = [",".join(cell(value) for value in _cells(row, call)) for row in live(call.rows)]
    return "\r\n".join([",".join(COLUMNS), *lines, ""])


def _cells(row: dict[str, Any], call: Call) -> list[str]:
    special = {
        "to_ids": "1" if flag(row.get("to_ids")) else "0",
        "tags": "; ".join(call.tags_of(row)),
        "object": call.view.object_name(row),
    }
    return [special[name] if name in special else text(row.get(name)) for name in COLUMNS]


def event_json_of(call: Call) -> str:
    """Return the event as MISP can import it, when the node says `items: all` and nothing was selected; otherwise the
    summary with the items that were.
    """
    everything = (
        call.selected is None and call.view.event and getattr(call.params, "selected_or_all", "selected") == "all"
    )
    event = {name: value for name, value in call.view.event.items() if not name.startswith("_")}
    return orjson.dumps({"Event": event} if everything else call.as_json(), option=orjson.OPT_INDENT_2).decode()
