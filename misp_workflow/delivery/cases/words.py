"""What a comment on a case says: what changed since last time, in numbers and the first few values."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from misp_workflow.delivery.cases.news import Changes, Item
from misp_workflow.delivery.guard import cut
from misp_workflow.effects import Json
from misp_workflow.words import counted

MOST_SHOWN = 5
LONGEST_VALUE = 200

BULLETS = {"textile": "* ", "wiki": "* "}
BULLET = "- "

TITLE, DESCRIPTION, SEVERITY = "Title", "Description", "Threat level"
"""Facts that an update of a case may follow, beside those of the event's summary."""

LINKED = "Case of this event: "
"""How the comment of the attribute begins that holds a case's address in MISP."""

GOES = {"deleted": "The event was deleted in MISP.", "unpublished": "The event is not published in MISP any more."}
BACK = "MISP shares the event again."
UNKNOWN = "MISP sent the event again; what changed since last time is not known here."


def comment_of(changes: Changes, style: str, since: float) -> str:
    """Return the comment for what changed since a time (seconds since 1970; 0: not known), in the style's markup.

    "" when there is nothing to tell.
    """
    if changes.unknown:
        return UNKNOWN
    bullet = BULLETS.get(style, BULLET)
    lines = [f"{bullet}{line}" for line in _lines(changes, style)]
    head = [BACK] if changes.back else []
    if lines:
        head.append(f"Changed in MISP{_since(since)}:")
    return "\n".join([" ".join(head), *([""] if style in ("forge", "textile") and lines else []), *lines])


def document(text: str) -> dict[str, Json]:
    """Return text as Atlassian's document format has it: a paragraph for each line. Nothing in it is markup.

    https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
    """
    lines = [line for line in text.splitlines() if line.strip()]
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines],
    }


def _since(moment: float) -> str:
    return f" since {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(moment))}" if 0 < moment < 1e11 else ""


def _lines(changes: Changes, style: str) -> Iterable[str]:
    for name, text in changes.facts.items():
        short = "changed" if name == DESCRIPTION else _said(cut(text, LONGEST_VALUE), style) or "none any more"
        yield f"{_said(name, style)}: {short}"
    for name in changes.lost_facts:
        yield f"{_said(name, style)}: none any more"
    for what, rows in (("added", changes.added), ("corrected", changes.corrected), ("gone", changes.gone)):
        if rows:
            yield f"{counted(len(rows), 'attribute')} {what}{_values(rows, style)}"


def _values(rows: Sequence[Item], style: str) -> str:
    """Return the first few values; of what is gone only the uuid may be known, and then nothing is said."""
    named = [row for row in rows if row.get("value")]
    shown = [f"{_said(str(row['type']), style)} {_value(row, style)}" for row in named[:MOST_SHOWN]]
    if not shown:
        return ""
    return f": {'; '.join(shown)}{'; …' if len(rows) > len(shown) else ''}"


def _value(row: Item, style: str) -> str:
    from misp_workflow.template.attributes import reading  # loads Jinja, for those who write a comment

    value = reading(dict(row), "value")
    return _said(type(value)(cut(value, LONGEST_VALUE)) if isinstance(value, str) else str(value), style)


def _said(text: str, style: str) -> str:
    from misp_workflow.template import said

    return " ".join(said(text, style).split())
