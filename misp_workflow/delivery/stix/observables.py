"""Observables named by what was observed.

They have no `modified`, so a server that knows one by its id keeps what it was: misp-stix names them after the
attribute, whose value may be corrected.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from misp_workflow.delivery.stix.marked import referred

Object = Mapping[str, Any]
_ID = re.compile(r'"([a-z0-9-]+--[0-9a-f-]{36})"')


def is_observable(one: Object) -> bool:
    """Whether a STIX object is a cyber observable."""
    return "modified" not in one and one["type"] != "marking-definition"


def named_by_content(objects: Iterable[Object]) -> list[dict[str, Any]]:
    """Return the objects, each id once, with other ids for the observables among them and in what refers to those."""
    known = {one["id"]: one for one in objects}
    names: dict[str, str] = {}
    for uid, one in known.items():
        if is_observable(one):
            _name(uid, known, names)
    written = _ID.sub(lambda found: f'"{names.get(found[1], found[1])}"', json.dumps([*known.values()]))
    made: list[dict[str, Any]] = json.loads(written)
    return made


def _name(uid: str, known: Mapping[str, Object], names: dict[str, str]) -> str:
    """Return the name of an observable, made of its content and of what it refers to."""
    if uid not in names:
        names[uid] = uid  # where a ring of references ends
        others = [_name(other, known, names) for other in referred(known[uid]) if _is_there(other, known)]
        content = json.dumps([known[uid], others], sort_keys=True)
        kind, _, before = uid.partition("--")
        names[uid] = f"{kind}--{uuid.uuid5(uuid.UUID(before), content)}"
    return names[uid]


def _is_there(uid: str, known: Mapping[str, Object]) -> bool:
    return uid in known and is_observable(known[uid])
