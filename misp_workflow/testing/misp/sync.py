"""How the stand-in takes an event from another MISP: whole ones, edits of their parts, deletions, sightings, groups.

Of two states the one with the later timestamp stays; an edit without a timestamp lets each part decide for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from misp_workflow.testing.misp.answers import no, not_saved, route
from misp_workflow.testing.misp.memory import Memory
from misp_workflow.testing.misp.rows import ORG, Row, new_report, new_sighting, now, wrong_shape, wrong_value
from misp_workflow.testing.receiver import Answer, answer

NOT_NEWER = "Event could not be saved: Event in the request not newer than the local copy."
NOT_YOURS = (
    "Event could not be saved: The user used to edit the event is not authorised to do so. This can be caused by the "
    "user not being of the same organisation as the original creator of the event whilst also not being a site "
    "administrator."
)
TAKEN = ("value", "comment", "category", "to_ids", "disable_correlation", "distribution", "timestamp")


class Sync(Memory):
    """What MISP answers to what one MISP tells another."""

    def taken(self, event: Row, given: Row) -> None:
        """Add the parts of an event that are sent along, or change those that are older here."""
        for row in given.get("Attribute", []):
            self._take_attribute(row, event, event["_attributes"])
        for thing in given.get("Object", []):
            self._take_object(thing, event)
        for report in given.get("EventReport", []):
            self._take_report(report, event)

    def _take_attribute(self, row: Row, event: Row, among: list[Row], thing: Row | None = None) -> None:
        known = self.attributes.get(row["uuid"])
        if known is None:
            # what MISP does not like is not told
            if not row.get("deleted") and not wrong_shape(row) and not wrong_value(row):
                among.append(self._add_attribute({**row, **self.captured(row)}, event, thing))
                among[-1]["timestamp"] = str(row.get("timestamp") or now())  # tags have touched it
                self._take_sightings([{**one, "attribute_uuid": row["uuid"]} for one in row.get("Sighting", [])])
            return
        if not _is_newer(row, known):
            return
        known.update({name: value for name, value in {**row, **self.captured(row)}.items() if name in TAKEN})
        known.update(deleted=bool(row.get("deleted", False)), timestamp=str(row.get("timestamp") or now()))
        self._take_sightings([{**one, "attribute_uuid": known["uuid"]} for one in row.get("Sighting", [])])

    def _take_object(self, given: Row, event: Row) -> None:
        known = next((pair for pair in event["_objects"] if pair[0]["uuid"] == given["uuid"]), None)
        if known is None:
            if "name" not in given:
                return
            self._add_object({**given, **self.captured(given), "Attribute": []}, event)
            known = event["_objects"][-1]
        thing, inner = known
        if given.get("deleted"):
            thing["deleted"] = True
            for row in inner:
                row["deleted"] = True
        for row in given.get("Attribute", []):
            self._take_attribute(row, event, inner, thing)

    def _take_report(self, given: Row, event: Row) -> None:
        known = next((one for one in self.reports if one["uuid"] == given["uuid"]), None)
        if known is None:
            self.reports.append(new_report({**given, **self.captured(given)}, next(self._numbers), event["id"]))
        elif "name" in given and _is_newer(given, known):  # a report without a name is not changed
            known.update({name: given[name] for name in ("name", "content", "timestamp") if name in given})
            known["deleted"] = bool(given.get("deleted"))

    def _take_sightings(self, given: list[Row]) -> int:
        """Add those that are not there, and return their number."""
        known = {one["uuid"] for row in self.attributes.values() for one in row["_sightings"]}
        fresh = [one for one in given if one["uuid"] not in known and one["attribute_uuid"] in self.attributes]
        for one in fresh:
            attribute = self.attributes[one["attribute_uuid"]]
            attribute["_sightings"].append(new_sighting(one, next(self._numbers), attribute))
        return len(fresh)

    def captured(self, given: Row) -> Row:
        """Return distribution and sharing group as they are here: for nobody else, where the group lacks who asks."""
        if str(given.get("distribution")) != "4":
            return {"distribution": str(given["distribution"])} if "distribution" in given else {}
        group = given.get("SharingGroup") or {}
        members = {one["Organisation"]["uuid"] for one in group.get("SharingGroupOrg", [])}
        if ORG["uuid"] not in members:
            return {"distribution": "0", "sharing_group_id": "0"}
        kept = self.sharing_groups.setdefault(group["uuid"], {**group, "id": str(len(self.sharing_groups) + 1)})
        return {"distribution": "4", "sharing_group_id": kept["id"]}

    def refusal(self, event: Row, given: Row) -> Answer | None:
        """Return MISP's no to an edit of an event that is there, None when it takes it."""
        why = "" if self._may_change(event) else NOT_YOURS
        if not why and "timestamp" in given and not _is_newer(given, event):
            why = NOT_NEWER
        return not_saved("edit Event", f"/events/edit/{event['id']}", why, id=event["id"]) if why else None

    def is_blocked(self, uuid: str) -> bool:
        """Whether an event is on the blocklist."""
        return uuid in {one["event_uuid"] for one in self.blocklist}

    @route("POST", "/events/delete/([^/]+)")
    def _event_delete(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None or not self._may_change(event):
            return not_saved("delete Event", "/events/delete", "Event was not deleted.")
        for row in _attributes(event):
            self.attributes.pop(row["uuid"], None)
        del self.events[event["id"]]
        self.blocklist.append({"event_uuid": event["uuid"], "event_info": event["info"], "comment": ""})
        said = {"saved": True, "success": True, "name": "Event deleted.", "message": "Event deleted."}
        return answer({**said, "url": f"/events/delete/{reference}", "id": reference})

    @route("POST", "/sightings/bulkSaveSightings/([^/]+)")
    def _sightings_from_elsewhere(self, path: str, body: Any, reference: str) -> Answer:
        if self._find_event(reference) is None:
            return no(405, "Event not found or not accessible by this user.", path)
        number = self._take_sightings(body)
        return answer({"saved": bool(number), "success": f"{number or 'No'} sightings added."})


def _attributes(event: Row) -> Iterator[Row]:
    yield from event["_attributes"]
    for _, inner in event["_objects"]:
        yield from inner


def _is_newer(given: Row, known: Row) -> bool:
    return "timestamp" not in given or int(given["timestamp"]) > int(known["timestamp"])
