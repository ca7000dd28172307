"""Calls in which MISP does not send how their subject is marked, and what to do when the marking is known after all.

Seen on MISP 2.5.1: before a save an event has its tags' numbers only, and on an edit not even those; the bare event of
event-after-save has none, nor have posts and log entries; an attribute that was just added has not its own. There "no
tag" means "not said". See docs/clearance.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from misp_workflow.delivery.guard.nested import rewrite
from misp_workflow.event import View, rows, tag_names, text

ADMINISTRATION = frozenset(
    (
        "AuthKey",
        "Allowedlist",
        "Bruteforce",
        "Cerebrate",
        "CryptographicKey",
        "Dashboard",
        "DecayingModel",
        "Feed",
        "Galaxy",
        "Inbox",
        "Job",
        "Log",
        "Noticelist",
        "ObjectTemplate",
        "Organisation",
        "Regexp",
        "Role",
        "Server",
        "SharingGroup",
        "SystemSetting",
        "Tag",
        "TagCollection",
        "Task",
        "Taxonomy",
        "Template",
        "User",
        "UserSetting",
        "Warninglist",
        "Workflow",
        "WorkflowBlueprint",
    )
)
"""What log entries are about when they are not about anybody's event."""


@dataclass(frozen=True)
class Unsaid:
    """What MISP does not say. `what` is for people; `never`: no workflow ever gets it from MISP.

    To be asked for: the tags of the event (an id or uuid, "" when nothing names one), of the attributes (uuids), the
    names of tags (numbers), or of the attribute with the number `row`, and of its event.
    """

    what: str
    never: bool
    event: str = ""
    attributes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    row: str = ""

    @property
    def askable(self) -> bool:
        """Whether MISP could be asked."""
        return bool(self.event or self.attributes or self.tags or self.row)


@dataclass(frozen=True)
class Found:
    """What MISP said on being asked: tag lists, as they stand in its answers."""

    event: list[Any] | None = None
    attributes: Mapping[str, list[Any]] | None = None
    names: Mapping[str, str] | None = None


def unsaid(data: Any) -> Unsaid | None:
    """Return what MISP does not say of the data's marking, None when it does."""
    view = View(data)
    if isinstance(log := view.data.get("Log"), dict):
        return _of_log(log)
    if isinstance(view.data.get("Post"), dict):
        thread = view.data.get("Thread")
        known = view.event.get("uuid") or (thread.get("event_id") if isinstance(thread, dict) else "")
        return None if "Tag" in view.event else Unsaid("a post", True, event=_reference(known))
    if not view.event.get("info") or view.data.get("_module"):
        return None
    numbers = tuple(dict.fromkeys(str(link["tag_id"]) for link in _links(view)))
    typed = "id" not in view.event and "_AttributeFlattened" in view.event  # by MISP, that is, not by hand
    if numbers or typed:
        return Unsaid("an event before it is saved", True, tags=numbers) if _is_bare(view) or numbers else None
    if "id" not in view.event:
        return None
    if _is_bare(view) and not view.attributes and not view.objects:
        before = "CryptographicKey" in view.event
        what = "an event before it is saved" if before else "an event just after it was saved"
        return Unsaid(what, before, event=_reference(view.event.get("uuid") or view.event["id"]))
    if view.kind == "attribute":
        own = tuple(_reference(row.get("uuid")) for row in view.attributes if "Tag" not in row and not tag_links(row))
        event = _reference(view.event.get("uuid") or view.event["id"]) if _is_bare(view) else ""
        return Unsaid("an attribute just after it was saved", False, event=event, attributes=own) if any(own) else None
    return None


def of_unknown_home(data: Any) -> str:
    """Return id or uuid of an event of whose tags MISP does not say which are attached locally, "" where it does.

    Seen on MISP 2.5.1: so it is whenever something in an event is saved, and in no body about the event itself.
    """
    event = View(data).event
    untold = any("id" in tag and "local" not in tag for tag in rows(event.get("Tag")))
    return _reference(event.get("uuid") or event.get("id")) if untold else ""


def _of_log(log: Mapping[str, Any]) -> Unsaid | None:
    model, number = text(log.get("model")), _reference(log.get("model_id"))
    if model in ADMINISTRATION:
        return None
    event = number if model == "Event" else ""
    return Unsaid("a log entry about an event", True, event=event, row=number if model == "Attribute" else "")


def _is_bare(view: View) -> bool:
    """Whether the event has neither tags nor what comes along with tags in a full event."""
    return not tag_names(view.event) and not any(key in view.event for key in ("Tag", "RelatedEvent"))


def _links(view: View) -> Iterator[dict[str, Any]]:
    """Yield the rows between a tag and what it is on that have nothing but the tag's number."""
    for row in (view.event, *[row for row in view.attributes if "AttributeTag" in row or "EventTag" in row]):
        yield from (link for link in tag_links(row) if link.get("tag_id") and not _named(link))


def tag_links(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the database's rows between tags and an event or attribute."""
    return [link for key in ("EventTag", "AttributeTag") for link in rows(row.get(key))]


def _named(link: Mapping[str, Any]) -> bool:
    return isinstance(link.get("Tag"), dict) or bool(link.get("name"))


def _reference(value: Any) -> str:
    """Return an id or uuid that can stand in a question to MISP, "" for anything else."""
    said = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return said if said != "0" and len(said) <= 36 and said.replace("-", "").isalnum() else ""


def completed(data: Any, found: Found) -> Any:
    """Return the data, or selected items, with the tags that MISP said."""
    own, names = found.attributes or {}, found.names or {}

    def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
        if (tags := own.get(str(node.get("uuid")))) is not None:
            return {**node, "Tag": tags, "_allTags": [*rows(node.get("_allTags")), *tags]}
        name = names.get(str(node.get("tag_id")))
        return {**node, "Tag": {"id": node["tag_id"], "name": name}} if name and not _named(node) else node

    return rewrite(data, visit)


def with_event_tags(data: Any, tags: list[Any]) -> Any:
    """Return the data with the tags of the event that it is about; a log entry has no other place for them."""
    if not isinstance(data, dict):
        return data
    event = data.get("Event")
    if isinstance(event, dict):
        return {**data, "Event": {**event, "Tag": tags}}
    return {**data, "Tag": tags}
