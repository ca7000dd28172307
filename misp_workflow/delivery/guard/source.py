"""What the markings say about more than the item itself: who it came from, and what other events are called."""

from __future__ import annotations

from typing import Any

from misp_workflow.delivery.guard.home import GALAXIES
from misp_workflow.delivery.guard.nested import Edits, rewrite
from misp_workflow.event import TAG_LISTS

NOBODY = "withheld (TLP:EX:CHR)"
UNTITLED = "(title withheld: its TLP is not known here)"

_SOURCES = frozenset(("Org", "Orgc", "Organisation", "org", "orgc", "org_name", "orgc_name"))
_SOURCE_DETAILS = frozenset(
    ("org_id", "orgc_id", "org_uuid", "orgc_uuid", "event_org_id", "event_creator_email", "email", "user_id", "authors")
)

FOREIGN = frozenset(("RelatedEvent", "RelatedAttribute", "extensionEvents", "related_object"))
"""Members that are about other events; the last one, which no recorded body has, is the other end of an analyst's
relationship."""


def hide_source(data: Any) -> Any:
    """Return the data without who it came from, as the Chatham House Rule asks; organisations keep their shape."""

    def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
        if key in GALAXIES:
            return node  # says who wrote the galaxy, not who wrote the event
        changed = {name: _nobody(node[name]) for name in _SOURCES & node.keys()}
        changed.update(dict.fromkeys(_SOURCE_DETAILS & node.keys(), ""))
        return {**node, **changed} if changed else node

    return rewrite(data, visit, skip=TAG_LISTS)


def _nobody(value: Any) -> Any:
    return {"name": NOBODY} if isinstance(value, dict) else NOBODY


def hide_foreign_titles(edits: Edits) -> None:
    """Note that the titles of other events are withheld, except of those whose tags are shown.

    MISP names related events by title but without their tags: nobody can tell here whether one of them is TLP:RED.
    """
    foreign: set[int] = set()
    for place in () if edits.survey.members.isdisjoint(FOREIGN) else edits.places:
        if place[1] in FOREIGN or id(place[2]) in foreign:
            foreign.add(id(place))
            node = place[0]
            if node.get("info") and not any(map(node.__contains__, TAG_LISTS)):
                edits.change(place, "info", UNTITLED)
