"""What a rule looks at: an event, or a proposal inside its event, and what MISP left out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from misp_workflow.event import View, live, rows, tag_names, text

Scope = str


class Subject:
    """What is judged. `holds(expression)` decides a Jinja expression about it.

    `stored`: of an event that is in MISP already, what that has of it before this change, None where it cannot be
    known. Of such a change MISP sends the event's row and little else: only what is there, and changed, is judged.
    """

    def __init__(
        self, view: View, holds: Callable[[str], bool], stored: Callable[[], Mapping[str, Any] | None] | None = None
    ) -> None:
        self.view = view
        self.holds = holds
        self.is_change = stored is not None
        self._stored = stored

    @cached_property
    def _before(self) -> Mapping[str, Any] | None:
        return self._stored() if self._stored else None

    def is_new(self, field: str) -> bool:
        """Whether a field of the event's row is as it is by this save: of a new event each."""
        if not self.is_change:
            return True
        event, before = self.view.event, self._before if field in self.view.event else None
        return before is not None and text(before.get(field)) != text(event.get(field))

    @cached_property
    def attributes(self) -> list[dict[str, Any]]:
        """The attributes that count: of a proposal, what is proposed."""
        return proposals(self.view) or list(live(self.view.attributes))

    @cached_property
    def has_tags(self) -> bool:
        """Whether the event's tags can be read: before a save MISP sends their numbers only."""
        return all(isinstance(one.get("Tag"), dict) or one.get("name") for one in rows(self.view.event.get("EventTag")))

    @cached_property
    def has_attributes(self) -> bool:
        """Whether MISP sent the event's attributes at all: on an edit it sends what is edited."""
        return "Attribute" in self.view.event or "Object" in self.view.event or bool(self.view.attributes)

    def tags(self, scope: Scope) -> list[str]:
        """Return the names of the tags on the event, on its attributes, or on any of them."""
        if scope == "event":
            return self.view.tags
        if scope == "any":
            return self.view.all_tags
        own = [name for row in self.attributes for name in tag_names(row, inherited=False)]
        return list(dict.fromkeys(own))

    @cached_property
    def galaxies(self) -> list[str]:
        """The types of the galaxies whose clusters the event itself is about."""
        named = [text(row.get("type")) for row in rows(self.view.event.get("Galaxy"))]
        tagged = [name.split(":", 1)[1].partition("=")[0] for name in self.view.tags if name.startswith("misp-galaxy:")]
        return list(dict.fromkeys([*named, *tagged]))


def proposals(view: View) -> list[dict[str, Any]]:
    """Return the rows that are proposed: for a new attribute beside the event's own, else inside of the attribute."""
    if view.kind == "proposal":
        return rows(view.event.get("ShadowAttribute"))
    if view.kind != "attribute":
        return []
    return [row for attribute in view.attributes for row in rows(attribute.get("ShadowAttribute"))]
