"""The triggers of MISP, and what each makes of the data that starts it.

Mirrors MISP's `Trigger_*` modules and `WorkflowBaseTriggerModule::normalizeData`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from misp_workflow import php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data.coreformat import ANALYST_DATA, World, convert, find_row, with_report_tags
from misp_workflow.runner.data.profiles import OLDEST, REPORTS_HAVE_TAGS, Profile, profile

NO_WORLD: World = {}
_FIRST = profile(OLDEST)


@dataclass(frozen=True)
class Trigger:
    """One trigger as MISP lists it.

    `blocking`: the workflow runs before the deed and can stop it. `overhead`: 1 (low) to 3 (called for each attribute).
    `core_format`: the data is converted to MISP core format. `params`: the parameters of its node, as the editor has
    them. `since`, `until`: the versions that have it; the last one no more.
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
    since: str = OLDEST
    until: str | None = None

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

ADHOC_PREFIX, ADHOC_TRIGGER = "adhoc", "adhoc-trigger"

_ADHOC_PARAMS: tuple[dict[str, Any], ...] = (
    {
        "id": "scope",
        "label": "Scope",
        "type": "select",
        "options": {
            "passed_roaming_data": "Passed roaming data",
            "passed_event_ids": "Passed event ids",
            "events": "Events",
        },
        "default": "events",
    },
    {"id": "filters", "label": "Filters", "type": "textarea", "default": "{}", "jinja_supported": True},
)

_ALL = (
    Trigger(
        ADHOC_TRIGGER,
        "others",
        "hand-pointer",
        "This trigger is called by a person, or by another workflow",
        blocking=True,
        params=_ADHOC_PARAMS,
        since="2.5.14",
    ),
    Trigger(
        "analyst-data-after-save",
        "analyst-data",
        "comments",
        "This trigger is called after a Note, Opinion or Relationship has been saved in the database",
        since="2.5.32",
    ),
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
        "event-before-delete",
        "event",
        "trash",
        "This trigger is called before an Event is deleted",
        blocking=True,
        since="2.5.32",
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
        until="2.5.50",
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


def find(trigger_id: str) -> Trigger | None:
    """The trigger of this id; the ids of ad-hoc workflows are numbered."""
    return TRIGGERS.get(ADHOC_TRIGGER if trigger_id.startswith(ADHOC_PREFIX) else trigger_id)


def defaults(trigger_id: str) -> dict[str, Any]:
    """The parameters of a trigger's node as the editor writes them."""
    known = find(trigger_id)
    return {param["id"]: param["default"] for param in known.params if "default" in param} if known else {}


def lacking(trigger_id: str, misp: Profile) -> str:
    """The sentence for a trigger that this version does not have, though another one does; else an empty one."""
    known = find(trigger_id)
    if known is None or misp.lists(known.since, known.until):
        return ""
    other = f"it came with {known.since}" if not misp.lists(known.since) else f"it went with {known.until}"
    return f"MISP {misp.version} has no trigger {trigger_id}; {other}."


def of_version(misp: Profile) -> dict[str, Trigger]:
    """The triggers that this version of MISP has."""
    return {key: trigger for key, trigger in TRIGGERS.items() if misp.lists(trigger.since, trigger.until)}


def normalize(trigger_id: str, data: Any, world: World = NO_WORLD, misp: Profile = _FIRST) -> Any:
    """The data as the workflow's first node gets it, or False when the trigger refuses it.

    `world` holds the rows that MISP would fetch: {"events": {id: row}, "objects": …, "attributes": …, "threads": …}.
    Raises InputError for an unknown trigger, PhpCrash where MISP's normalisation throws (the walk then ends with
    "Error while normalizing data for trigger").
    """
    trigger = find(trigger_id)
    if trigger is None:
        raise InputError(f"There is no trigger {trigger_id!r} in MISP; it has {', '.join(TRIGGERS)}.")
    php.require_array(data, "normalizeData(): Argument #1 ($data)")
    special = _SPECIAL.get(trigger_id)
    normalized = special(data, world) if special else convert(data, world=world) if trigger.core_format else data
    if trigger.core_format and normalized is not False and REPORTS_HAVE_TAGS in misp:
        return with_report_tags(normalized)
    return normalized


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


def _of_analyst_data(data: Any, world: World) -> Any:
    """The event with the note, opinion or relationship. One on anything but these three is refused, as was read."""
    kind = next((name for name in ANALYST_DATA if _part(data, name)), None)
    added = _part(data, kind) if kind else None
    if kind is None or added is None or added.get("object_type") not in ("Event", "Attribute", "EventReport"):
        return False
    row = next((row for row in php.values(world.get("events") or {}) if _holds(row, added.get("object_uuid"))), None)
    event = row or ({"Event": data["Event"]} if _part(data, "Event") else {})
    return convert({**event, kind: [added]}, "event", world)


def _holds(row: Any, uuid: Any) -> bool:
    """Whether an event's row is that of this uuid, or has an attribute or report of it."""
    parts = [part for name in ("Attribute", "EventReport") for part in php.values(php.to_array(php.item(row, name)))]
    return any(php.item(part, "uuid") == uuid for part in (php.item(row, "Event"), *parts))


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
    if not php.truthy(proposal.get("old_id")):
        event = find_row(world, "events", proposal.get("event_id")) or {}
        return convert({**event, "ShadowAttribute": [proposal]}, "event", world)
    row = find_row(world, "attributes", proposal["old_id"]) or {}
    own = {**(_part(row, "Attribute") or {}), "ShadowAttribute": [proposal]}
    return convert({**row, "Attribute": own}, "attribute", world)


def _of_sighting(data: Any, world: World) -> Any:
    sighting = _part(data, "Sighting")
    if sighting is None:
        return False
    event_id, attribute_id = (php.item(php.item(sighting, name), "id") for name in ("Event", "Attribute"))
    return _with_attribute(event_id, attribute_id, world)


def _of_tag(data: Any, world: World) -> Any:
    tag = _part(data, "Tag")
    if tag is None:
        return False
    if not php.truthy(tag.get("attribute_id")):
        return convert(find_row(world, "events", tag.get("event_id")) or {}, "event", world)
    return _with_attribute(tag.get("event_id"), tag["attribute_id"], world)


def _with_attribute(event_id: Any, attribute_id: Any, world: World) -> Any:
    """The event with this one attribute. Raises PhpCrash without the attribute's row; the event's can be missing."""
    attribute = find_row(world, "attributes", attribute_id)
    if attribute is None:
        raise PhpCrash(
            "TypeError",
            "WorkflowFormatConverterTool::__propagateTagToAttributes(): Argument #1 ($attribute) must be of type array",
        )
    return convert(_around(find_row(world, "events", event_id) or {}, attribute), "event", world)


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
    "analyst-data-after-save": _of_analyst_data,
    "post-after-save": _of_post,
    "event-report-after-save": _of_report,
    "shadow-attribute-before-save": _of_proposal,
    "shadow-attribute-after-save": _of_proposal,
    "sighting-after-save": _of_sighting,
    "tag-attached-after-save": _of_tag,
}
