"""Events to be pushed to another MISP, part by part, and how far each part may go."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

THEM = {"uuid": "972068e2-7c56-4198-8ae1-a02536d42f11", "name": "Partners"}
LEVELS = ("0", "1", "2", "3", "5")
NUMBERS = itertools.count(100)


US = {"uuid": "6e3701a8-d864-4f99-9b37-257af3627fe0", "name": "ORGNAME"}


def detail(said: dict[str, Any]) -> str:
    assert "data" in said, said
    return said["data"]["detail"]


def tag(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "colour": "#112233", "exportable": True, "local": False, "local_only": False, **more}


def attribute(value: str, level: str = "5", when: int = 1_750_000_000, **more: Any) -> dict[str, Any]:
    told = {
        "id": str(next(NUMBERS)),
        "uuid": str(uuid.uuid4()),
        "event_id": "7",
        "object_id": "0",
        "type": "domain",
        "value": value,
    }
    told |= {"category": "Network activity", "to_ids": True, "comment": "", "distribution": level, "deleted": False}
    return {**told, "timestamp": str(when), "disable_correlation": False, "object_relation": None, **more}


def thing(level: str, *inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = str(next(NUMBERS))
    told = {"id": own, "uuid": str(uuid.uuid4()), "name": "domain-ip", "meta-category": "network", "description": "x"}
    told |= {"template_uuid": "43b3b146-77eb-4931-b4cc-b66c60f28734", "template_version": "9", "deleted": False}
    rows = [{**row, "object_id": own, "object_relation": "domain"} for row in inner]
    return {**told, "distribution": level, "timestamp": "1750000000", "comment": "", "Attribute": rows, **more}


def report(name: str, level: str) -> dict[str, Any]:
    told = {"id": str(next(NUMBERS)), "uuid": str(uuid.uuid4()), "name": name, "content": "text", "distribution": level}
    return {**told, "timestamp": "1750000000", "deleted": False, "event_id": "7"}


def event(*rows: dict[str, Any], level: str = "2", when: int = 1_750_000_000, us: Any = None, **more: Any) -> Any:
    """An event as MISP hands it to event-publish."""
    told = {"id": "7", "uuid": str(uuid.uuid4()), "info": "pushed in a test", "date": "2026-11-29", "analysis": "1"}
    told |= {"threat_level_id": "2", "distribution": level, "timestamp": str(when), "published": True}
    told |= {"Orgc": us or US, "Tag": [tag("tlp:green")], "Attribute": [*rows], "locked": False}
    return {**told, "publish_timestamp": str(when), "RelatedEvent": [], "extends_uuid": "", **more}


def values(found: dict[str, Any]) -> dict[str, str]:
    """The values of an event's attributes, with the distribution of each."""
    rows = [*found["Attribute"], *(row for one in found["Object"] for row in one["Attribute"])]
    return {row["value"]: row["distribution"] for row in rows}


def group(*organisations: dict[str, str]) -> dict[str, Any]:
    told = {"id": "4", "uuid": str(uuid.uuid4()), "name": f"group {uuid.uuid4().hex[:8]}", "releasability": "x"}
    told |= {"organisation_uuid": organisations[0]["uuid"], "Organisation": organisations[0], "active": True}
    told |= {"created": "2026-11-01 00:00:00", "modified": "2026-11-01 00:00:00", "roaming": True, "description": "d"}
    members = [{"extend": False, "Organisation": one} for one in organisations]
    return {**told, "SharingGroupOrg": members, "SharingGroupServer": []}


def rich(us: dict[str, str]) -> dict[str, Any]:
    """An event with all there is, at every distribution."""
    shared = {"SharingGroup": group(us, THEM), "sharing_group_id": "4"}
    seen = [{"uuid": str(uuid.uuid4()), "type": "0", "source": "sensor", "date_sighting": "1750000000"}]
    seen[0] |= {"Organisation": us, "attribute_uuid": "", "id": "1"}  # type: ignore[dict-item]
    proposal = {
        "uuid": str(uuid.uuid4()),
        "type": "domain",
        "value": "proposal.example",
        "category": "Network activity",
    }
    tags = [tag("seen:global"), tag("seen:local", local=True), tag("seen:home", exportable=False)]
    rows = [attribute(f"d{level}.example", level) for level in LEVELS]
    rows += [attribute("group.example", "4", **shared), attribute("red.example", Tag=[tag("tlp:red")])]
    rows += [attribute("tagged.example", Tag=tags, Sighting=seen), attribute("gone.example", deleted=True)]
    things = [thing(level, attribute(f"o{level}.example"), attribute(f"o{level}i0.example", "0")) for level in LEVELS]
    more = {"Object": things, "EventReport": [report(f"report {level}", level) for level in LEVELS]}
    cluster = {"value": "APT28", "tag_name": 'misp-galaxy:threat-actor="APT28"', "distribution": "3", "default": True}
    galaxy = [{"name": "Threat Actor", "type": "threat-actor", "GalaxyCluster": [cluster]}]
    own = [tag("tlp:green"), tag('misp-galaxy:threat-actor="APT28"'), tag("own:local", local=True)]
    return event(*rows, us=us, **more, Tag=own, Galaxy=galaxy, ShadowAttribute=[proposal])
