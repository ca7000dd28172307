"""The stand-in's events, attributes and objects: shown, searched, added, edited, published."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

from misp_workflow.testing.misp.answers import no, not_saved, route, yes
from misp_workflow.testing.misp.rows import (
    LEVELS,
    Row,
    added,
    default_category,
    edited,
    in_object,
    new_attribute,
    now,
    searched,
    wrong_edit,
    wrong_shape,
    wrong_value,
)
from misp_workflow.testing.misp.sync import Sync
from misp_workflow.testing.receiver import Answer, answer

EVENT_FIELDS = ("info", "distribution", "threat_level_id", "analysis", "date")
ATTRIBUTE_FIELDS = ("to_ids", "comment", "distribution", "category", "disable_correlation", "value", "type")
TEMPLATE = ("name", "meta-category", "description", "template_version", "template_uuid")
"""What an object must say of its template, because this MISP has none of its own."""
NOT_UNIQUE = "The UUID provided is not unique"


class Events(Sync):
    """What MISP answers about events and what they are made of."""

    # --- events -------------------------------------------------------------------------------------------------------

    @route("POST", "/events/add(?:/metadata:1)?")
    def _event_add(self, path: str, body: Any) -> Answer:
        given = body.get("Event", body)
        if self.is_blocked(given.get("uuid", "")):
            return no(403, "Event blocked by event blocklist.", path)
        if self._find_event(given.get("uuid", "")):
            why = "Event already exists, if you would like to edit it, use the url in the location header."
            return no(404, why, path)
        if "locked" not in given:
            rows = [row for row in given.get("Attribute", []) if not wrong_shape(row)]  # the others are not told
            return answer({"Event": self.add_event({**given, "Attribute": rows})})
        number = self.add_event({**given, **self.captured(given), "Attribute": [], "Object": []})["id"]
        event = self.events[number]
        self.taken(event, given)
        event["timestamp"] = str(given.get("timestamp") or now())  # tags have touched it
        return answer({"Event": self._shown_for(path, event)})

    @route("GET", "/events/view/([^/]+)")
    def _event_view(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        return answer({"Event": self._shown(event)}) if event else no(404, "Invalid event", path)

    @route("POST", "/events/restSearch")
    def _event_search(self, path: str, body: Any) -> Answer:
        path = "metadata:1" if body.get("metadata") else ""
        return answer({"response": [{"Event": self._shown_for(path, event)} for event in self._searched(body)]})

    def _shown_for(self, path: str, event: Row) -> Row:
        parts = ("Attribute", "Object", "ShadowAttribute", "EventReport") if path.endswith("metadata:1") else ()
        return {name: value for name, value in self._shown(event).items() if name not in parts}

    @route("POST", "/events/edit/([^/]+)(?:/metadata:1)?")
    def _event_edit(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        given = body.get("Event", body)
        if refused := self.refusal(event, given):
            return refused
        if str(body.get("distribution", "0")) not in "01234":
            errors = {"distribution": [f"Options : {LEVELS}"]}
            return not_saved("edit Event", f"/events/edit/{event['id']}", errors, id=event["id"])
        event.update({name: str(given[name]) for name in EVENT_FIELDS if name in given})
        event.update(self.captured(given))
        event.update(timestamp=str(given.get("timestamp") or now()), published=bool(given.get("published", False)))
        self.taken(event, given)
        self.fired.append(("event-after-save", event["uuid"]))
        return answer({"Event": self._shown_for(path, event)})

    @route("POST", "/events/(publish|unpublish)/([^/]+)")
    def _publish(self, path: str, body: Any, verb: str, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event." if verb == "publish" else "Invalid Event.", path)
        if not self._may_change(event):
            return no(403, "You do not have the permission to do that.", path)
        event["published"] = verb == "publish"
        self.fired.append(("event-after-save", event["uuid"]))
        message = "Job queued" if verb == "publish" else "Event unpublished."
        return yes(message, f"/events/{verb}/{event['id']}", id=event["id"])

    # --- attributes ---------------------------------------------------------------------------------------------------

    @route("GET", "/attributes/view/([^/]+)")
    def _attribute_view(self, path: str, body: Any, reference: str) -> Answer:
        attribute = self._find_attribute(reference)
        if attribute is None or attribute["deleted"]:
            return no(405, "Invalid attribute", path)
        event = self.events[attribute["event_id"]]
        return answer({"Attribute": {**searched(attribute), "event_uuid": event["uuid"]}})

    @route("POST", "/attributes/restSearch")
    def _attribute_search(self, path: str, body: Any) -> Answer:
        wanted = body.get("uuid") or []
        wanted = {wanted} if isinstance(wanted, str) else set(wanted)
        event = (self._find_event(str(body["eventid"])) or {}).get("id") if body.get("eventid") else None
        found = [
            row
            for row in self.attributes.values()
            if (row["uuid"] in wanted or row["event_id"] == event) and not row["deleted"]
        ]
        more = self._correlating if body.get("includeCorrelations") else lambda row: {}
        said = [{**searched(row), "Event": self._brief(row), **more(row)} for row in found]
        return answer({"response": {"Attribute": said}})

    @route("POST", "/attributes/edit/([^/]+)")
    def _attribute_edit(self, path: str, body: Any, reference: str) -> Answer:
        attribute = self._find_attribute(reference)
        if attribute is None:
            return no(404, "Invalid attribute", path)
        if not self._may_change(attribute):
            return no(403, "You do not have permission to do that.", path)
        errors = wrong_edit({**attribute, **body})
        if errors:
            return not_saved("edit Attribute", "/attributes/edit", errors)
        for name in ATTRIBUTE_FIELDS:
            if name in body:
                attribute[name] = bool(body[name]) if isinstance(attribute[name], bool) else str(body[name])
        self._saved(attribute)
        return answer({"Attribute": edited(attribute)})

    @route("POST", "/attributes/editSelected/([^/]+)")
    def _edit_selected(self, path: str, body: Any, reference: str) -> Answer:
        if self._find_event(reference) is None:
            return no(404, "Invalid event", path)
        given = body["Attribute"]
        for number in json.loads(given["attribute_ids"]):
            attribute = self._find_attribute(str(number))
            if attribute is not None:
                attribute["to_ids"] = {0: False, 1: True}.get(int(given["to_ids"]), attribute["to_ids"])
                attribute["disable_correlation"] = True  # as recorded, though nobody asked for it
                self._saved(attribute)
        return answer({"saved": True})

    @route("POST", "/attributes/add/([^/]+)")
    def _attribute_add(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        given = body if isinstance(body, list) else [body]
        for row in given:
            errors = self._errors(row, event)
            if errors:
                return not_saved("add Attribute", "/attributes/add", errors)
        rows = [self._add_attribute(row, event) for row in given]
        event["_attributes"] += rows
        for row in rows:
            self._saved(row)
        if isinstance(body, list):
            return answer({"Attribute": [added(row, False)["Attribute"] for row in rows]})
        return answer(added(rows[0], True))

    @route("POST", "/objects/add/([^/]+)")
    def _object_add(self, path: str, body: Any, reference: str) -> Answer:
        event, given = self._find_event(reference), body.get("Object", body)
        if event is None:
            return no(404, "Invalid event.", path)
        place = {"url": f"/objects/add/{event['id']}/", "id": f"{event['id']}/"}
        if not given["Attribute"]:
            return not_saved("add object", errors="Could not save the object as no attributes were set.", **place)
        if any(thing["uuid"] == given.get("uuid") for one in self.events.values() for thing, _ in one["_objects"]):
            return not_saved("add Object", "/objects/add", f"Object could not be saved.\nuuid: {NOT_UNIQUE}")
        lacks = next((part for part in TEMPLATE if not given.get(part)), "")
        if lacks:
            why = f"template: No valid template found and object lacking template information. ({lacks})"
            return not_saved("add Object", "/objects/add", f"Object could not be saved.\n{why}")
        why = self._wrong_in_object(given["Attribute"])
        if why:
            failed = "Could not save object as at least one attribute has failed validation"
            return not_saved("add object", errors=f"{failed} {why}", **place)
        self._add_object(given, event)
        thing, inner = event["_objects"][-1]
        for row in inner:
            self._saved(row)
        return answer({"Object": {**thing, "Attribute": [in_object(row) for row in inner]}})

    def _wrong_in_object(self, rows: list[Row]) -> str:
        """Return what MISP says of the first attribute that it does not take. Where an attribute names no category,
        the one before it sticks in the check (only there: it gets its type's own)."""
        category = ""
        for row in rows:
            category = row.get("category") or category
            told = {name: row.get(name) for name in ("type", "value", "comment")}
            wrong = wrong_edit({**told, **({"category": category} if category else {})})
            if row.get("uuid") in self.attributes:
                wrong = {"uuid": [NOT_UNIQUE]}
            if wrong:
                return f"({row['object_relation']}). {json.dumps(wrong, separators=(',', ':'))}"
            category = category or default_category(row["type"])
        return ""

    @route("POST", "/shadowAttributes/add/([^/]+)")
    def _propose(self, path: str, body: Any, reference: str) -> Answer:
        """The same again, and what the event has already, is taken too."""
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid Event", path)
        wrong = next(chain(*wrong_shape(body).values()), "") or wrong_value(body)
        if wrong:
            return no(404, f"Could not save the proposal. Errors: [value]: {wrong}\n", path)
        row = {**new_attribute(body, next(self._numbers), event["id"]), "old_id": "0", "email": "admin@admin.test"}
        names = (
            "id old_id event_id type category comment to_ids uuid email deleted timestamp first_seen last_seen value"
        )
        proposal = {**{name: row[name] for name in names.split()}, "event_org_id": "1"}
        self.proposals.append(proposal)
        return answer({"ShadowAttribute": proposal})
