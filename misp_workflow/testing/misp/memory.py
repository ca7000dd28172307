"""What the stand-in for MISP remembers: events, attributes, tags, and which triggers a change would fire."""

from __future__ import annotations

import re
import threading
import uuid as uuids
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from misp_workflow.testing.misp.rows import (
    ORG,
    Row,
    full_tag,
    in_event,
    new_attribute,
    new_event,
    now,
    plain,
    wrong_shape,
    wrong_value,
)

LONGEST_TAG = 255
"""Characters; MISP cuts longer names in silence."""
RELATED = (
    *("id", "uuid", "threat_level_id", "analysis", "info", "extends_uuid", "distribution", "sharing_group_id"),
    *("published", "date", "orgc_id", "org_id"),
)
"""What restSearch says of the events that an attribute correlates with."""


class Memory:
    """Events by id, attributes by uuid, and what was added to them.

    `fired` are the triggers that a real MISP would fire for what was changed, as (trigger, uuid), oldest first.
    `repeats` counts the tags that somebody tried to attach to what had them already.
    """

    def __init__(self, exclusive: Iterable[str]) -> None:
        self.exclusive = tuple(exclusive)
        self.repeats = 0
        self.fired: list[tuple[str, str]] = []
        self.events: dict[str, Row] = {}
        self.attributes: dict[str, Row] = {}
        self.analyst_data: list[Row] = []
        self.reports: list[Row] = []
        self.sharing_groups: dict[str, Row] = {}
        self.proposals: list[Row] = []
        self.blocklist: list[Row] = []
        self.warninglists: dict[str, Row] = {}
        self.known_tags: dict[str, Row] = {}
        self._recorded: dict[str, Row] = {}
        self._asking = "1"  # the organisation of whoever asks right now
        self._numbers = count(1)
        self._lock = threading.RLock()

    def add_event(self, given: Mapping[str, Any]) -> Row:
        """Store an event with its attributes, objects and tags, and return it as MISP shows it."""
        with self._lock:
            event = new_event(dict(given), next(self._numbers)) | {"orgc_id": self._asking, "org_id": self._asking}
            event |= {"_tags": [], "_attributes": [], "_objects": []}
            self.events[event["id"]] = event
            for tag in given.get("Tag", []):
                self._attach(event, self._tag_named(tag["name"]), bool(tag.get("local")))
            for row in given.get("Attribute", []):
                event["_attributes"].append(self._add_attribute(row, event))
            for thing in given.get("Object", []):
                self._add_object(thing, event)
            return self.event(event["id"])

    @contextmanager
    def asking_as(self, organisation: str) -> Iterator[None]:
        """Let another organisation than the host's, "1", ask for a while."""
        with self._lock:
            before, self._asking = self._asking, organisation
            try:
                yield
            finally:
                self._asking = before

    def event(self, reference: str) -> Row:
        """Return an event as `events/view` shows it; KeyError when there is none."""
        event = self._find_event(reference)
        if event is None:
            raise KeyError(reference)
        return self._shown(event)

    def attribute(self, uuid: str) -> Row:
        """Return an attribute as it stands in its event; KeyError when there is none."""
        return in_event(self.attributes[uuid])

    def tag(self, name: str, *, local_only: bool = False) -> str:
        """Return the id of the tag of exactly this name, made when there is none."""
        with self._lock:
            number: str = self._tag_named(name, local_only=local_only)["id"]
            return number

    def tags(self, uuid: str) -> dict[str, str]:
        """Return the tags of an event or attribute: name to "local" or "global"."""
        found = self._find_event(uuid) or self.attributes[uuid]
        return {tag["name"]: "local" if tag["local"] else "global" for tag in found["_tags"]}

    def trigger_data(self, trigger: str, uuid: str) -> Row:
        """Return what MISP would hand to a trigger that it fires for this event or attribute."""
        attribute = self.attributes.get(uuid)
        shown = self.event(attribute["event_id"] if attribute else uuid)
        if attribute is not None and trigger in ("attribute-after-save", "tag-attached-after-save"):
            bare = {key: value for key, value in shown.items() if key not in ("Object", "RelatedEvent", "Attribute")}
            return {"Event": {**bare, "Attribute": [in_event(attribute)]}}
        if trigger == "event-after-save":  # the bare row: neither attributes nor objects
            left_out = ("Attribute", "Object", "RelatedEvent", "EventReport", "Galaxy", "ShadowAttribute")
            return {"Event": {key: value for key, value in shown.items() if key not in left_out}}
        return {"Event": shown}

    def recorded_body(self, path: str, otherwise: Any) -> Any:
        """Return what was recorded for a plain question, or something else."""
        return self._recorded[path]["body"] if path in self._recorded else otherwise

    def _find_event(self, reference: str) -> Row | None:
        return self.events.get(reference) or next((e for e in self.events.values() if e["uuid"] == reference), None)

    def _searched(self, query: Mapping[str, Any]) -> list[Row]:
        """Return the events that restSearch finds: one by its reference, else all, page by page."""
        reference = query.get("uuid") or query.get("eventid")
        if isinstance(reference, list):
            return [event for one in reference if (event := self._find_event(str(one)))]
        if reference:
            found = self._find_event(str(reference))
            return [found] if found else []
        limit, page = int(query.get("limit") or len(self.events) or 1), int(query.get("page") or 1)
        return list(self.events.values())[(page - 1) * limit : page * limit]

    def _find_attribute(self, reference: str) -> Row | None:
        return self.attributes.get(reference) or next(
            (a for a in self.attributes.values() if a["id"] == reference), None
        )

    def _target(self, uuid: str) -> tuple[str, Row | None]:
        event = self._find_event(uuid)
        return ("Event", event) if event else ("Attribute", self.attributes.get(uuid))

    def _add_attribute(self, row: Row, event: Row, thing: Row | None = None) -> Row:
        attribute = new_attribute(row, next(self._numbers), event["id"], thing)
        self.attributes[attribute["uuid"]] = attribute
        for tag in row.get("Tag", []):
            self._attach(attribute, self._tag_named(tag["name"]), bool(tag.get("local")))
        return attribute

    def _add_object(self, given: Row, event: Row) -> None:
        names = ("name", "meta-category", "description", "template_uuid", "template_version")
        thing: Row = {"id": str(next(self._numbers)), **{name: str(given.get(name, "")) for name in names}}
        thing |= {"event_id": event["id"], "uuid": given.get("uuid") or str(uuids.uuid4()), "timestamp": now()}
        group = given.get("sharing_group_id", "0")
        thing |= {"distribution": str(given.get("distribution", "5")), "sharing_group_id": group, "comment": ""}
        thing |= {"deleted": False, "first_seen": None, "last_seen": None}
        event["_objects"].append((thing, [self._add_attribute(row, event, thing) for row in given["Attribute"]]))

    def _shown(self, event: Row) -> Row:
        own = {key: value for key, value in event.items() if not key.startswith("_")}
        things = [
            {**thing, "ObjectReference": [], "Attribute": [in_event(row) for row in inner if not row["deleted"]]}
            for thing, inner in event["_objects"]
            if not thing["deleted"]
        ]
        attributes = [in_event(row) for row in event["_attributes"] if not row["deleted"]]
        number = len(attributes) + sum(len(thing["Attribute"]) for thing in things)
        tags = [{**full_tag(tag), "local": tag["local"], "relationship_type": None} for tag in event["_tags"]]
        return {
            **own,
            "attribute_count": str(number),
            "Org": {**ORG, "local": True},
            "Orgc": {**ORG, "local": True},
            "Attribute": attributes,
            "ShadowAttribute": [],
            "RelatedEvent": [],
            "Galaxy": [],
            "Object": things,
            "EventReport": [report for report in self.reports if report["event_id"] == event["id"]],
            "CryptographicKey": [],
            **({"Tag": tags} if tags else {}),
        }

    def _brief(self, attribute: Row) -> Row:
        event = self.events[attribute["event_id"]]
        names = ("org_id", "distribution", "publish_timestamp", "id", "info", "orgc_id", "uuid")
        return {name: event[name] for name in names}

    def _correlating(self, attribute: Row) -> Row:
        """Return what restSearch adds for includeCorrelations: the same value in other events."""
        same = [
            row
            for row in self.attributes.values()
            if row["value"] == attribute["value"] and row["event_id"] != attribute["event_id"] and not row["deleted"]
        ]
        names = plain(attribute).keys() - {"deleted", "disable_correlation", "first_seen", "last_seen"}
        told = [({name: row[name] for name in names}, self.events[row["event_id"]]) for row in same]
        return {"RelatedAttribute": [{**row, "Event": {name: event[name] for name in RELATED}} for row, event in told]}

    def _tag_named(self, name: str, colour: str = "", local_only: bool = False) -> Row:
        """Return the tag of exactly this name, made when there is none."""
        name = name[:LONGEST_TAG].rstrip()
        for tag in self.known_tags.values():
            if tag["name"] == name:
                return tag
        number = str(next(self._numbers))
        made = {
            "id": number,
            "name": name,
            "colour": colour or f"#{hash(name) % 0xFFFFFF:06x}",
            "local_only": local_only,
            "exportable": True,
        }
        return self.known_tags.setdefault(number, made)

    def _tags_like(self, pattern: str) -> Iterator[Row]:
        """Yield the tags whose names SQL's LIKE finds, the oldest first."""
        signs = {"%": ".*", "_": "."}
        looked_for = re.compile("".join(signs.get(sign) or re.escape(sign) for sign in pattern.rstrip()), re.I | re.S)
        return (tag for tag in self.known_tags.values() if looked_for.fullmatch(tag["name"]))

    def _attach(self, target: Row, tag: Row, local: bool) -> None:
        target["_tags"].append({**tag, "local": local})
        if not local:
            self._saved(target)

    def _excluded(self, target: Row, name: str, local: bool) -> bool:
        """Whether a tag of the same exclusive taxonomy is there, of the same locality."""
        scheme = name.lower().partition(":")[0]
        has = {tag["name"].lower().partition(":")[0] for tag in target["_tags"] if tag["local"] == local}
        return scheme in self.exclusive and scheme in has

    def _may_change(self, target: Row) -> bool:
        """Whether whoever asks may: the host's site admin, or the organisation that made the event."""
        event = self.events[target["event_id"]] if "event_id" in target else target
        return self._asking in ("1", event["orgc_id"])

    def _saved(self, target: Row) -> None:
        target["timestamp"] = now()
        self.fired.append(("attribute-after-save" if "event_id" in target else "event-after-save", target["uuid"]))

    def _errors(self, row: Row, event: Row) -> dict[str, list[str]]:
        if shape := wrong_shape(row):
            return shape
        there = [*event["_attributes"], *(inner for _, inners in event["_objects"] for inner in inners)]
        similar = any((one["type"], one["value"]) == (row["type"], row["value"]) for one in there)
        value = wrong_value(row) or ("A similar attribute already exists for this event." if similar else "")
        unique = row.get("uuid") not in self.attributes
        errors = {"value": [value] if value else [], "uuid": [] if unique else ["The UUID provided is not unique"]}
        return {name: why for name, why in errors.items() if why}
