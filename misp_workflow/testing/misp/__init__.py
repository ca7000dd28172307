"""A local stand-in for MISP's API, with a memory: it answers as a real MISP 2.5.1 was recorded to.

    with MispStandIn() as misp:
        event = misp.add_event({"info": "…", "Attribute": [{"type": "domain", "value": "a.example"}]})
        …                              # let the code under test change it through misp.url and misp.key
        assert misp.tags(event["Attribute"][0]["uuid"]) == {"tlp:green": "local"}

It does what write-back needs, with MISP's traps: a bulk tag that ignores `local` in the body, a bulk edit that switches
correlation off, tags of an exclusive taxonomy that are refused in bulk, a 405 for a missing attribute. What nobody has
recorded is documented here: custom warninglists as in https://github.com/MISP/MISP/issues/9184 and misp-playbooks,
`objects/add` as in PyMISP.
"""

from __future__ import annotations

import json
import uuid as uuids
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from misp_workflow.testing.misp.answers import ROUTES, is_uuid, no, route, yes
from misp_workflow.testing.misp.memory import Memory
from misp_workflow.testing.misp.rows import (
    ORG,
    Row,
    added,
    analyst_data,
    edited,
    full_tag,
    in_event,
    new_attribute,
    now,
    searched,
)
from misp_workflow.testing.misp.workflows import Workflows
from misp_workflow.testing.receiver import CLOSE, Answer, Received, Receiver, answer
from misp_workflow.testing.workflows import ACTIONS

KEY = "k3YofTheAdminOfThisStandIn00000000000000"
READ_ONLY_KEY = "k3YofAReaderOfThisStandIn000000000000000"

NO_KEY = (
    "Authentication failed. "
    "Please make sure you pass the API key of an API enabled user along in the Authorization header."
)
NO_PERMISSION = "You do not have permission to use this functionality."
LEVELS = "Options : Your organisation only, This community only, Connected communities, All communities"
EVENT_FIELDS = ("info", "distribution", "threat_level_id", "analysis", "date")
ATTRIBUTE_FIELDS = ("to_ids", "comment", "distribution", "category", "disable_correlation", "value", "type")


