"""The rows of the stand-in for MISP, in the forms that MISP 2.5.1 gives them in its different answers."""

from __future__ import annotations

import ipaddress
import time
import uuid as uuids
from typing import Any

Row = dict[str, Any]

ORG = {"id": "1", "name": "ORGNAME", "uuid": "6e3701a8-d864-4f99-9b37-257af3627fe0"}
_FULL_ORG = {
    **ORG,
    "date_created": "2026-11-21 20:09:29",
    "date_modified": "2026-11-21 20:09:29",
    "description": "Automatically generated admin organisation",
    "type": "ADMIN",
    "nationality": "",
    "sector": "",
    "created_by": "0",
    "contacts": None,
    "local": True,
    "restricted_to_domain": None,
    "landingpage": None,
}
LEVELS = "Your organisation only, This community only, Connected communities, All communities"
DEFAULTS = {
    **dict.fromkeys(("ip-dst", "ip-src", "domain", "hostname", "url"), ("Network activity", True)),
    **dict.fromkeys(("md5", "sha1", "sha256", "filename", "filename|md5"), ("Payload delivery", True)),
    **dict.fromkeys(("text", "comment", "other"), ("Other", False)),
    "AS": ("Network activity", False),
}
"""A type's own category, and whether it is for detection, by describeTypes."""
CATEGORIES = ("Payload delivery", "Antivirus detection", "Payload installation", "Files dropped", "Payload type")
TALK = ("text", "comment", "other")
"""What the categories Other and Payload type take of these types."""


def default_category(kind: str) -> str:
    """Return the category of a type that names none."""
    return DEFAULTS.get(kind, ("Other", False))[0]


def now() -> str:
    """The time as MISP writes it."""
    return str(int(time.time()))


def stamp() -> str:
    """The time as MISP writes it in tables that people read."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


def new_event(given: Row, number: int) -> Row:
    """Return the stored row of an event that is added, without its parts."""
    return {
        "id": str(number),
        "orgc_id": "1",
        "org_id": "1",
        "date": str(given.get("date") or time.strftime("%Y-%m-%d")),
        "threat_level_id": str(given.get("threat_level_id", "4")),
        "info": given["info"],
        "published": False,
        "uuid": given.get("uuid") or str(uuids.uuid4()),
        "analysis": str(given.get("analysis", "0")),
        "timestamp": str(given.get("timestamp") or now()),
        "distribution": str(given.get("distribution", "1")),
        "proposal_email_lock": False,
        "locked": bool(given.get("locked")),
        "publish_timestamp": "0",
        "sharing_group_id": given.get("sharing_group_id", "0"),
        "disable_correlation": False,
        "extends_uuid": "",
        "protected": None,
        "event_creator_email": "admin@admin.test",
    }


def new_attribute(given: Row, number: int, event_id: str, thing: Row | None = None) -> Row:
    """Return the stored row of an attribute, in an object or not."""
    return {
        "id": str(number),
        "type": given["type"],
        "category": given.get("category") or default_category(given["type"]),
        "to_ids": bool(given.get("to_ids", DEFAULTS.get(given["type"], ("", False))[1])),
        "uuid": given.get("uuid") or str(uuids.uuid4()),
        "event_id": event_id,
        "distribution": str(given.get("distribution", "5")),
        "timestamp": str(given.get("timestamp") or now()),
        "comment": given.get("comment", ""),
        "sharing_group_id": given.get("sharing_group_id", "0"),
        "deleted": False,
        "disable_correlation": bool(given.get("disable_correlation", False)),
        "object_id": thing["id"] if thing else "0",
        "object_relation": given.get("object_relation"),
        "first_seen": None,
        "last_seen": None,
        "value": given["value"],
        "_tags": [],
        "_sightings": [],
    }


def new_report(given: Row, number: int, event_id: str) -> Row:
    """Return the stored row of an event report."""
    return {
        "id": str(number),
        "uuid": given.get("uuid") or str(uuids.uuid4()),
        "event_id": event_id,
        "name": given["name"],
        "content": given["content"],
        "distribution": str(given.get("distribution", 5)),
        "sharing_group_id": given.get("sharing_group_id", "0"),
        "timestamp": str(given.get("timestamp") or now()),
        "deleted": False,
    }


def new_sighting(given: Row, number: int, attribute: Row) -> Row:
    """Return the stored row of a sighting that came from elsewhere."""
    return {
        "id": str(number),
        "attribute_id": attribute["id"],
        "event_id": attribute["event_id"],
        "org_id": "1",
        **{name: given.get(name, "") for name in ("date_sighting", "uuid", "source", "type", "attribute_uuid")},
        "Organisation": {"id": ORG["id"], "uuid": ORG["uuid"], "name": ORG["name"]},
    }


def plain(attribute: Row) -> Row:
    """Return an attribute's own columns."""
    return {key: value for key, value in attribute.items() if not key.startswith("_")}


