"""What the markings say about more than the item itself: who it came from, and what other events are called."""

from __future__ import annotations

from typing import Any

from misp_workflow.delivery.guard.nested import TAG_LISTS, Survey, rewrite

NOBODY = "withheld (TLP:EX:CHR)"
UNTITLED = "(title withheld: its TLP is not known here)"

_SOURCES = frozenset(("Org", "Orgc", "Organisation", "org", "orgc", "org_name", "orgc_name"))
_SOURCE_DETAILS = frozenset(
    ("org_id", "orgc_id", "org_uuid", "orgc_uuid", "event_org_id", "event_creator_email", "email", "user_id", "authors")
)
_GALAXIES = frozenset(("Galaxy", "GalaxyCluster"))

_FOREIGN = ("RelatedEvent", "RelatedAttribute", "extensionEvents")


def hide_source(data: Any) -> Any:
    """Return the data without who it came from, as the Chatham House Rule asks; organisations keep their shape."""

    def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
        if key in _GALAXIES:
            return node  # says who wrote the galaxy, not who wrote the event
        changed = {name: _nobody(node[name]) for name in _SOURCES & node.keys()}
        changed.update(dict.fromkeys(_SOURCE_DETAILS & node.keys(), ""))
        return {**node, **changed} if changed else node

    return rewrite(data, visit, skip=TAG_LISTS)


def _nobody(value: Any) -> Any:
    return {"name": NOBODY} if isinstance(value, dict) else NOBODY


def foreign_titles(*surveys: Survey) -> int:
    """Return how many objects name other events."""
    holders = (place[0][name] for survey in surveys for name, places in survey.having(*_FOREIGN) for place in places)
    return sum(map(bool, holders))


def hide_foreign_titles(data: Any, holders: int) -> Any:
    """Return the data with the titles of other events withheld, except of those whose tags it shows.

    MISP names related events by title but without their tags: nobody can tell here whether one of them is TLP:RED.
    `holders` is how many objects of the data, or of more, name other events.
    """

    def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
        changed = {name: rewrite(node[name], _untitled) for name in _FOREIGN if node.get(name)}
        return {**node, **changed} if changed else node

    event = data.get("Event") if isinstance(data, dict) else None
    if holders == 1 and isinstance(event, dict) and any(event.get(name) for name in _FOREIGN):
        return {**data, "Event": visit(event, "Event")}  # as MISP sends it: no need to look further
    return rewrite(data, visit, skip=TAG_LISTS) if holders else data


def _untitled(node: dict[str, Any], key: str) -> dict[str, Any]:
    return {**node, "info": UNTITLED} if node.get("info") and not any(tag in node for tag in TAG_LISTS) else node
