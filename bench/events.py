"""Large events as MISP's models hand them over, the same on every machine: `python bench/events.py 1000 > event.json`.

What is drawn, and in which order, is fixed, so that the checksums in runner_php.json hold: PHP was timed on these very
bytes. One attribute in five stands in an object of up to four.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

TYPES = ("ip-src", "ip-dst", "domain", "md5", "sha256", "url", "email-src", "filename")
TAGS = (
    "tlp:red",
    "tlp:amber",
    "tlp:green",
    "tlp:clear",
    "PAP:RED",
    "PAP:GREEN",
    'workflow:state="complete"',
    "type:OSINT",
)
TAG_COUNTS = (0, 0, 0, 1, 1, 2, 3)
PLAIN_SHARE = 0.8
OBJECT_SIZE = 4


def text(attributes: int) -> str:
    """The event with so many attributes as compact JSON."""
    return json.dumps(event(attributes), ensure_ascii=False, separators=(",", ":"))


def event(attributes: int) -> dict[str, Any]:
    """The event with so many attributes as rows."""
    draw = random.Random(20240 + attributes)
    plain = int(attributes * PLAIN_SHARE)
    own = [_attribute(draw, number) for number in range(1, plain + 1)]
    objects = [
        _object(draw, position + 1, range(first, min(first + OBJECT_SIZE, attributes + 1)))
        for position, first in enumerate(range(plain + 1, attributes + 1, OBJECT_SIZE))
    ]
    return {
        "Event": _event_row(attributes),
        "Org": {"id": "1", "name": "ORGNAME", "uuid": "aaaa0000-0000-4000-8000-000000000001"},
        "Orgc": {"id": "2", "name": "CIRCL", "uuid": "aaaa0000-0000-4000-8000-000000000002"},
        "Attribute": own,
        "ShadowAttribute": [],
        "RelatedEvent": [],
        "Galaxy": [],
        "Object": objects,
        "EventReport": [],
        "EventTag": [_event_tag(1, 0), _event_tag(2, 7)],
    }


def _event_row(attributes: int) -> dict[str, Any]:
    return {
        "id": "42",
        "orgc_id": "2",
        "org_id": "1",
        "date": "2024-05-01",
        "threat_level_id": "2",
        "info": f"Big event {attributes}",
        "published": False,
        "uuid": "4f5a0000-0000-4000-8000-000000000042",
        "attribute_count": str(attributes),
        "analysis": "1",
        "timestamp": "1600001000",
        "distribution": "1",
        "proposal_email_lock": False,
        "locked": False,
        "publish_timestamp": "0",
        "sharing_group_id": "0",
        "disable_correlation": False,
        "extends_uuid": "",
        "protected": None,
        "user_id": "1",
    }


def _attribute(draw: random.Random, number: int, object_id: str = "0", relation: str | None = None) -> dict[str, Any]:
    kind = draw.choice(TYPES)
    tags = draw.choice(TAG_COUNTS)
    return {
        "id": str(number),
        "event_id": "42",
        "object_id": object_id,
        "object_relation": relation,
        "category": "Network activity",
        "type": kind,
        "value1": "",
        "value2": "",
        "to_ids": draw.random() < 0.6,
        "uuid": f"{draw.getrandbits(32):08x}-0000-4000-8000-{number:012d}",
        "timestamp": str(1600000000 + number),
        "distribution": "5",
        "sharing_group_id": "0",
        "comment": "",
        "deleted": False,
        "disable_correlation": False,
        "first_seen": None,
        "last_seen": None,
        "value": f"{kind}-{number}",
        "Galaxy": [],
        "ShadowAttribute": [],
        "AttributeTag": [
            _attribute_tag(number, position, tag) for position, tag in enumerate(draw.sample(range(len(TAGS)), tags))
        ],
    }


def _object(draw: random.Random, number: int, attributes: range) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": "file",
        "meta-category": "file",
        "description": "d",
        "template_uuid": "688c46fb-5edb-40a3-8273-1af7923e2215",
        "template_version": "24",
        "event_id": "42",
        "uuid": f"{draw.getrandbits(32):08x}-0000-4000-8000-{number:012d}",
        "timestamp": "1600000500",
        "distribution": "5",
        "sharing_group_id": "0",
        "comment": "",
        "deleted": False,
        "first_seen": None,
        "last_seen": None,
        "ObjectReference": [],
        "Attribute": [
            _attribute(draw, attribute, str(number), f"r{position}") for position, attribute in enumerate(attributes)
        ],
    }


def _attribute_tag(attribute: int, position: int, tag: int) -> dict[str, Any]:
    return {
        "id": str(attribute * 10 + position),
        "attribute_id": str(attribute),
        "event_id": "42",
        "tag_id": "1",
        "local": False,
        "relationship_type": "",
        "Tag": _tag(tag),
    }


def _event_tag(number: int, tag: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "event_id": "42",
        "tag_id": str(number),
        "local": False,
        "relationship_type": "",
        "Tag": _tag(tag),
    }


def _tag(position: int) -> dict[str, Any]:
    return {
        "id": str(position + 1),
        "name": TAGS[position],
        "colour": "#ff0000",
        "exportable": True,
        "org_id": "0",
        "user_id": "0",
        "hide_tag": False,
        "numerical_value": None,
        "is_galaxy": False,
        "is_custom_galaxy": False,
        "local_only": False,
    }


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].isdigit():
        sys.stdout.write(text(int(sys.argv[1])))
    else:
        print("No benchmark of its own: python bench/events.py NUMBER_OF_ATTRIBUTES > event.json")
