"""The message that people get when the node names none: what happened, with the numbers that an analyst would ask for.

All the wording of default messages stands in this file. A summary is data; `template.py` writes it in the style of the
place where it goes, so that event text stays text there too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from misp_workflow import local_time
from misp_workflow.event import (
    ANALYSES,
    DISTRIBUTIONS,
    THREAT_LEVELS,
    Kind,
    View,
    count_types,
    flag,
    live,
    marking,
    number,
    rows,
    tag_names,
    text,
)
from misp_workflow.markings import UNKNOWN, read_tag

MOST_TYPES = 6
MOST_TAGS = 8
MOST_GALAXIES = 4
EXCERPT = 300
MAX_TITLE = 200
MAX_NAME = 60

_CLUSTER = re.compile(r'misp-galaxy:([a-z0-9-]{1,60})="([^"]{1,200})"', re.IGNORECASE)

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Summary:
    """A title, a few named facts in order, and the TLP level of what it speaks of ("" when unmarked)."""

    title: str
    facts: tuple[tuple[str, str], ...]
    tlp: str = ""


def summarise(
    view: View,
    selected: Sequence[dict[str, Any]] | None = None,
    hidden: str = "",
    marks: Collection[str] | None = None,
    *,
    own_words: bool = False,
) -> Summary:
    """Say what happened. `selected`: the rows that the node's filter chose, or None when nothing was selected.

    `hidden` is the kind of what it happened to, when that may not be shown: the event's own facts are no news then.
    `marks` are the tags, wherever they stand, that say how far something may go; None when that was not asked.
    `own_words`: what is told is more than this summary, and may show whatever is there.
    """
    title, facts = _TELL[view.kind](view, selected)
    if hidden:
        title = f"{_capital(_event_name(view))} (only a withheld {hidden} was touched)"
        facts = [("Organisation", view.organisation)]
    told = tuple((excerpt(name, MAX_NAME), _short(value)) for name, value in facts if value)
    only = selected if view.kind == "event" and not own_words else None
    return Summary(excerpt(title, MAX_TITLE), told, _tlp(view, only, marks))


def topic(view: View) -> str:
    """Return what all messages about the same thing have in common: a place's name for their conversation."""
    if view.event.get("id"):
        return excerpt(_capital(_event_name(view)), MAX_TITLE)
    return _TOPICS.get(view.kind, "MISP events")


def moment(value: Any) -> str:
    """Return MISP's seconds since 1970 as "2026-11-21 20:20 UTC", or the text itself when it is no such number.

    It is told in the zone that the settings name.
    """
    seconds = number(value)
    if not seconds:
        return text(value) if text(value) != "0" else ""
    try:
        return datetime.fromtimestamp(seconds, local_time.here()).strftime("%Y-%m-%d %H:%M %Z")
    except (ValueError, OverflowError, OSError):  # further away than a calendar goes
        return text(value)