def in_event(attribute: Row) -> Row:
    """Return an attribute as it stands in its event."""
    row = {**plain(attribute), "Galaxy": [], "ShadowAttribute": []}
    if attribute["_tags"]:
        row["Tag"] = [{**full_tag(tag), "local": tag["local"], "relationship_type": None} for tag in attribute["_tags"]]
    if attribute["_sightings"]:
        row["Sighting"] = attribute["_sightings"]
    return row


def edited(attribute: Row) -> Row:
    """Return an attribute as `attributes/edit` answers it."""
    return {
        **plain(attribute),
        **({"Tag": [full_tag(tag) for tag in attribute["_tags"]]} if attribute["_tags"] else {}),
    }


def searched(attribute: Row) -> Row:
    """Return an attribute as restSearch and `attributes/view` list it, without what they say of its event."""
    tags = [
        {
            "id": tag["id"],
            "name": tag["name"],
            "colour": tag["colour"],
            "numerical_value": None,
            "is_galaxy": False,
            "local": tag["local"],
        }
        for tag in attribute["_tags"]
    ]
    return {**plain(attribute), **({"Tag": tags} if tags else {})}


def added(attribute: Row, whole: bool) -> Row:
    """Return an attribute as `attributes/add` answers it."""
    row = plain(attribute)
    first, _, second = row["value"].partition("|")
    answer: Row = {"Attribute": {**row, "value1": first, "value2": second}}
    return {**answer, "AttributeTag": []} if whole else answer


def in_object(attribute: Row) -> Row:
    """Return an attribute as `objects/add` answers it."""
    row: Row = added(attribute, False)["Attribute"]
    return row


def full_tag(tag: Row) -> Row:
    """Return a tag with all its columns."""
    return {
        "id": tag["id"],
        "name": tag["name"],
        "colour": tag["colour"],
        "exportable": tag["exportable"],
        "user_id": "0",
        "hide_tag": False,
        "numerical_value": None,
        "is_galaxy": False,
        "is_custom_galaxy": False,
        "local_only": tag["local_only"],
    }


def searched_tag(tag: Row) -> Row:
    """Return a tag as `tags/search` and `tags/add` show it."""
    return {**full_tag(tag), "org_id": "0"}


def analyst_data(kind: str, number: int, given: Row, target: str, target_kind: str) -> Row:
    """Return an analyst note or opinion as MISP answers when it is added."""
    moment = stamp()
    own = (
        {"note": given["note"], "language": given.get("language", "en"), "note_type": 0, "note_type_name": "Note"}
        if kind == "Note"
        else {
            "opinion": str(given["opinion"]),
            "comment": given.get("comment", ""),
            "note_type": 1,
            "note_type_name": "Opinion",
        }
    )
    return {
        "id": str(number),
        "uuid": given.get("uuid") or str(uuids.uuid4()),
        "object_uuid": target,
        "object_type": target_kind,
        "authors": "admin@admin.test",
        "org_uuid": ORG["uuid"],
        "orgc_uuid": ORG["uuid"],
        "created": moment,
        "modified": moment,
        "distribution": "1",
        "sharing_group_id": None,
        "locked": False,
        **own,
        "Orgc": _FULL_ORG,
        "Org": _FULL_ORG,
        "_canEdit": True,
    }


def wrong_shape(given: Row) -> dict[str, list[str]]:
    """Return complaints about what of an attribute is no text, or not there. No real MISP was asked: the form of its
    other refusals."""
    found = {
        name: ["Invalid type." if name == "type" else "Value not set."]
        for name in ("type", "value")
        if not isinstance(given.get(name), (str, int, float))
    }
    lists = [name for name in ("category", "comment", "uuid") if isinstance(given.get(name), (list, dict))]
    return {**found, **{name: ["Not a text."] for name in lists}}


def wrong_value(given: Row) -> str:
    """Return MISP's complaint about a value, "" when there is none."""
    if given["type"] in ("ip-dst", "ip-src"):
        try:
            ipaddress.ip_network(given["value"], strict=False)
        except ValueError:
            return "IP address has an invalid format."
    return ""


def wrong_edit(row: Row) -> dict[str, list[str]]:
    """Return MISP's complaints about the type, category and distribution of an attribute."""
    known = (*CATEGORIES, "Network activity", "External analysis", "Other")
    if shape := wrong_shape({"value": "", **row}):
        return shape
    category, kind = row.get("category", ""), row["type"]
    errors = {}
    if category and category not in known:
        errors["category"] = [f"Options : {', '.join(CATEGORIES[:4])} ..."]
    if kind not in DEFAULTS:
        errors["type"] = ["Invalid type."]
    elif category and (category not in known or (category in ("Other", "Payload type") and kind not in TALK)):
        errors["type"] = ["Options depend on the selected category."]
    if str(row.get("distribution", "0")) not in "012345":
        errors["distribution"] = [f"Options: {LEVELS}, Sharing group, Inherit event"]
    return errors
