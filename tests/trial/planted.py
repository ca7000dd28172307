"""Events as MISP exports them, with reasons to be stopped planted into some of them."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import Any

ORGANISATIONS = ("CIRCL", "ACME", "Example CERT")
TYPES = (
    ("domain", "h{}.example.org"),
    ("ip-dst", "8.8.{}.{}"),
    ("sha256", "{:064x}"),
    ("url", "https://h{}.example.org/x"),
)


def event(number: int, attributes: int, tags: tuple[str, ...], org: str = "", **more: Any) -> dict[str, Any]:
    """Return one event in the form of /events/view."""
    rng = random.Random(number)
    made = [_attribute(rng, number, place) for place in range(attributes)]
    owner = {"id": "2", "name": org or ORGANISATIONS[number % 3], "uuid": str(uuid.UUID(int=number % 3)), "local": True}
    row = {
        "id": str(number),
        "orgc_id": "2",
        "org_id": "1",
        "date": f"2026-11-{number % 28 + 1:02}",
        "threat_level_id": str(number % 4 + 1),
        "info": f"Event {number}",
        "published": False,
        "uuid": str(uuid.UUID(int=number + 1)),
        "attribute_count": str(attributes),
        "analysis": "2",
        "timestamp": str(1795000000 + number),
        "distribution": "3",
        "proposal_email_lock": False,
        "locked": False,
        "publish_timestamp": "0",
        "sharing_group_id": "0",
        "disable_correlation": False,
        "extends_uuid": "",
        "Org": owner,
        "Orgc": owner,
        "Attribute": made,
        "ShadowAttribute": [],
        "RelatedEvent": [],
        "Galaxy": [],
        "Object": [],
        "EventReport": [],
        "Tag": [_tag(name) for name in tags],
        **more,
    }
    return {"Event": row}


def _tag(name: str) -> dict[str, Any]:
    return {"id": "1", "name": name, "colour": "#ffffff", "exportable": True, "local": False, "relationship_type": None}


def _attribute(rng: random.Random, number: int, place: int) -> dict[str, Any]:
    kind, form = TYPES[place % len(TYPES)]
    return {
        "id": str(number * 1000 + place),
        "type": kind,
        "category": "Network activity",
        "to_ids": True,
        "uuid": str(uuid.UUID(int=rng.getrandbits(128))),
        "event_id": str(number),
        "distribution": "5",
        "timestamp": "1795000000",
        "comment": "seen in the sandbox",
        "sharing_group_id": "0",
        "deleted": False,
        "disable_correlation": False,
        "object_id": "0",
        "object_relation": None,
        "first_seen": None,
        "last_seen": None,
        "value": form.format(number * 7 % 251 + place, place % 250 + 1),
        "Galaxy": [],
        "ShadowAttribute": [],
        "Tag": [_tag("tlp:green")] if place % 10 == 0 else [],
    }


def write(folder: Path, number: int, attributes: int) -> dict[str, int]:
    """Write so many events, and return how many hold which reason: red, unmarked, empty."""
    folder.mkdir(parents=True, exist_ok=True)
    planted = {"red": 0, "unmarked": 0, "empty": 0}
    for place in range(1, number + 1):
        kind = "red" if place % 10 == 3 else "unmarked" if place % 25 == 4 else "empty" if place % 50 == 5 else "fine"
        if kind != "fine":
            planted[kind] += 1
        tags = {"red": ("tlp:red",), "unmarked": ()}.get(kind, ("tlp:green", "type:OSINT"))
        made = event(place, 0 if kind == "empty" else attributes, tags)
        (folder / f"{place:05}.json").write_text(json.dumps(made))
    return planted
