"""An event as misp-stix reads it rightly: what it would misunderstand without a word is said in its way."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow.event import UUID, flag, number, rows, tag_names, text
from misp_workflow.markings import UNKNOWN, read_tag

HEAD = ("uuid", "info", "date", "timestamp", "threat_level_id", "analysis", "distribution", "extends_uuid")
"""What of an event says something about it in STIX."""
LASTING = ("EventReport", "Galaxy", "Note", "Opinion", "Relationship")
_CATEGORIES = frozenset(
    """
Antivirus detection, Artifacts dropped, Attribution, External analysis, Financial fraud, Internal reference,
Network activity, Other, Payload delivery, Payload installation, Payload type, Persistence mechanism, Person,
Social network, Support Tool, Targeting data
""".replace("\n", " ")
    .strip()
    .split(", ")
)
"""MISP's own, https://www.misp-standard.org/rfc/misp-standard-core.html: the library fails on any other."""
LATEST = 253_402_300_799
"""The last second of the year 9999."""


@dataclass
class Normal:
    """An event for the library. `standing`, `gone` and `deleted` are uuids of attributes and objects.

    Those of `gone` are withdrawn, the ones also in `deleted` altogether, otherwise as something to detect; MISP itself
    says so of those in `told`, whose timestamp is of that change. `tags` are the names of tags by uuid, those of the
    event under "". `times` are timestamps by uuid, `left_out` why a row is not there.
    """

    event: dict[str, Any]
    standing: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    tags: dict[str, list[str]] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All attributes, those of objects too."""
        return [*self.event["Attribute"], *(row for one in self.event["Object"] for row in one["Attribute"])]


def normal(event: Mapping[str, Any], withdrawn: Collection[str], everything: bool) -> Normal:
    """Return the event as misp-stix needs it. `everything`: all of it is withdrawn."""
    stamp = _stamp(event.get("timestamp"), _of_date(event.get("date")))
    made = Normal({name: event[name] for name in HEAD if event.get(name) not in (None, "")})
    made.event |= {name: _listed(event[name]) for name in LASTING if event.get(name)}
    made.event |= {
        "info": text(event.get("info")).strip() or "(no title)",
        "date": _day(event.get("date"), stamp),
        "timestamp": str(stamp),
        "published": True,  # else the library makes a grouping of it, of another id
        "publish_timestamp": str(_stamp(event.get("publish_timestamp"), stamp)),
        "Orgc": _creator(event.get("Orgc")),
        "Tag": _tags(event),
        "Attribute": [],
        "Object": [],
    }
    made.tags[""], made.times[""] = tag_names(event), stamp
    reading = _Reading(made, stamp, set(withdrawn), everything)
    for row in rows(event.get("Attribute")):
        reading.attribute(row)
    for row in rows(event.get("Object")):
        reading.object(row)
    return made


@dataclass
class _Reading:
    made: Normal
    stamp: int
    withdrawn: set[str]
    everything: bool

    def attribute(self, row: Mapping[str, Any]) -> None:
        """Keep an attribute that stands by itself; a withdrawn one is converted as the indicator that it was."""
        found = self._read(row)
        if found is not None:
            found["to_ids"] = found["to_ids"] or found["uuid"] in self.made.gone
            self.made.event["Attribute"].append(found)

    def object(self, row: Mapping[str, Any]) -> None:
        """Keep an object with what of it stands; when nothing does, all of it is withdrawn."""
        uid, made = text(row.get("uuid")).lower(), self.made
        if not UUID.fullmatch(uid) or not text(row.get("name")) or uid in made.tags:
            return
        inner = [found for one in rows(row.get("Attribute")) if (found := self._read(one)) is not None]
        if not inner:
            return
        alive = [one for one in inner if one["uuid"] not in made.deleted]
        stand = [one for one in alive if one["uuid"] in made.standing]
        if flag(row.get("deleted")) or not alive:
            made.deleted.add(uid)
        if uid in made.deleted or not stand:
            made.gone.add(uid)
            if flag(row.get("deleted")) or all(one["uuid"] in made.told for one in inner):
                made.told.add(uid)
            chosen = [{**one, "to_ids": True} for one in alive or inner]
        else:  # what is not for detection beside what is tells what that is
            made.standing.add(uid)
            chosen = [one for one in alive if one["uuid"] in made.standing or not one["to_ids"]]
        made.tags[uid] = list(dict.fromkeys(name for one in chosen for name in made.tags[one["uuid"]]))
        # MISP does not touch the object when one of its attributes is edited
        made.times[uid] = max(_stamp(row.get("timestamp"), self.stamp), *(made.times[one["uuid"]] for one in inner))
        kept = {name: value for name, value in row.items() if name not in _UNREAD and value is not None}
        kept |= {"uuid": uid, "timestamp": str(made.times[uid]), "Attribute": chosen}
        if row.get("ObjectReference"):
            kept["ObjectReference"] = [one for one in rows(row["ObjectReference"]) if not flag(one.get("deleted"))]
        made.event["Object"].append(kept)

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the attribute with everything in the one spelling that is understood; None for what is none."""
        uid, kind, value = text(row.get("uuid")).lower(), text(row.get("type")), text(row.get("value"))
        if not UUID.fullmatch(uid) or not kind or not value:
            self.made.left_out[uid or f"without a uuid ({len(self.made.left_out)})"] = "it has no uuid, type or value"
            return None
        if uid in self.made.tags:  # a doubled one would give two objects of one id
            return None
        if flag(row.get("deleted")) or self.everything:
            self.made.deleted.add(uid)
        gone = uid in self.made.deleted or uid in self.withdrawn
        (self.made.gone if gone else self.made.standing).add(uid)
        if flag(row.get("deleted")) or not flag(row.get("to_ids")):
            self.made.told.add(uid)
        self.made.tags[uid] = tag_names(row)
        self.made.times[uid] = _stamp(row.get("timestamp"), self.stamp)
        found = {name: item for name, item in row.items() if name not in _UNREAD and item is not None}
        if text(row.get("category")) not in _CATEGORIES:
            found.pop("category", None)
        seen = {name: row[name] for name in ("first_seen", "last_seen") if text(row.get(name))}
        return {
            **found,
            **seen,
            "uuid": uid,
            "value": _without_version(kind, value),
            "to_ids": flag(row.get("to_ids")),
            "timestamp": str(self.made.times[uid]),
            "Tag": _tags(row),
        }


