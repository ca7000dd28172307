"""Changes that first ask somebody else: which files are known (hashlookup), what a misp-modules expansion says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from misp_workflow import settings
from misp_workflow.delivery import retry
from misp_workflow.delivery.changes import additions, edits, look
from misp_workflow.delivery.changes.look import Misp, Row
from misp_workflow.delivery.changes.tally import Refusal, Stop, Tally, uuid_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import MispChange, Post
from misp_workflow.event import flag
from misp_workflow.web_address import shown

HASHES = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}
"""MISP's types, with what hashlookup calls them. Bulk questions exist for the first two only."""
MOST_RESULTS = 200
"""Attributes and objects that one run of an enrichment adds at most."""
OBJECT_FIELDS = ("name", "meta-category", "description", "template_uuid", "template_version")


# --- known files ------------------------------------------------------------------------------------------------------


def known_files(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Change the items whose hash a hashlookup server knows as that of an ordinary file.

    `values`: {"server", "minimum_trust", "set": fields, "add": tags, "local"}. https://www.circl.lu/services/hashlookup/
    """
    known = _known(misp, change, {uuid_of(item): item for item in change.items if uuid_of(item) in tally.left})
    asked = len(tally.left)
    tally.without(set(tally.left) - known)
    tally.notes.append(f"{len(known)} of {asked} hashes are of known files")
    items = tuple(item for item in change.items if uuid_of(item) in known)
    if items:
        edits.mark(misp, dataclasses.replace(change, items=items), tally)


def _known(misp: Misp, change: MispChange, items: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the uuids of the items that the server knows and trusts."""
    owners: dict[str, dict[str, list[str]]] = {kind: {} for kind in HASHES}
    for uuid, item in items.items():
        kind, value = item["hash"].split(":")
        owners[kind].setdefault(value.upper(), []).append(uuid)
    found: set[str] = set()
    for kind, owned in owners.items():
        for entry in _entries(misp, change.values["server"], kind, list(owned)):
            if _is_ordinary(entry, change.values["minimum_trust"]):
                found.update(owned.get(str(entry.get(HASHES[kind], "")).upper(), ()))
    return found


def _entries(misp: Misp, server: str, kind: str, hashes: list[str]) -> Iterator[Row]:
    if kind == "sha256":
        for value in hashes:
            entry = _json(misp, Post(url=f"{server}/lookup/sha256/{value}", method="GET"), "hashlookup", missing={})
            if entry:
                yield {HASHES[kind]: value, **entry}
        return
    for some in look.chunks(hashes):
        listed = _json(misp, Post(url=f"{server}/bulk/{kind}", json={"hashes": some}), "hashlookup")
        yield from (entry for entry in listed if isinstance(entry, dict))  # one it does not know is left out, or is {}


def _is_ordinary(entry: Mapping[str, Any], minimum: int) -> bool:
    try:
        trust = int(entry.get("hashlookup:trust", 50))
    except (TypeError, ValueError):
        trust = 0
    return trust >= minimum and "KnownMalicious" not in entry


# --- enrichment -------------------------------------------------------------------------------------------------------


def enrich(misp: Misp, change: MispChange, tally: Tally) -> None:
    """Ask an expansion module about each item, and add what it says to the event.

    `values`: {"module", "config", "as": "proposals" or "attributes"}; the settings say where misp-modules is. A value
    that was added by this is known by its uuid and not asked about again.
    """
    own = {uuid_of(item) for item in change.items if uuid_of(item) == _own(change.event, item)}
    tally.without(own)
    if own:
        tally.notes.append(f"{len(own)} came from an enrichment and were not asked about")
    takes = _module(misp, change.values)
    told: set[str] = set()
    added = 0
    for item in change.items:
        if uuid_of(item) in tally.left:
            with tally.one():
                added += _enrich_one(misp, change, item, takes, tally, told)
            tally.settled.add(uuid_of(item))
    results = "1 result was" if added == 1 else f"{added} results were"
    tally.notes.append(f"{results} added as {change.values['as']}")


def _enrich_one(
    misp: Misp, change: MispChange, item: Mapping[str, Any], takes: Row, tally: Tally, told: set[str]
) -> int:
    """Ask about one item and add what is not in `told` yet; return how many values were added.

    The item counts as done when all of its values are: interrupted, it is asked about again.
    """
    uuid, module = uuid_of(item), change.values["module"]
    if takes["input"] and item["type"] not in takes["input"]:
        tally.without([uuid])
        tally.notes.append(f"{module} does not take {item['type']}")
        return 0
    said = _json(misp, _question(change, item, takes["format"]), "misp-modules")
    if not isinstance(said, dict) or said.get("error"):
        why = said.get("error") if isinstance(said, dict) else "no answer that is understood"
        tally.fail(uuid, look.plain(why))
        return 0
    added = 0
    for row in _results(said.get("results"), change.values["as"] == "attributes"):
        name = _own(change.event, row)
        if name in told or row.get("value") == item["value"]:
            continue
        if len(told) >= MOST_RESULTS:
            tally.notes.append(f"more than {MOST_RESULTS} results: the rest was left out")
            break
        told.add(name)
        new, trouble = _add(misp, change, row)
        added += new
        if trouble:
            tally.fail(uuid, f"{row.get('type') or row.get('name')} {look.plain(row.get('value', ''))}: {trouble}")
    if added:
        tally.changed.add(uuid)
    return added


def _module(misp: Misp, values: Mapping[str, Any]) -> dict[str, Any]:
    listed = _json(misp, Post(url=f"{settings.current().modules_url}/modules", method="GET"), "misp-modules")
    for one in listed if isinstance(listed, list) else []:
        if one.get("name") == values["module"] and one.get("type") == "expansion":
            takes = one.get("mispattributes") or {}
            return {"input": takes.get("input") or [], "format": takes.get("format", "")}
    where = shown(settings.current().modules_url)
    detail = f"misp-modules at {where} has no expansion module called “{values['module']}”"
    raise Stop(Answer(outcome="refused", detail=detail))


def _question(change: MispChange, item: Mapping[str, Any], form: str) -> Post:
    body: dict[str, Any] = {
        "module": change.values["module"],
        "config": change.values["config"],
        "event_id": change.event,
    }
    if form == "misp_standard":
        body["attribute"] = {key: item[key] for key in ("uuid", "type", "value")}
    else:
        body[item["type"]] = item["value"]
    return Post(url=f"{settings.current().modules_url}/query", json=body)


def _results(found: Any, whole_objects: bool) -> Iterator[Row]:
    """Yield what an expansion's answer adds, of the old form (types, values) or of MISP's standard.

    An attribute is {"type", "value", …}; an object has a list "Attribute" of them. Where no whole object can be added,
    its attributes for detection are.
    """
    if isinstance(found, dict):
        yield from filter(None, map(_attribute, _dicts(found.get("Attribute"))))
        for thing in _dicts(found.get("Object")):
            inner = [(row, _attribute(row)) for row in _dicts(thing.get("Attribute"))]
            if whole_objects:
                kept = {key: thing[key] for key in OBJECT_FIELDS if key in thing}
                yield {**kept, "Attribute": [{**new, **_relation(row)} for row, new in inner if new]}
            else:
                yield from (new for row, new in inner if new and flag(row.get("to_ids")))
        return
    for row in _dicts(found):
        for value in _list(row.get("values")):
            kind, category = _list(row.get("types"))[:1], _list(row.get("categories"))[:1]
            new = _attribute({"type": kind and kind[0], "value": value, "category": category and category[0]})
            if new:
                yield new


def _attribute(row: Mapping[str, Any]) -> Row | None:
    """Return the fields of an attribute that are taken over, None for what is none."""
    kept = {key: row[key] for key in ("type", "value", "category") if isinstance(row.get(key), str) and row[key]}
    return {**kept, "to_ids": False} if "type" in kept and "value" in kept else None


def _relation(row: Mapping[str, Any]) -> Row:
    return {"object_relation": str(row.get("object_relation", ""))}


def _dicts(value: Any) -> list[Row]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _add(misp: Misp, change: MispChange, row: Row) -> tuple[int, str]:
    """Add one attribute or object; return how many were added (0: the event has it), and why it was not, or ""."""
    told = {"comment": f"From {change.values['module']}"}
    try:
        if "Attribute" in row:
            inner = [{**_with_category(misp, one), **told, "uuid": _own(change.event, one)} for one in row["Attribute"]]
            body = {**row, **told, "uuid": _own(change.event, row), "Attribute": inner}
            said = misp.direct_call(f"objects/add/{change.event}", body)
        elif change.values["as"] == "proposals":
            said = misp.direct_call(f"shadowAttributes/add/{change.event}", {**row, **told})
        else:
            body = {**row, **told, "uuid": _own(change.event, row)}
            said = misp.direct_call(f"attributes/add/{change.event}", body)
    except Refusal as no:
        if no.everywhere:
            raise
        there = "already exists" in str(no) or "not unique" in str(no)
        return 0, "" if there else str(no)
    trouble = look.trouble_in(said)
    return 0 if trouble else 1, trouble


def _with_category(misp: Misp, row: Row) -> Row:
    """Return an object's attribute with a category of its own: in MISP's check the one before it would stick."""
    category = row.get("category") or misp.default_category(row["type"])
    return {**row, "category": category} if category else row


def _own(event: str, row: Mapping[str, Any]) -> str:
    """Return the uuid of what an enrichment adds: of an attribute by type and value, of an object by all of its own."""
    if "Attribute" in row:
        parts = sorted(f"{one['object_relation']}={one['value']}" for one in row["Attribute"])
        return additions.own_uuid("Object", event, str(row.get("name")), *parts)
    return additions.own_uuid("Attribute", event, str(row.get("type")), str(row.get("value")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _json(misp: Misp, post: Post, who: str, missing: Any = None) -> Any:
    """Return the JSON that somebody answers, `missing` for a 404 when that is an answer; Stop for everything else."""
    reply = misp.ask(post, who)
    if reply.status == 404 and missing is not None:
        return missing
    outcome = retry.http_outcome(reply.status)
    if outcome != "delivered":
        detail = f"{who} answered {retry.http_phrase(reply.status)}"
        raise Stop(Answer(outcome=outcome, detail=detail))
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        detail = f"{who} answered something that is not JSON: check the address"
        raise Stop(Answer(outcome="refused", detail=detail)) from None
