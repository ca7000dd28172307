"""What MISP asked, read once: parameters with types, data without secrets, the items that the node's filter chose."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from misp_workflow import web_address
from misp_workflow.action.params import Params
from misp_workflow.action.wording import mentions, rendering
from misp_workflow.action.wording.context import Context
from misp_workflow.action.wording.layouts import COLOURS, LAYOUTS, LINK_LABEL, NOTE, NOTES, UNMARKED, UPDATE, UPDATES
from misp_workflow.action.wording.summary import Summary, summarise, topic
from misp_workflow.delivery import guard
from misp_workflow.delivery.guard.sizes import MARK, Unit, cut_closed
from misp_workflow.effects import Receipt
from misp_workflow.errors import InputError, NothingToTell
from misp_workflow.event import View, attributes_of, marking, tag_names, text, uuid_of
from misp_workflow.lazy import lazy
from misp_workflow.settings import Settings

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_NAMES_UPDATE = re.compile(r"\{[{%][^}]*\bupdate\b")


class Call:
    """One request from a workflow node. `params` are typed; `view` reads the data.

    The data is free of secrets, and of what the destination's clearance keeps back; `withheld` says what that was.

    `selected` holds what the node's filter chose, or is None when nothing was selected: MISP then sends the whole data
    in its place, for want of a filter as much as for want of a match. `deadline` is a time of `time.monotonic()`: when
    MISP must have its answer. `most` is how many characters of a message the destination wants, `hidden` the kind of
    what the call is about when it is that which is kept back. `about` is the same text for
    repeated calls about the same state of the same thing only; where the data does not say what happened, `occasion`
    tells one call from another.

    `settings` are those in force, with the MISP that asks as `settings.misp`.

    `marks` are all tags that say how far something may go, None when nobody looked.

    `before` reads the data as it was before the clearance: what is taken back is told by it. `refusal` is why the whole
    may not go, and only taking back is left to do.

    `update` is what changed since the same was told before, "" when it is told for the first time;
    `correlations` are the events that a node which is about them tells of.

    `judged` reads what a gate's rules judge. When `clean` is given, secrets are still in it: `clean` takes them out for
    `view`, `data` and templates, once one of them is asked for. Rules quote nothing that stands under a secret's name.
    """

    def __init__(
        self,
        params: Params,
        data: Any,
        selected: list[Any] | None,
        settings: Settings,
        withheld: str,
        deadline: float = math.inf,
        most: int | None = None,
        hidden: str = "",
        about: str = "",
        occasion: str = "",
        clean: Callable[[Any], Any] | None = None,
        before: View | None = None,
        refusal: str = "",
        marks: Collection[str] | None = None,
    ) -> None:
        self.params = params
        self.deadline = deadline
        self._most = most
        self._clean = clean
        # What nothing was taken out of is read once.
        self.judged = before if before is not None and before.data is data else View(data)
        self.before = before or self.judged
        self.refusal = refusal
        self._marks = marks
        self.selected = selected
        self.withheld = withheld
        self.hidden = hidden
        self.about = about
        self.occasion = occasion
        self.update = ""
        self.correlations: list[Any] = []
        self._written: dict[tuple[str, str], str] = {}
        self.settings = settings

    @lazy
    def view(self) -> View:
        """What reads the data, which is free of secrets."""
        data = self.judged.data
        clean = self._clean(data) if self._clean else data
        return self.judged if clean is data else View(clean)

    @property
    def data(self) -> Any:
        """The whole data, as MISP sent it, without secrets and without what may not leave."""
        return self.view.data

    @lazy
    def rows(self) -> list[dict[str, Any]]:
        """What to act on, item by item: what is selected, of an object its attributes, or every attribute when the node
        says `items: all`."""
        if self.selected is not None:
            return attributes_of(self.selected)
        return self.view.attributes if getattr(self.params, "selected_or_all", "selected") == "all" else []

    @lazy
    def held_back(self) -> tuple[str, ...]:
        """The uuids of the attributes that the clearance keeps from the destination."""
        if self.before.data is self.view.data:
            return ()
        kept = {text(row.get("uuid")) for row in self.view.attributes}
        return tuple(uuid for row in self.before.attributes if (uuid := text(row.get("uuid"))) and uuid not in kept)

    def tags_of(self, row: Mapping[str, Any]) -> list[str]:
        """Return the names of the tags of an attribute and its event, each once, without those that stay at home."""
        return list(dict.fromkeys((*tag_names(row), *self.view.tags)))

    def all_tags_of(self, row: Mapping[str, Any]) -> list[str]:
        """Return the names of all tags of an attribute and its event, those included that stay at home."""
        return [*tag_names(self._tagged.get(text(row.get("uuid")), row)), *self.event_tags]

    @lazy
    def event_tags(self) -> list[str]:
        """The names of all tags of the event, those included that stay at home."""
        return self.before.tags

    @lazy
    def _tagged(self) -> dict[str, dict[str, Any]]:
        return {text(row.get("uuid")): row for row in self.before.attributes}

    @property
    def link(self) -> str:
        """Address of the event in MISP; "" when that is unknown, the event is not saved yet, or the node wants none."""
        key = self.view.event.get("id") and (self.view.event.get("uuid") or self.view.event.get("id"))
        misp = self.settings.misp.url
        if not (misp and isinstance(key, str) and getattr(self.params, "link_to_event", True)):
            return ""
        return web_address.event_page(misp, key)

    @lazy
    def summary(self) -> Summary:
        """What happened, as a title and named facts."""
        selected = None if self.selected is None else self.rows
        templates = any(isinstance(it, str) and "{" in it for it in vars(self.params).values())
        return summarise(self.view, selected, self.hidden, self._marks, own_words=templates)

    def tell_changes(self, update: str, names: Sequence[str]) -> None:
        """Have the summary tell what changed, and beside that only the facts of these names."""
        self.update = update
        told = (("Updated", update), *(fact for fact in self.summary.facts if fact[0] in names))
        vars(self)["summary"] = replace(self.summary, facts=told)

    def tell_correlations(self, found: list[Any], title: str, facts: list[tuple[str, str]], withheld: str) -> None:
        """Have the summary tell what the event correlates with, marked as the strictest of all that it speaks of."""
        self.correlations = found
        self.withheld = "; ".join(filter(None, [self.withheld, withheld]))
        names = {name for one in found for name in tag_names(one.event)}
        tlp = marking([*names, *([f"tlp:{self.summary.tlp}"] if self.summary.tlp else [])], "tlp") or ""
        vars(self)["summary"] = Summary(title, tuple(facts), tlp)

    @property
    def context(self) -> Mapping[str, Any]:
        """The names that a template of this call may use; docs/templates.md lists them."""
        # not kept: the two would hold each other, and a whole event, until Python looks for such
        return Context(self)

    def message(
        self,
        style: str = "plain",
        limit: int | None = None,
        unit: Unit = "characters",
        *,
        titled: bool = True,
        layout: str = "",
        name: str = "message",
        more: str = "",
        calls: str = "",
    ) -> str:
        """Return the node's message, or the summary of what happened when it has none, in the style of the place.

        `name` is the parameter that holds it; `more` follows a summary, in the style already. `calls` is the product
        whose way to call people by name is written before it, when the node calls somebody.

        `limit` is the most that the place accepts, in `unit`; a longer text ends in an honest mark. `titled=False` is
        for places that have the title elsewhere. `layout` is one of LAYOUTS, by default that of the style.
        """
        if getattr(self.params, name):
            written = self.render(name, style).rstrip()
            if not written and name == "message":
                raise NothingToTell("The node's message is empty for this, so nothing is told.")
            if self.update and not _NAMES_UPDATE.search(getattr(self.params, name)):
                told = rendering.said(self.update, style)
                written = UPDATES.get(style, UPDATE).format(update=told) + written
            note = self.note(style)
            written += note
        else:
            note = ""
            chosen = LAYOUTS.get(layout or style, LAYOUTS["plain"])
            title = rendering.render(chosen.title, {"title": self.summary.title}, style) if titled else ""
            written = (title + self._below(chosen.rest, style)).rstrip() + more
        first = f"{called} " if calls and (called := mentions.line(self, calls)) else ""
        written = cut_closed(written, limit - len(first), unit, note) if limit else written
        return first + (cut_closed(written, self._most - len(first), note=note) if self._most else written)

    def without_markup(self, written: str, limit: int, unit: Unit = "characters") -> str:
        """Return a message without its tags, cut to the limit; mark-up cannot be cut, nor shown as its source."""
        note = self.note("plain") if getattr(self.params, "message", "") else ""
        return guard.cut(html.unescape(_TAG.sub("", written)), limit, unit, MARK + note)

    def note(self, style: str) -> str:
        """Return what a message of the operator's own says of what was withheld: it stays when the message is cut."""
        told = rendering.said(self.withheld, style) if self.withheld else ""
        return NOTES.get(style, NOTE).format(withheld=told) if told else ""

    def _below(self, layout: str, style: str) -> str:
        """Return what stands below the title; once, for places that want it with and without one."""
        known = self._written.get((layout, style))
        if known is None:
            told = {
                "title": self.summary.title,
                "facts": self._facts,
                "colour": f"#{self.colour:06x}",
                "withheld": self.withheld,
                "link": self.link,
                "link_label": LINK_LABEL,
            }
            known = self._written[layout, style] = rendering.render(layout, told, style)
        return known

    @property
    def _facts(self) -> list[tuple[str, str]]:
        summary = self.summary
        return [*([("TLP", summary.tlp.upper())] if summary.tlp else []), *summary.facts]

    def line(self, name: str, otherwise: str, style: str = "text", limit: int | None = None) -> str:
        """Return the parameter `name` rendered, or the text `otherwise` when it is empty or not declared: one line."""
        written = self.render(name, style) if getattr(self.params, name, "") else rendering.said(otherwise, style)
        written = " ".join(written.split())
        return guard.cut(written, limit) if limit else written

    def title(self, style: str = "text", limit: int | None = None) -> str:
        """Return the node's title, or what happened in a few words when it has none; always one line."""
        return self.line("title", self.summary.title, style, limit)

    def facts(self, style: str, limit: int | None = None) -> list[tuple[str, str]]:
        """Return the summary's facts as (name, value) in the style of the place, each value of at most `limit`."""
        told = self._facts
        if self.withheld:
            told.append(("Withheld", self.withheld))
        shown = [tuple(rendering.said(part, style) for part in fact) for fact in told]
        return [(name, guard.cut(value, limit) if limit else value) for name, value in shown]

    @property
    def colour(self) -> int:
        """The colour of the summary's TLP, as 0xRRGGBB."""
        return COLOURS.get(self.summary.tlp, UNMARKED)

    @property
    def topic(self) -> str:
        """What messages about the same thing have in common: "Event 56: capture base event", "MISP users"."""
        return topic(self.judged)

    @property
    def subject(self) -> str:
        """What happened, in words that begin alike for all that is about one event, so that mails stay together."""
        title, topic = self.summary.title, self.topic
        if not self.judged.event.get("id") or title.startswith(topic):
            return title
        return f"{topic} – {title.removesuffix(f' in {topic[:1].lower()}{topic[1:]}')}"

    @property
    def conversation(self) -> str:
        """A short name for all messages about one thing, the same also when its title is corrected: "Event 56"."""
        number = text(self.judged.event.get("id"))
        return f"Event {number[:20]}" if number else self.topic

    @property
    def event_uuid(self) -> str:
        """The event's uuid in lower case, "" where the data names no event.

        InputError for one that is none: what is made under it nobody could find again.
        """
        event = self.view.event
        if event.get("uuid") and not uuid_of(event):
            raise InputError("The event's uuid is none, so it cannot be told from others; nothing was sent.")
        return uuid_of(event)

    @property
    def thread(self) -> str:
        """The same short text for all calls about one event: its uuid, or else what this is about."""
        return text(self.view.event.get("uuid"))[:64] or f"misp-{self.view.kind}"

    def render(self, name: str, style: str = "plain") -> str:
        """Return the parameter `name` rendered as a template; TemplateError names the parameter and the line."""
        return self.render_text(getattr(self.params, name), style, name)

    def render_text(self, source: str, style: str, name: str) -> str:
        """Render a text that stands in the parameter `name`."""
        try:
            return rendering.render(source, self.context, style)
        except InputError as error:
            raise _named(error, name) from None

    def holds(self, name: str) -> bool:
        """Return whether the parameter `name`, a Jinja expression, is true of this call."""
        expression = getattr(self.params, name)
        try:
            return self.is_true(expression)
        except InputError as error:
            raise _named(error, name) from None

    def is_true(self, expression: str) -> bool:
        """Return whether a Jinja expression is true of this call; TemplateError when it cannot be decided."""
        return rendering.condition(expression, self.context)

    def as_json(self) -> dict[str, Any]:
        """Return what a request without a body of its own carries: the summary, and the items to act on.

        For what is no event (a user, a log entry, a post) the data itself is the item. `items: all` adds the whole
        event when nothing was selected.
        """
        summary, view = self.summary, self.view
        told = {"title": summary.title, "tlp": summary.tlp, "link": self.link, "facts": dict(summary.facts)}
        if not view.event:
            return {"kind": view.kind, "summary": told, "items": [self.data] if self.data else []}
        everything = self.selected is None and getattr(self.params, "selected_or_all", "selected") == "all"
        known = {key: view.event[key] for key in ("id", "uuid", "info", "date", "timestamp") if key in view.event}
        answer: dict[str, Any] = {"kind": view.kind, "summary": told, "event": view.event if everything else known}
        if self.correlations:
            answer["correlations"] = [one.as_json() for one in self.correlations]
        elif self.selected is not None:
            answer["items"] = self.selected
        if self.withheld:
            answer["withheld"] = self.withheld
        return answer

    def skip(self, why: str) -> Receipt:
        """Return the receipt of having nothing to do; `why` is one plain sentence."""
        return Receipt(status="skipped", detail=why)


def _named(error: InputError, parameter: str) -> InputError:
    return type(error)(f"Parameter '{parameter}': {error}")