_UNREAD = frozenset(("deleted", "Event", "event_id", "first_seen", "last_seen", "AttributeTag", "_allTags", "Feed"))


def _without_version(kind: str, value: str) -> str:
    """Return a TLSH without the T1 that all have since version 4: the library's own check knows the digits alone."""
    return re.sub(r"(\A|\|)T1([0-9a-fA-F]{70})\Z", r"\1\2", value) if kind.rpartition("|")[2] == "tlsh" else value


def _tags(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tags without those that become a marking of their own; what cannot be read as one stays a label."""
    marks = {name: read_tag(name) for name in tag_names(row)}
    return [{"name": name} for name, mark in marks.items() if mark.tlp == UNKNOWN or mark.note]


def _creator(orgc: Any) -> dict[str, str]:
    """Return who made the event; one that is not said, or may not be, is the same unknown one each time."""
    name = text(orgc.get("name")) if isinstance(orgc, Mapping) else ""
    uid = text(orgc.get("uuid")).lower() if isinstance(orgc, Mapping) else ""
    name = name or "unknown organisation"
    return {"name": name, "uuid": uid if UUID.fullmatch(uid) else str(uuid.uuid5(uuid.NAMESPACE_URL, f"misp:{name}"))}


def _listed(value: Any) -> Any:
    """Return PHP's lists as lists: they come as objects keyed "0", "3" when they have holes."""
    if isinstance(value, list):
        return [_listed(one) for one in value if not (isinstance(one, Mapping) and flag(one.get("deleted")))]
    if isinstance(value, Mapping):
        if value and all(key.isdigit() for key in value):
            return _listed(list(value.values()))
        return {name: _listed(one) if isinstance(one, (list, dict)) else one for name, one in value.items()}
    return value


def _stamp(value: Any, otherwise: int) -> int:
    stamp = number(value)
    return stamp if 0 < stamp <= LATEST else otherwise


def _of_date(value: Any) -> int:
    try:
        day = datetime.datetime.fromisoformat(text(value)[:10])
    except ValueError:
        return 1
    return max(int(day.replace(tzinfo=datetime.timezone.utc).timestamp()), 1)


def _day(value: Any, stamp: int) -> str:
    found = _of_date(value)
    moment = datetime.datetime.fromtimestamp(found if found > 1 else stamp, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d")
