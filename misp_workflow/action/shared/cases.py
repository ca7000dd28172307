"""What the actions that keep a case share: what the case says, and what a call says about it.

A call about a whole event (on event-publish) knows all that the case shows. A call about one attribute, or the bare row
of an event that was saved, knows a part: it changes that part, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.action.wording import rendering
from misp_workflow.action.wording.summary import excerpt
from misp_workflow.delivery import guard
from misp_workflow.delivery.cases.words import BULLET, BULLETS, DESCRIPTION, LINKED, SEVERITY, TITLE, document
from misp_workflow.delivery.guard.sizes import Unit
from misp_workflow.effects import Case, Json
from misp_workflow.effects.case import Request
from misp_workflow.errors import NothingToTell, ParameterError
from misp_workflow.event import THREAT_LEVELS, flag, live, number, text
from misp_workflow.words import counted

MOST_LISTED = 25
"""Attributes that a description names; the event has them all."""
LONGEST_LISTED = 300
ANY = "*"
ABOUT_EVENTS = ("event", "attribute", "sighting", "proposal", "report")
"""Kinds of calls that say something about the state of an event."""
MARK = "urn:uuid:"
"""What stands before an event's uuid where a tracker shall find it again (RFC 9562)."""


__all__ = [
    "ANY",
    "DESCRIPTION",
    "SEVERITY",
    "TITLE",
    "Draft",
    "document",
    "draft",
    "make",
    "say",
    "seek",
    "why_it_goes",
]  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A case before its requests: `title` and `body` in the tracker's markup, `severity` high, medium, low or "".

    `server` is the tracker's address, without a slash at its end, `event` the event's uuid, `whole` whether the call
    knows all of the event: only then is `body` the case's.
    """

    server: str
    event: str
    title: str
    body: str
    severity: str
    whole: bool
    fields: Mapping[str, str]
    said: Mapping[str, Any]

    def lines(self, bullet: str = "") -> str:
        """Return the further fields as lines, for trackers that have none; each value is on one line."""
        return "".join(f"\n{bullet}{name}: {_unmarked(value)}" for name, value in self.fields.items())

    @property
    def mark(self) -> str:
        """The text that is on this event's case only."""
        return MARK + self.event

    @property
    def line(self) -> str:
        """The mark as a line of a description."""
        return f"MISP event: {self.mark}"

    def case(self, **given: Any) -> Case:
        """Return the effect with these fields of its own, steps among them."""
        return Case(**{**self.said, **given})

    def changed(
        self, request: Request, values: Mapping[str, Json], about: Mapping[str, str], at: str = "json"
    ) -> Request:
        """Return the request with what changed of these values, to stand at a dotted path of it.

        `about` says of which fact each is, TITLE, SEVERITY or ANY; a value that it does not name is never sent. What is
        about ANY, as a description is, goes only when all of the event is known.
        """
        facts = {name: fact for name, fact in about.items() if name in values and (fact != ANY or self.whole)}
        told = _within(at, {name: values[name] for name in facts})
        return {**request, **told, "facts": {f"{at}.{name}": fact for name, fact in facts.items()}}


def seek(path: str, query: Mapping[str, str], listed: str, member: str, mark: str, **more: Json) -> Request:
    """Return the request that looks for the case: in a list of the answer, the first item that bears the mark.

    `listed` is the path of the list ("": the answer is one), which must be there, `member` the path in each item, which
    is the mark, a list with it, or a text with a line that is the mark. `silent` in `more`: what is
    wrong where an item has no such member, so that nobody knows whose it is.
    """
    there = {"expect_fields": [listed]} if listed else {}
    return {"method": "GET", "path": path, "query": dict(query), **there, "among": [listed, member, mark], **more}


def make(path: str, content: Json, *names: str, **more: Json) -> Request:
    """Return the request that makes the case: answered with 201, and with members of these names."""
    there = {"expect_fields": [*names]} if names else {}
    return {"path": path, "json": content, "expect_status": [201], **there, **more}


def say(
    path: str, at: str, said: str = "comment", beside: Mapping[str, Json] = MappingProxyType({}), **more: Json
) -> Request:
    """Return the request that says what the house has to say, at a dotted path of it; `beside` is what else it holds.

    `said` is what `put` knows it by: "comment", or "document" in Atlassian's format.
    """
    told = _within(at, "")
    return {"path": path, "json": {**told["json"], **beside}, "put": {at: said}, **more}


def _within(at: str, value: Json) -> dict[str, Any]:
    for name in reversed(at.split(".")):
        value = {name: value}
    return dict(value)


def draft(
    call: Call,
    style: str,
    most_title: int,
    unit: Unit = "characters",
    most_body: int | None = None,
    *,
    title_style: str = "plain",
    fields_style: str = "text",
) -> Draft:
    """Return what this call says, in the tracker's style and limits; NothingToTell for one that says nothing.

    `title_style` is how a title is written, which is plain text at most trackers; `fields_style` how the values of
    `custom_fields` are: as text for fields, in the style where they are lines of the description.
    """
    view, event = call.view, call.event_uuid
    if call.refusal:
        raise NothingToTell("A case that is there stays as it is.")
    if not event or view.kind not in ABOUT_EVENTS:
        raise NothingToTell("The data names no event, so there is no case to keep.")
    goes, whole = why_it_goes(call), "RelatedEvent" in view.event
    rows = [row for row in _rows(call) if text(row.get("uuid"))]
    here = [] if goes else list(live(rows))
    said = {**_said(call, rows, here, goes, whole), "style": style}
    named = _title(call, title_style)
    body = _unmarked(call.message(style, most_body, titled=False, name="body", more=_listed(here, style)))
    server = call.params.server_url.rstrip("/")
    title, more = guard.cut(named, most_title, unit), _fields(call, fields_style)
    return Draft(server, event, title, body, _severity(call), whole, more, said)


