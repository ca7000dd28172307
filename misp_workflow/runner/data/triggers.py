"""The seventeen triggers of MISP 2.5.1, and what each makes of the data that starts it. Mirrors MISP's `Trigger_*`
modules and `WorkflowBaseTriggerModule::normalizeData`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from misp_workflow import php
from misp_workflow.errors import InputError
from misp_workflow.runner.data.coreformat import World, convert, find_row

NO_WORLD: World = {}


@dataclass(frozen=True)
class Trigger:
    """One trigger as MISP lists it.

    `blocking`: the workflow runs before the deed and can stop it. `overhead`: 1 (low) to 3 (called for each attribute).
    `core_format`: the data is converted to MISP core format. `params`: the parameters of its node, as the editor has
    them.
    """

    id: str
    scope: str
    icon: str
    description: str
    blocking: bool = False
    overhead: Literal[1, 2, 3] = 1
    core_format: bool = True
    overhead_message: str = ""
    params: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """The label in the editor."""
        return self.id.replace("-", " ").title()


def _often(moment: str, what: str, many: str, example: str = " (e.g. Feed pulling or synchronisation)") -> str:
    return (
        f"This trigger is called each time {moment}. This means that when a large quantity of {many} are being saved"
        f"{example}, the workflow will be run for as many time as there are {what}."
    )


_TAG_PARAMS: tuple[dict[str, Any], ...] = (
    {
        "id": "scope",
        "label": "Scope",
        "type": "select",
        "options": {"event": "Event", "attribute": "Attributes", "any": "Any"},
        "default": "event",
    },
    {
        "id": "locality",
        "label": "Tag Locality",
        "type": "select",
        "options": {"local": "Local", "global": "Global", "any": "Any"},
        "default": "local",
    },
    {"id": "tag", "label": "Tags", "type": "input", "placeholder": "Type a tag"},
)

_ALL = (
    Trigger(
        "attribute-after-save",
        "attribute",
        "cube",
        "This trigger is called after an Attribute has been saved in the database",
        overhead=3,
        overhead_message=_often("an Attribute has been saved", "Attributes", "Attributes"),
    ),
    Trigger(
        "enrichment-before-query",
        "others",
        "asterisk",
        "This trigger is called just before a query against the enrichment service is done",
        blocking=True,
    ),
    Trigger(
        "event-after-save",
        "event",
        "envelope",
        "This trigger is called after an Event or any of its elements has been saved in the database",
        overhead=3,
        overhead_message=_often("an Event or Attribute have been saved", "Attributes", "Attributes"),
    ),
    Trigger(
        "event-after-save-new",
        "event",
        "envelope",
        "This trigger is called after a new Event has been saved in the database",
    ),
    Trigger(
        "event-after-save-new-from-pull",
        "event",
        "envelope",
        "This trigger is called after a new Event has been saved in the database from a PULL operation."
        " This trigger executes in place of `event-after-save-new`",
    ),
    Trigger(
        "event-before-save",
        "event",
        "envelope",
        "This trigger is called before an Event or any of its elements is about to be saved in the database",
        blocking=True,
        overhead=3,
        overhead_message=_often("an Event or Attribute is about to be saved", "Attributes", "Attributes"),
    ),
    Trigger(
        "event-publish",
        "event",
        "upload",
        "This trigger is called just before a MISP Event starts the publishing process",
        blocking=True,
    ),
    Trigger(
        "event-report-after-save",
        "event-report",
        "file-alt",
        "This trigger is called after an Event Report has been saved in the database",
    ),
    Trigger(
        "log-after-save",
        "log",
        "file",
        "This trigger is called after a Log event has been saved in the database",
        overhead=3,
        core_format=False,
        overhead_message=_often("after Log event has been saved", "log entries", "Logs", example=""),
    ),
    Trigger(
        "object-after-save",
        "object",
        "cubes",
        "This trigger is called after an Object has been saved in the database",
        overhead=3,
        overhead_message=_often("an Object has been saved", "Objects", "Objects"),
    ),
    Trigger(
        "post-after-save",
        "post",
        "comment",
        "This trigger is called after a Post has been saved in the database",
        core_format=False,
    ),
    Trigger(
        "shadow-attribute-after-save",
        "shadow-attribute",
        "comment",
        "This trigger is called just after a Shadow Attribute has been saved in the database",
        overhead=2,
        overhead_message=_often("a Shadow Attribute has been saved", "Shadow Attributes", "Shadow Attributes"),
    ),
    Trigger(
        "shadow-attribute-before-save",
        "shadow-attribute",
        "comment",
        "This trigger is called just before a Shadow Attribute is saved in the database",
        blocking=True,
        overhead=2,
        overhead_message=_often("a Shadow Attribute is about to be saved", "Shadow Attributes", "Shadow Attributes"),
    ),
    Trigger(
        "sighting-after-save",
        "sighting",
        "eye",
        "This trigger is called when a sighting has been saved",
        overhead=2,
        overhead_message=_often("a Sighting has been saved", "Sightings", "Sightings"),
    ),
    Trigger(
        "tag-attached-after-save",
        "tag",
        "tags",
        "This trigger is called just after a Tag has been attached to an Event or an Attribute.",
        overhead=3,
        overhead_message=_often("a Tag has been attached", "Tag attached", "Tags"),
        params=_TAG_PARAMS,
    ),
    Trigger(
        "user-after-save",
        "user",
        "user-edit",
        "This trigger is called after a user has been saved in the database",
        core_format=False,
    ),
    Trigger(
        "user-before-save",
        "user",
        "user-plus",
        "This trigger is called just before a user is save in the database",
        blocking=True,
        core_format=False,
    ),
)

TRIGGERS: dict[str, Trigger] = {trigger.id: trigger for trigger in _ALL}


def normalize(trigger_id: str, data: Any, world: World = NO_WORLD) -> Any:
    """The data as the workflow's first node gets it, or False when the trigger refuses it.

    `world` holds the rows that MISP would fetch: {"events": {id: row}, "objects": …, "attributes": …, "threads": …}.
    Raises InputError for an unknown trigger, PhpCrash where MISP's normalisation throws (the walk then ends with
    "Error while normalizing data for trigger").
    """
    trigger = TRIGGERS.get(trigger_id)
    if trigger is None:
        raise InputError(f"There is no trigger {trigger_id!r} in MISP 2.5.1; it has {', '.join(TRIGGERS)}.")
    php.require_array(data, "normalizeData(): Argument #1 ($data)")
    special = _SPECIAL.get(trigger_id)
    if special:
        return special(data, world)
    return convert(data, world=world) if trigger.core_format else data


def _part(data: Any, name: str) -> dict[str, Any] | None:
    part = data.get(name) if isinstance(data, dict) else None
    return part if isinstance(part, dict) and part else None


def _of_post(data: Any, world: World) -> Any:
    post = _part(data, "Post")
    if post is None:
        return False
    thread = (find_row(world, "threads", post.get("thread_id")) or {}).get("Thread")
    if not isinstance(thread, dict):
        return data
    event = find_row(world, "events", thread.get("event_id"))
    return {**data, "Thread": thread, **(convert(event, "event", world) if event else {})}


def _of_report(data: Any, world: World) -> Any:
    report = _part(data, "EventReport")
    if report is None:
        return False
    event = find_row(world, "events", report.get("event_id")) or {}
    return convert({**event, "EventReport": [report]}, "event", world)


def _of_proposal(data: Any, world: World) -> Any:
    proposal = _part(data, "ShadowAttribute")
    if proposal is None:
        return False
    event = find_row(world, "events", proposal.get("event_id")) or {}
    attribute = find_row(world, "attributes", proposal.get("old_id"))
    if attribute is None:
        return convert({**event, "ShadowAttribute": [proposal]}, "event", world)
    own = {**(_part(attribute, "Attribute") or {}), "ShadowAttribute": [proposal]}
    return convert(_around(event, {**attribute, "Attribute": own}), "event", world)


def _of_attribute_in_event(name: str) -> Callable[[Any, World], Any]:
    """For rows that only point to an event and maybe an attribute: the event with that one attribute."""

    def normalized(data: Any, world: World) -> Any:
        pointer = _part(data, name)
        if pointer is None:
            return False
        event = find_row(world, "events", pointer.get("event_id")) or {}
        attribute = find_row(world, "attributes", pointer.get("attribute_id"))
        return convert(_around(event, attribute) if attribute else event, "event", world)

    return normalized


def _around(event: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The event row with the attribute of this row, inside of its object when it has one."""
    attribute = dict(_part(row, "Attribute") or {})
    if row.get("AttributeTag"):
        attribute["AttributeTag"] = row["AttributeTag"]
    found = _part(row, "Object")
    if found and php.truthy(found.get("id")) and php.truthy(attribute.get("object_id")):
        return {**event, "Object": [{**found, "Attribute": [attribute]}]}
    return {**event, "Attribute": [attribute]}


_SPECIAL: dict[str, Callable[[Any, World], Any]] = {
    "post-after-save": _of_post,
    "event-report-after-save": _of_report,
    "shadow-attribute-before-save": _of_proposal,
    "shadow-attribute-after-save": _of_proposal,
    "sighting-after-save": _of_attribute_in_event("Sighting"),
    "tag-attached-after-save": _of_attribute_in_event("Tag"),
}