class MispStandIn(Memory, Workflows, Receiver):
    """MISP's API on a loopback port, with one organisation and two keys; a context manager.

    `recorded`: exchanges whose answers to plain questions (GET) are given as they were. `bulk_local`: whether the bulk
    tag call takes `local:1` in its address. `exclusive`: taxonomies of which a thing has one tag at most.
    """

    def __init__(
        self,
        *,
        recorded: Iterable[Mapping[str, Any]] = (),
        bulk_local: bool = True,
        exclusive: Iterable[str] = ("tlp",),
        host: str = "127.0.0.1",
    ) -> None:
        Receiver.__init__(self, host=host)
        Memory.__init__(self, exclusive)
        Workflows.__init__(self, (file.stem for file in ACTIONS.glob("*.py")))
        self.key, self.read_only_key = KEY, READ_ONLY_KEY
        self.bulk_local = bulk_local
        self._recorded = {one["request"]["path"]: one["response"] for one in reversed(list(recorded))}
        self.always(self._respond)

    def __enter__(self) -> MispStandIn:
        super().__enter__()
        return self

    def calls(self, path: str = "") -> list[str]:
        """Return "METHOD /path" of every request so far whose path begins so."""
        return [f"{one.method} {one.path}" for one in self.requests if one.path.startswith(path)]

    # --- answering ----------------------------------------------------------------------------------------------------

    def _respond(self, request: Received) -> Answer:
        if len(request.body) < int(request.header("Content-Length") or 0):
            return CLOSE  # whoever asked is gone in the middle of it
        path = unquote(request.path)
        key = request.header("Authorization")
        if key not in (self.key, self.read_only_key):
            return no(403, NO_KEY, path)
        if path in self._recorded and path.startswith(
            "/workflows/moduleIndex"
        ):  # a real one lists what is installed there
            return answer(self._recorded[path]["body"], self._recorded[path]["status"])
        for method, pattern, name in ROUTES:
            found = pattern.fullmatch(path)
            if method == request.method and found:
                for_admins = "restSearch" not in path if method == "POST" else path.startswith("/workflow")
                if key == self.read_only_key and for_admins:
                    return no(403, NO_PERMISSION, path)
                with self._lock:
                    said: Answer = getattr(self, name)(path, request.json() if request.body else None, *found.groups())
                    return said
        if path in self._recorded:
            return answer(self._recorded[path]["body"], self._recorded[path]["status"])
        return no(404, "Invalid Controller or Action.", path)

    @route("GET", "/servers/getVersion")
    def _version(self, path: str, body: Any) -> Answer:
        return answer({"version": "2.5.1", "pymisp_recommended_version": "2.5.1", "perm_sync": True})

    # --- events -------------------------------------------------------------------------------------------------------

    @route("POST", "/events/add")
    def _event_add(self, path: str, body: Any) -> Answer:
        return answer({"Event": self.add_event(body)})

    @route("GET", "/events/view/([^/]+)")
    def _event_view(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        return answer({"Event": self._shown(event)}) if event else no(404, "Invalid event", path)

    @route("POST", "/events/restSearch")
    def _event_search(self, path: str, body: Any) -> Answer:
        event = self._find_event(str(body.get("uuid") or body.get("eventid")))
        parts = ("Attribute", "Object", "ShadowAttribute", "EventReport") if body.get("metadata") else ()
        shown = {key: value for key, value in self._shown(event).items() if key not in parts} if event else None
        return answer({"response": [{"Event": shown}] if shown else []})

    @route("POST", "/events/edit/([^/]+)")
    def _event_edit(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        if str(body.get("distribution", "0")) not in "01234":
            said = {"saved": False, "name": "Could not edit Event", "message": "Could not edit Event"}
            place = {"url": f"/events/edit/{event['id']}", "errors": {"distribution": [LEVELS]}, "id": event["id"]}
            return answer({**said, **place}, 403)
        event.update({name: str(body[name]) for name in EVENT_FIELDS if name in body})
        event.update(timestamp=now(), published=bool(body.get("published", False)))
        self.fired.append(("event-after-save", event["uuid"]))
        return answer({"Event": self._shown(event)})

    @route("POST", "/events/(publish|unpublish)/([^/]+)")
    def _publish(self, path: str, body: Any, verb: str, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event.", path)
        event["published"] = verb == "publish"
        self.fired.append(("event-after-save", event["uuid"]))
        message = "Job queued" if verb == "publish" else "Event unpublished."
        return yes(message, f"/events/{verb}/{event['id']}", id=event["id"])

    # --- attributes ---------------------------------------------------------------------------------------------------

    @route("GET", "/attributes/view/([^/]+)")
    def _attribute_view(self, path: str, body: Any, reference: str) -> Answer:
        attribute = self._find_attribute(reference)
        if attribute is None:
            return no(405, "Invalid attribute", path)
        event = self.events[attribute["event_id"]]
        return answer({"Attribute": {**searched(attribute), "event_uuid": event["uuid"]}})

    @route("POST", "/attributes/restSearch")
    def _attribute_search(self, path: str, body: Any) -> Answer:
        wanted = body.get("uuid") or []
        wanted = {wanted} if isinstance(wanted, str) else set(wanted)
        found = [row for row in self.attributes.values() if row["uuid"] in wanted and not row["deleted"]]
        return answer({"response": {"Attribute": [{**searched(row), "Event": self._brief(row)} for row in found]}})

    @route("POST", "/attributes/edit/([^/]+)")
    def _attribute_edit(self, path: str, body: Any, reference: str) -> Answer:
        attribute = self._find_attribute(reference)
        if attribute is None:
            return no(404, "Invalid attribute", path)
        for name in ATTRIBUTE_FIELDS:
            if name in body:
                attribute[name] = bool(body[name]) if isinstance(attribute[name], bool) else str(body[name])
        self._saved(attribute)
        return answer({"Attribute": edited(attribute)})

    @route("POST", "/attributes/editSelected/([^/]+)")
    def _edit_selected(self, path: str, body: Any, reference: str) -> Answer:
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
                said = {"saved": False, "name": "Could not add Attribute", "message": "Could not add Attribute"}
                return answer({**said, "url": "/attributes/add", "errors": errors}, 403)
        rows = [self._add_attribute(row, event) for row in given]
        event["_attributes"] += rows
        for row in rows:
            self._saved(row)
        if isinstance(body, list):
            return answer({"Attribute": [added(row, False)["Attribute"] for row in rows]})
        return answer(added(rows[0], True))

    @route("POST", "/objects/add/([^/]+)")
    def _object_add(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        uuids_there = {thing["uuid"] for thing, _ in event["_objects"]} | self.attributes.keys()
        if {body.get("uuid"), *(row.get("uuid") for row in body["Attribute"])} & uuids_there:
            said = {"saved": False, "name": "Could not add Object", "message": "Could not add Object", "url": path}
            return answer({**said, "errors": {"uuid": ["The UUID provided is not unique"]}}, 403)
        self._add_object(body, event)
        thing, inner = event["_objects"][-1]
        for row in inner:
            self._saved(row)
        return answer({"Object": {**thing, "Attribute": [in_event(row) for row in inner]}})

    @route("POST", "/shadowAttributes/add/([^/]+)")
    def _propose(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        row = {**new_attribute(body, next(self._numbers), event["id"]), "old_id": "0", "email": "admin@admin.test"}
        names = (
            "id old_id event_id type category comment to_ids uuid email deleted timestamp first_seen last_seen value"
        )
        proposal = {**{name: row[name] for name in names.split()}, "event_org_id": "1"}
        self.proposals.append(proposal)
        return answer({"ShadowAttribute": proposal})

    # --- tags ---------------------------------------------------------------------------------------------------------

    @route("POST", "/tags/attachTagToObject")
    def _tag(self, path: str, body: Any) -> Answer:
        if not is_uuid(body["uuid"]):
            return no(500, "An Internal Error Has Occurred.", path)
        kind, target = self._target(body["uuid"])
        if target is None:
            return no(404, "Invalid Target.", path)
        name, local = body["tag"], bool(body["local"])
        if any(tag["name"].lower() == name.lower() for tag in target["_tags"]):
            self.repeats += 1
            return yes(
                f"{kind} already has the requested tag attached, no changes had to be made for tag {name}.", path
            )
        if self._excluded(target, name):
            return answer({"saved": False, "errors": "Tag could not be added."})
        tag = self._attach(target, name, local)
        where = f"{kind}({target['id']})"
        return yes(f"{'Local' if local else 'Global'} tag {name}({tag['id']}) successfully attached to {where}.", path)

    @route("GET", "/tags/view/([0-9]+)")
    def _tag_view(self, path: str, body: Any, number: str) -> Answer:
        found = [tag for tag in self._known_tags.values() if tag["id"] == number]
        return answer(full_tag({"colour": "#000000", **found[0]})) if found else no(404, "Invalid tag", path)

    @route("POST", "/tags/removeTagFromObject")
    def _untag(self, path: str, body: Any) -> Answer:
        kind, target = self._target(body["uuid"])
        if target is None:
            return no(404, "Invalid Target.", path)
        for tag in target["_tags"]:
            if tag["name"].lower() == body["tag"].lower():
                target["_tags"].remove(tag)
                if not tag["local"]:
                    self._saved(target)
                what = f"{'Local' if tag['local'] else 'Global'} tag {tag['name']} ({tag['id']})"
                return yes(f"{what} successfully removed from {kind}({target['id']}).", path)
        return no(404, f"Could not remove tag as it is not attached to the target {kind}", path)

    @route("POST", "/attributes/addTag/selected(/local:1)?")
    def _tag_selected(self, path: str, body: Any, in_address: str | None) -> Answer:
        local = bool(in_address) and self.bulk_local  # "local" in the body is ignored, as recorded
        failed = done = 0
        for number in json.loads(body["attribute_ids"]):
            attribute = self._find_attribute(str(number))
            has = attribute is not None and body["tag"].lower() in (tag["name"].lower() for tag in attribute["_tags"])
            if attribute is None or has or self._excluded(attribute, body["tag"]):
                failed += 1
                self.repeats += has
            else:
                self._attach(attribute, body["tag"], local)
                done += 1
        if failed:
            more = f" However, {done} tag{'s were' if done > 1 else ' was'} added." if done else ""
            return answer({"saved": False, "errors": f"Tag could not be added.{more}"})
        return answer({"saved": True, "success": f"{done} tags added."})

    # --- additions ----------------------------------------------------------------------------------------------------

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
            said = {"saved": False, "name": f"Could not add {kind}", "message": f"Could not add {kind}", "url": path}
            return answer({**said, "errors": {"uuid": ["The UUID provided is not unique"]}}, 403)
        made = analyst_data(kind, next(self._numbers), body, target, target_kind)
        self.analyst_data.append(made)
        return answer({kind: made})

    @route("POST", "/eventReports/add/([^/]+)")
    def _report(self, path: str, body: Any, reference: str) -> Answer:
        event = self._find_event(reference)
        if event is None:
            return no(404, "Invalid event", path)
        report = {
            "id": str(next(self._numbers)),
            "uuid": body.get("uuid") or str(uuids.uuid4()),
            "event_id": event["id"],
            "name": body["name"],
            "content": body["content"],
            "distribution": str(body.get("distribution", 5)),
            "sharing_group_id": "0",
            "timestamp": now(),
            "deleted": False,
        }
        self.reports.append(report)
        self.fired.append(("event-report-after-save", event["uuid"]))
        organisation = {"id": ORG["id"], "name": ORG["name"]}
        brief = {key: event[key] for key in ("id", "orgc_id", "org_id", "info", "date")}
        about = {**brief, "user_id": "1", "Org": organisation, "Orgc": organisation}
        return answer({"EventReport": report, "Event": about, "SharingGroup": {"id": None, "name": None, "uuid": None}})

    @route("POST", "/eventBlocklists/add")
    def _block(self, path: str, body: Any) -> Answer:
        done = [uuid for uuid in body["uuids"] if uuid not in self.blocklist]
        fails = [uuid for uuid in body["uuids"] if uuid in self.blocklist]
        self.blocklist += done
        added_now = f"Done. Added {len(done)} new entries to the blocklist."
        message = f"{added_now} {len(fails)} entries could not be saved."
        return answer({"result": {"successes": done, "fails": fails}, "message": message})

    @route("GET", "/eventBlocklists/index")
    def _blocked(self, path: str, body: Any) -> Answer:
        return answer([{"EventBlocklist": {"event_uuid": uuid}} for uuid in self.blocklist])

    # --- warninglists -------------------------------------------------------------------------------------------------

    @route("GET", "/warninglists/index")
    def _warninglists(self, path: str, body: Any) -> Answer:
        own = [{"Warninglist": {k: v for k, v in one.items() if k[0] != "_"}} for one in self.warninglists.values()]
        given = self._recorded.get(path, {"body": {"Warninglists": []}})["body"]["Warninglists"]
        return answer({"Warninglists": own + given})

    @route("GET", "/warninglists/view/([0-9]+)")
    def _warninglist(self, path: str, body: Any, number: str) -> Answer:
        own = self.warninglists[number]
        entries = [{"value": value, "comment": comment} for value, comment in own["_entries"].items()]
        types = [{"type": one} for one in own["_types"]]
        shown = {key: value for key, value in own.items() if key[0] != "_"}
        return answer({"Warninglist": shown, "WarninglistEntry": entries, "WarninglistType": types})

    @route("POST", "/warninglists/(add|edit)(?:/([0-9]+))?")
    def _warninglist_save(self, path: str, body: Any, verb: str, number: str | None) -> Answer:
        given = body["Warninglist"]
        own: Row = {"id": str(next(self._numbers)), "enabled": False, "default": False}
        own = self.warninglists[number] if number else own
        own |= {key: given[key] for key in ("name", "type", "description", "category")}
        lines = [line.partition("#") for line in given["entries"].splitlines()]
        own["_entries"] = {value.strip(): comment.strip() or None for value, _, comment in lines}
        own["_types"] = given["matching_attributes"]
        self.warninglists[own["id"]] = own
        return answer({"Warninglist": {key: value for key, value in own.items() if key[0] != "_"}})

    @route("POST", "/warninglists/toggleEnable")
    def _warninglist_enable(self, path: str, body: Any) -> Answer:
        for number in body["id"]:
            self.warninglists[str(number)]["enabled"] = bool(body["enabled"])
        return answer({"saved": True, "success": f"{len(body['id'])} warninglist(s) enabled"})
