"""Markings on STIX objects: TLP and PAP of the event and of each attribute, on all that says something of it.

misp-stix marks the report with the event's tags, and an attribute's objects with the attribute's own in one spelling.
A consumer that takes objects out of a bundle, as most do, needs the marking on each of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from misp_workflow.event import marking
from misp_workflow.markings import PAP_LEVELS, TLP_LEVELS

_CREATED = {
    "2017-01-20T00:00:00.000Z": ("green", "amber", "red"),
    "2022-10-01T00:00:00.000Z": ("clear", "amber+strict"),
}
_TLP_IDS = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "f88d31f6-486f-44da-b317-01333bde0b82",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
"""The ones that every reader knows: STIX 2.1 section 7.2.1.4; and of TLP 2.0, which has two more, those two."""
_TLP2 = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_PAP = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/MISP/misp-taxonomies/tree/main/PAP")
UNMARKED = frozenset(("marking-definition", "extension-definition"))


def mark(objects: list[dict[str, Any]], tags: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Mark every object in place, and return the marking definitions that this takes.

    `tags` are the names of tags by the uuid of an attribute or object, those of the event under "".
    """
    levels = {uid: _level([*tags[""], *names]) for uid, names in tags.items()}
    known = {one["id"]: levels.get(one["id"].partition("--")[2], levels[""]) for one in objects}
    for one in objects:  # what an attribute's objects are about, and what joins two of them
        for other in referred(one):
            if other in known and one["type"] in ("observed-data", "note", "opinion"):
                known[other] = _strictest(known[other], known[one["id"]])
    for one in objects:
        if one["type"] in ("relationship", "sighting", "note", "opinion"):
            known[one["id"]] = _strictest(known[one["id"]], *(known[id_] for id_ in referred(one) if id_ in known))
    used: dict[str, dict[str, Any]] = {}
    for one in objects:
        if one["type"] in UNMARKED:
            continue
        definitions = _definitions(*known[one["id"]])
        used |= {each["id"]: each for each in definitions}
        refs = list(dict.fromkeys([*one.get("object_marking_refs", ()), *(each["id"] for each in definitions)]))
        if refs:
            one["object_marking_refs"] = refs
    return list(used.values())


def referred(one: Mapping[str, Any]) -> Iterable[str]:
    """Yield the ids that an object refers to by itself."""
    for name, value in one.items():
        if name.endswith("_ref") and isinstance(value, str):
            yield value
        elif name.endswith("_refs") and isinstance(value, list):
            yield from value


Level = tuple[int, int]
"""Ranks in TLP_LEVELS and PAP_LEVELS, -1 for unmarked."""


def _level(names: list[str]) -> Level:
    tlp, pap = marking(names, "tlp"), marking(names, "pap")
    return (TLP_LEVELS.index(tlp) if tlp else -1, PAP_LEVELS.index(pap) if pap else -1)


def _strictest(*levels: Level) -> Level:
    return max(level[0] for level in levels), max(level[1] for level in levels)


def _definitions(tlp: int, pap: int) -> list[dict[str, Any]]:
    found = []
    if tlp >= 0:
        found.append(_tlp(TLP_LEVELS[tlp]))
    if pap >= 0:
        name = f"PAP:{PAP_LEVELS[pap].upper()}"
        told = {"definition_type": "statement", "definition": {"statement": name}}
        found.append(_definition(str(uuid.uuid5(_PAP, name)), "2017-01-20T00:00:00.000Z", name, told))
    return found


def _tlp(level: str) -> dict[str, Any]:
    created = next(when for when, levels in _CREATED.items() if level in levels)
    if level in ("clear", "amber+strict"):
        told: dict[str, Any] = {"extensions": {_TLP2: {"extension_type": "property-extension", "tlp_2_0": level}}}
    else:
        told = {"definition_type": "tlp", "definition": {"tlp": level}}
    return _definition(_TLP_IDS[level], created, f"TLP:{level.upper()}", told)


def _definition(uid: str, created: str, name: str, told: dict[str, Any]) -> dict[str, Any]:
    head = {"type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{uid}", "created": created}
    return {**head, "name": name, **told}