def _said(call: Call, rows: list[dict[str, Any]], here: list[dict[str, Any]], goes: str, whole: bool) -> dict[str, Any]:
    """Return what an effect says of its case, whatever its requests are; `here` are the rows that it shows."""
    params = call.params
    # On event-publish MISP sends it whole, and not published yet.
    back = whole or flag(call.view.event.get("published"))
    return {
        "event": call.event_uuid,
        "items": tuple(_item(row) for row in here),
        "gone": tuple(_item(row) for row in rows if flag(row.get("deleted"))),
        "shows": {} if goes else _shows(call, whole),
        "whole": whole and not goes,
        "goes": goes,
        "back": back,
        "opens": back or params.open_when == "saved",
        "at": time.time(),
        "on_change": params.on_change,
        "on_withdraw": params.on_withdraw,
        "link_back": "" if params.link_back == "no" else params.link_back,
        "verify_tls": params.verify_tls,
        "ca_file": params.ca_file,
    }


def _unmarked(text: str) -> str:
    """Return a text of the event without marks: one that names another event's would be taken for its case."""
    return text.replace(MARK, "urn-uuid:")


def why_it_goes(call: Call) -> str:
    """Return why the event is not wanted any more, "" when it is."""
    event = call.view.event
    if call.params.withdraw_whole_event:
        return "deleted"
    bare = call.view.kind == "event" and not (call.view.attributes or call.hidden or "RelatedEvent" in event)
    was_public = number(event.get("publish_timestamp")) > 0 and not flag(event.get("published", True))
    return "unpublished" if bare and was_public else ""


def _rows(call: Call) -> list[dict[str, Any]]:
    """Return the rows that the case is about, without the attribute that holds the case's own address."""
    chosen = call.view.attributes if call.selected is None else call.rows
    return [row for row in chosen if not (row.get("type") == "link" and text(row.get("comment")).startswith(LINKED))]


def _shows(call: Call, whole: bool) -> dict[str, str]:
    """Return the facts that the case shows, as far as this call knows them."""
    params = call.params
    level = THREAT_LEVELS.get(number(call.view.event.get("threat_level_id")), "")
    known = {} if params.title and not whole else {TITLE: _title(call, "text")}
    if not whole:
        return {**known, **({SEVERITY: level} if level else {})}
    told = dict(call.facts("text"))
    if params.body:
        marked = {name: said for name, said in told.items() if name == "TLP"}
        return {**known, SEVERITY: level, **marked, DESCRIPTION: call.render("body", "text")}
    return {**known, SEVERITY: level, **{name: value for name, value in told.items() if name not in _BY_ITEMS}}


_BY_ITEMS = ("Attributes", "Selected", "Objects")
"""Facts that attributes say themselves."""


def _item(row: Mapping[str, Any]) -> dict[str, Json]:
    known: dict[str, Json] = {name: text(row.get(name)) for name in ("uuid", "type", "value")}
    return {**known, "to_ids": flag(row.get("to_ids"))}


def _listed(rows: list[dict[str, Any]], style: str) -> str:
    """Return the first attributes as a list, in the style's markup; what is for detection comes first."""
    if not rows:
        return ""
    from misp_workflow.template.attributes import reading

    bullet = BULLETS.get(style, BULLET)
    lines = []
    for row in sorted(rows, key=lambda row: not flag(row.get("to_ids")))[:MOST_LISTED]:
        value = reading(row, "value")
        short = type(value)(excerpt(value, LONGEST_LISTED)) if isinstance(value, str) else text(value)
        comment = excerpt(row.get("comment"), 100)
        told = [rendering.said(part, style) for part in (text(row.get("type")), short, comment) if part]
        lines.append(bullet + f"{told[0]}: {told[1]}" + (f" ({told[2]})" if told[2:] else "") if told[1:] else "")
    more = f"\n{bullet}{counted(len(rows) - len(lines), 'more attribute')}" if len(rows) > len(lines) else ""
    return "\n\n" + "\n".join(filter(None, lines)) + more


def _severity(call: Call) -> str:
    chosen = getattr(call.params, "severity", "auto")  # not every tracker has one
    if chosen != "auto":
        return str(chosen)
    level = THREAT_LEVELS.get(number(call.view.event.get("threat_level_id")), "")
    return level if level in ("high", "medium", "low") else ""


def _title(call: Call, style: str) -> str:
    """Return the title of the case; a template that makes nothing of this event leaves the usual one."""
    return call.line("title", call.topic, style) or rendering.said(call.topic, style)


def _fields(call: Call, style: str) -> dict[str, str]:
    """Return the further fields of the case, by name, each value rendered and on one line."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, call.params.custom_fields.splitlines())):
        name, colon, source = line.partition(":")
        if not colon or not name.strip():
            raise ParameterError(f"Parameter 'custom_fields': “{line}” is not NAME: value.")
        if name.strip() in found:
            raise ParameterError(f"Parameter 'custom_fields' names “{name.strip()}” twice.")
        written = call.render_text(source.strip(), style, "custom_fields")
        found[name.strip()] = " ".join(written.split())
    return found
