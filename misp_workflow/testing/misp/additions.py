"""What can be added to the stand-in's events and attributes: sightings, analyst data, reports."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from misp_workflow.testing.misp.answers import no, not_saved, route
from misp_workflow.testing.misp.memory import Memory
from misp_workflow.testing.misp.rows import ORG, analyst_data, new_report, now
from misp_workflow.testing.receiver import Answer, answer


class Additions(Memory):
    """What MISP answers to sightings, notes, opinions and reports."""

    @route("POST", "/sightings/add/([^/]+)")
    def _sighting(self, path: str, body: Any, reference: str) -> Answer:
        attribute = self._find_attribute(reference)
        if attribute is None:
            why = "No valid attributes found that match the criteria."
            return answer({"message": f"Could not add the Sighting. Reason: {why}"})
        sighting = {
            "id": str(next(self._numbers)),
            "attribute_id": attribute["id"],
            "event_id": attribute["event_id"],
            "org_id": "1",
            "date_sighting": now(),
            "uuid": str(uuids.uuid4()),
            "source": body.get("source", ""),
            "type": body.get("type", "0"),
        }
        organisation = {"id": ORG["id"], "uuid": ORG["uuid"], "name": ORG["name"]}
        attribute["_sightings"].append({**sighting, "attribute_uuid": attribute["uuid"], "Organisation": organisation})
        return answer({"Sighting": sighting})

    @route("POST", "/(?:analystData|analyst_data)/add/(Note|Opinion)/([^/]+)/([^/]+)")
    def _analyst_data(self, path: str, body: Any, kind: str, target: str, target_kind: str) -> Answer:
        if body.get("uuid") in [one["uuid"] for one in self.analyst_data]:
            return no(500, "An Internal Error Has Occurred.", path)
        made = analyst_data(kind, next(self._numbers), body, target, target_kind)
        self.analyst_data.append(made)
        return answer({kind: made})

    @route("GET", "/(?:analystData|analyst_data)/view/(Note|Opinion)/([^/]+)")
    def _analyst_data_view(self, path: str, body: Any, kind: str, uuid: str) -> Answer:
        for one in self.analyst_data:
            if one["uuid"] == uuid:
                return answer({kind: {name: value for name, value in one.items() if name != "_canEdit"}})
        return no(404, f"Invalid {kind}.", path)

    @route("POST", "/eventReports/add/([^/]+)")
    def _report(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        if body.get("uuid") in [one["uuid"] for one in self.reports]:
            return not_saved("add EventReport", "/event_reports/add", "The UUID provided is not unique")
        report = new_report(body, next(self._numbers), event["id"])
        self.reports.append(report)
        self.fired.append(("event-report-after-save", event["uuid"]))
        organisation = {"id": ORG["id"], "name": ORG["name"]}
        brief = {key: event[key] for key in ("id", "orgc_id", "org_id", "info", "date")}
        about = {**brief, "user_id": "1", "Org": organisation, "Orgc": organisation}
        return answer({"EventReport": report, "Event": about, "SharingGroup": {"id": None, "name": None, "uuid": None}})