def excerpt(value: Any, most: int = EXCERPT) -> str:
    """Return the beginning of a long text, on one line, cut at a word where there is one."""
    whole = text(value)
    words = " ".join(whole[: 4 * most].split())
    if len(words) <= most and len(whole) <= 4 * most:
        return words
    kept = words[:most]
    return (kept.rsplit(" ", 1)[0] if " " in kept[most // 2 :] else kept) + " …"


def _value(row: dict[str, Any]) -> str:
    """Return an attribute's value; one that could be clicked is an Indicator, which people see defanged."""
    from misp_workflow.template.attributes import reading  # the first call loads Jinja, not the server's start

    value = reading(row, "value")
    return value if isinstance(value, str) else text(value)


def _short(value: str) -> str:
    return type(value)(excerpt(value))  # what is an Indicator stays one


def _tlp(view: View, only: Sequence[dict[str, Any]] | None, marks: Collection[str] | None) -> str:
    """Return the strictest TLP of the event and these rows, or of all that is there: a report in it, say."""
    if marks is not None and set(marks) <= set(view.tags):  # nothing in the event says more than the event itself
        return marking(marks, "tlp") or ""
    if only is not None:
        return marking([*view.tags, *(name for row in only for name in tag_names(row))], "tlp") or ""
    return marking(view.tags_of_all, "tlp") or ""


def _event_name(view: View) -> str:
    event = view.event
    known = f"event {text(event.get('id'))}" if event.get("id") else "new event"
    return f"{known}: {text(event.get('info'))}" if text(event.get("info")) else known


def _shared(view: View) -> Facts:
    event = view.event
    return [
        ("Organisation", view.organisation),
        ("Threat level", THREAT_LEVELS.get(number(event.get("threat_level_id")), "")),
        ("Analysis", ANALYSES.get(number(event.get("analysis"), -1), "")),
        ("Distribution", DISTRIBUTIONS.get(number(event.get("distribution"), -1), "")),
        *_clusters(view.tags),
        ("Tags", _tags(name for name in view.tags if not _CLUSTER.fullmatch(name))),
    ]


def _clusters(names: Sequence[str]) -> Facts:
    """Return what galaxy tags say (misp-galaxy:threat-actor="APT28") as people would: ("Threat actor", "APT28")."""
    found: dict[str, list[str]] = {}
    for match in filter(None, map(_CLUSTER.fullmatch, names)):
        found.setdefault(_capital(match[1].lower().replace("-", " ")), []).append(match[2])
    return [(galaxy, _listed(values)) for galaxy, values in list(found.items())[:MOST_GALAXIES]]


def _tags(names: Iterable[str]) -> str:
    """Return the tags, without those that say nothing but the TLP, which is a fact of its own."""
    said = [name for name in names if not (read_tag(name).names and read_tag(name).pap == UNKNOWN)]
    return _listed([excerpt(name, 100) for name in said])


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - MOST_TAGS} more" if len(values) > MOST_TAGS else ""
    return ", ".join(values[:MOST_TAGS]) + more


def _types(attributes: Sequence[dict[str, Any]]) -> str:
    if not attributes:
        return ""
    counts = count_types(attributes).most_common()
    listed = ", ".join(f"{count} {name}" for name, count in counts[:MOST_TYPES])
    rest = sum(count for _, count in counts[MOST_TYPES:])
    detect = sum(flag(row.get("to_ids")) for row in attributes)
    return f"{len(attributes)} ({listed}{f', {rest} of other types' if rest else ''}), {detect} for detection"


def _event(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    event, present = view.event, list(live(view.attributes))
    facts = _shared(view)
    if present or "Attribute" in event:
        facts.append(("Attributes", _types(present) or "none"))
    elif number(event.get("attribute_count")):
        facts.append(("Attributes", text(event.get("attribute_count"))))
    facts += [
        ("Selected", _types(selected) if selected is not None else ""),
        ("Objects", _names(view)),
        ("Related events", str(len(rows(event.get("RelatedEvent"))) or "")),
        ("Proposals", str(len(rows(event.get("ShadowAttribute"))) or "")),
        ("Reports", str(len(rows(event.get("EventReport"))) or "")),
        ("Comes from", "another MISP" if flag(event.get("locked")) else ""),
        ("Date", text(event.get("date"))),
    ]
    return _capital(_event_name(view)), facts


def _names(view: View) -> str:
    counts: dict[str, int] = {}
    for row in view.objects:
        name = text(row.get("name")) or "object"
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in list(counts.items())[:MOST_TYPES])


def _attribute(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    row = view.attributes[0]
    if flag(row.get("deleted")):
        happened = "Attribute deleted"
    elif "Sighting" in row:
        happened = "Attribute saved"
    else:  # MISP sends neither the sighting nor the tag that caused this
        happened = "Attribute sighted or tagged"
    own = tag_names(row, inherited=False)
    return f"{happened} in {_event_name(view)}", [
        ("Value", _value(row)),
        ("Type", text(row.get("type"))),
        ("Category", text(row.get("category"))),
        ("Object", view.object_name(row)),
        ("For detection", "yes" if flag(row.get("to_ids")) else "no"),
        ("Comment", text(row.get("comment"))),
        *_clusters(own),
        ("Attribute tags", _tags(name for name in own if not _CLUSTER.fullmatch(name))),
        ("Organisation", view.organisation),
    ]


def _sighting(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    count = len(rows(view.attributes[0].get("Sighting")))
    _, facts = _attribute(view, selected)
    return f"Sighting in {_event_name(view)}", [*facts, ("Sightings so far", str(count))]


def _proposal(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    row = rows(view.event.get("ShadowAttribute"))[0]
    if flag(row.get("proposal_to_delete")):
        asked = "Proposal to delete an attribute"
    elif number(row.get("old_id")):
        asked = "Proposal to change an attribute"
    else:
        asked = "Proposal of a new attribute"
    return f"{asked} in {_event_name(view)}", [
        ("Value", _value(row)),
        ("Type", text(row.get("type"))),
        ("Category", text(row.get("category"))),
        ("For detection", "yes" if flag(row.get("to_ids")) else "no"),
        ("Comment", text(row.get("comment"))),
        ("Proposed by", text(row.get("email"))),
        ("Organisation", view.organisation),
    ]


def _report(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    row = rows(view.event.get("EventReport"))[0]
    happened = "Report deleted" if flag(row.get("deleted")) else "Report saved"
    return f"{happened} in {_event_name(view)}", [
        ("Report", text(row.get("name"))),
        ("Begins", text(row.get("content"))),
        ("Organisation", view.organisation),
    ]


def _post(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    post, thread = view.data["Post"], view.data.get("Thread")
    thread = thread if isinstance(thread, dict) else {}
    return f"New post: {text(thread.get('title')) or 'discussion'}", [
        ("Says", text(post.get("contents"))),
        ("Posts in the thread", text(thread.get("post_count"))),
        ("Event", _capital(_event_name(view)) if view.event.get("id") else ""),
    ]


def _user(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    user = view.data
    if not user.get("id"):
        happened = "User about to be saved"
    elif user.get("date_created") == user.get("date_modified"):
        happened = "New user joined"
    else:
        happened = "User changed"
    return f"{happened}: {text(user.get('email'))}", [
        ("Organisation id", text(user.get("org_id"))),
        ("Role id", text(user.get("role_id"))),
        ("Invited by user id", text(user.get("invited_by"))),
        ("Disabled", "yes" if flag(user.get("disabled")) else ""),
        ("PGP key", "yes" if text(user.get("gpgkey")) else "no"),
        ("Created", moment(user.get("date_created"))),
    ]


def _log(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    entry = view.data["Log"]
    return f"Log entry: {text(entry.get('action')) or 'action'} on {text(entry.get('model')) or 'MISP'}", [
        ("Title", text(entry.get("title"))),
        ("Change", text(entry.get("change"))),
        ("By", text(entry.get("email"))),
        ("Organisation", text(entry.get("org"))),
        ("Address", text(entry.get("ip"))),
        ("When", text(entry.get("created"))),
    ]


def _enrichment(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    title = f"Enrichment about to ask {text(view.data.get('_module')) or 'a module'}"
    if not view.event.get("id"):
        return title, [("About", "unknown: MISP sends no attribute with a question to one module")]
    _, facts = _event(view, selected)
    return title, [("About", _capital(_event_name(view))), *facts]


def _empty(view: View, selected: Sequence[dict[str, Any]] | None) -> tuple[str, Facts]:
    return "MISP sent an empty event", [
        ("Why", "on object-after-save MISP says that an object was saved, but not which, nor in which event")
    ]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


_TOPICS: dict[Kind, str] = {"user": "MISP users", "log": "MISP log", "post": "MISP discussions"}

_TELL: dict[Kind, Callable[[View, Sequence[dict[str, Any]] | None], tuple[str, Facts]]] = {
    "event": _event,
    "attribute": _attribute,
    "sighting": _sighting,
    "proposal": _proposal,
    "report": _report,
    "post": _post,
    "user": _user,
    "log": _log,
    "enrichment": _enrichment,
    "empty": _empty,
}
