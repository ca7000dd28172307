"""The stand-in's lists: warninglists and the event blocklist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow.testing.misp.answers import no, not_saved, route
from misp_workflow.testing.misp.memory import Memory
from misp_workflow.testing.misp.rows import Row, stamp
from misp_workflow.testing.receiver import Answer, answer

KINDS = ("cidr", "hostname", "regex", "string", "substring")
COLUMNS = ("id", "name", "type", "description", "version", "enabled", "default", "category")


class Lists(Memory):
    """What MISP answers about warninglists (entries and types stand *inside* `Warninglist`) and the blocklist."""

    @route("GET", "/warninglists/index")
    def _warninglists(self, path: str, body: Any) -> Answer:
        own = [
            {
                **_columns(one),
                "warninglist_entry_count": str(len(one["_entries"])),
                "valid_attributes": ", ".join(row["type"] for row in one["_types"]),
            }
            for one in self.warninglists.values()
        ]
        given = self.recorded_body(path, {"Warninglists": []})["Warninglists"]
        return answer({"Warninglists": [{"Warninglist": one} for one in own] + given})

    @route("GET", "/warninglists/view/([0-9]+)")
    def _warninglist(self, path: str, body: Any, number: str) -> Answer:
        own = self.warninglists.get(number)
        if own is None:
            return no(404, "Warninglist not found.", path)
        parts = {"WarninglistEntry": own["_entries"], "WarninglistType": own["_types"]}
        return answer({"Warninglist": {**_columns(own), **parts}})

    @route("POST", "/warninglists/add")
    def _warninglist_add(self, path: str, body: Any) -> Answer:
        given = body.get("Warninglist", body)
        if given["type"] not in KINDS:
            return not_saved(
                "add warninglist", path.removesuffix(".json"), {"type": ["This field cannot be left blank"]}
            )
        entries, why = _entries(given.get("entries"))
        if any(one["name"] == given["name"] for one in self.warninglists.values()):
            why = {"name": ["Warninglist with same name already exists."]}
        if why:
            return not_saved("add warninglist", path.removesuffix(".json"), why)
        own: Row = {"id": str(next(self._numbers)), "version": "1", "default": False}
        own |= {"enabled": bool(given.get("enabled")), "category": given.get("category", "false_positive")}
        own |= {key: given.get(key, "") for key in ("name", "type", "description")}
        self.warninglists[own["id"]] = own
        self._keep_parts(own, entries, given.get("matching_attributes") or ["ALL"])
        return answer({"Warninglist": _columns(own)})

    @route("POST", "/warninglists/edit/([0-9]+)")
    def _warninglist_edit(self, path: str, body: Any, number: str) -> Answer:
        """What the body brings replaces what was there; the rest stays, though all rows get new ids."""
        own = self.warninglists.get(number)
        if own is None or own["default"]:
            return no(404, "Invalid Warninglist.", path)
        given = body.get("Warninglist", body)
        entries, types = own["_entries"], own["_types"]
        if "entries" in given:
            entries, why = _entries(given["entries"])
            if why:
                return not_saved("edit warninglist", "/warninglists/edit", why)
        own |= {key: given[key] for key in ("name", "type", "description", "category") if key in given}
        own["version"] = str(int(own["version"]) + 1)
        shown = {**_columns(own), "version": int(own["version"])}
        if "matching_attributes" in given:
            shown["matching_attributes"] = given["matching_attributes"]
            types = [{"type": one} for one in given["matching_attributes"]]
        self._keep_parts(own, entries, [one["type"] for one in types])
        return answer({"Warninglist": shown, "WarninglistEntry": entries, "WarninglistType": types})

    @route("POST", "/warninglists/toggleEnable")
    def _warninglist_enable(self, path: str, body: Any) -> Answer:
        ids, names = body.get("id", []), body.get("name", [])
        ids = [str(one) for one in (ids if isinstance(ids, list) else [ids])]
        found = [
            one
            for one in self.warninglists.values()
            if one["id"] in ids or any(one["name"].startswith(name.rstrip("%")) for name in names)
        ]
        if not found:
            return answer({"saved": False, "errors": "Warninglist(s) not found."})
        for one in found:
            one["enabled"] = bool(body["enabled"]) if "enabled" in body else not one["enabled"]
        done = "enabled" if found[0]["enabled"] else "disabled"
        return answer({"saved": True, "success": f"{len(found)} warninglist(s) {done}"})

    @route("POST", "/warninglists/checkValue")
    def _warninglist_check(self, path: str, body: Any) -> Answer:
        if not body:
            return no(404, "No valid data received.", path)
        hits: dict[str, list[Row]] = {}
        for one in self.warninglists.values():
            if one["enabled"]:
                for value in set(body) & {entry["value"] for entry in one["_entries"]}:
                    hits.setdefault(value, []).append({"id": one["id"], "name": one["name"], "matched": value})
        return answer(hits or [])

    def _keep_parts(self, own: Row, entries: list[Row], types: list[str]) -> None:
        number, ids = own["id"], self._numbers
        own["_entries"] = [
            {
                "id": str(next(ids)),
                "value": one["value"],
                "warninglist_id": number,
                "comment": one.get("comment"),
            }
            for one in entries
        ]
        own["_types"] = [{"id": str(next(ids)), "type": one, "warninglist_id": number} for one in types]

    # --- the event blocklist ------------------------------------------------------------------------------------------

    @route("POST", "/eventBlocklists/add")
    def _block(self, path: str, body: Any) -> Answer:
        there = {one["event_uuid"] for one in self.blocklist}
        done = [uuid for uuid in body["uuids"] if uuid not in there]
        fails = [uuid for uuid in body["uuids"] if uuid in there]
        told = {key: body.get(key, "") for key in ("event_info", "comment", "event_orgc")}
        for uuid in done:
            row = {"id": str(next(self._numbers)), "event_uuid": uuid, "created": stamp()}
            self.blocklist.append({**row, **told})
        added_now = f"Done. Added {len(done)} new entries to the blocklist."
        message = f"{added_now} {len(fails)} entries could not be saved."
        return answer({"result": {"successes": done, "fails": fails}, "message": message})

    @route("GET", "/eventBlocklists/index")
    def _blocked(self, path: str, body: Any) -> Answer:
        return answer(self.blocklist)


def _columns(own: Mapping[str, Any]) -> Row:
    return {key: own[key] for key in COLUMNS}


def _entries(given: Any) -> tuple[list[Row], dict[str, list[str]]]:
    """Return the entries of a body: text with comments after #, a list of values taken as they are, or of objects."""
    if not given:
        return [], {"entries": ["Entries cannot be empty."]}
    if isinstance(given, str):
        lines = [line.partition("#") for line in given.splitlines()]
        return [{"value": value.strip(), "comment": comment.strip() or None} for value, _, comment in lines], {}
    rows = [{"comment": None, **one} if isinstance(one, dict) else {"value": one} for one in given]
    return rows, {}
