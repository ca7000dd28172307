"""A MISP event as STIX 2.1, through misp-stix."""

from __future__ import annotations

import datetime
import json
import logging
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from misp_workflow.delivery.stix import unread
from misp_workflow.delivery.stix.marked import mark, referred
from misp_workflow.delivery.stix.normal import Normal, normal
from misp_workflow.delivery.stix.observables import is_observable
from misp_workflow.delivery.stix.patterns import mend
from misp_workflow.errors import DeliveryError
from misp_workflow.event import UUID, text

INSTALL = "misp-stix is not installed: pip install 'misp-workflow-actions[stix]'."
_NAMED = re.compile(rf"<({UUID.pattern})>", re.IGNORECASE)
_LOST = ("Failed validation", "Error loading", "Error with", "Invalid hash")
"""How the library's messages begin that tell of something left out; the others tell how it is written instead."""
OF_ATTRIBUTES = frozenset(("indicator", "observed-data", "x-misp-attribute", "x-misp-object"))
VERSIONED = frozenset(("indicator", "relationship", "sighting", "observed-data", "report", "vulnerability"))


class StixError(DeliveryError):
    """Nothing can be made of the event."""


class StixMissingError(StixError):
    """The library is not installed."""


@dataclass
class Converted:
    """What became of an event: STIX objects, and by the uuid of an attribute why it is not among them."""

    event: str
    objects: list[dict[str, Any]]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def bundle(self) -> dict[str, Any]:
        """All objects as one bundle, whose id is made of the event's uuid."""
        return bundle(self.event, self.objects)

    def of(self, uid: str) -> list[dict[str, Any]]:
        """Return the objects about an attribute (or a MISP object), and all that they refer to; none: nothing is."""
        return [self._by_id[one] for one in self._reached(uid)]

    def indicator(self, uid: str) -> dict[str, Any] | None:
        """Return the indicator that an attribute has become, None when it is none."""
        return self._by_id.get(f"indicator--{uid.lower()}")

    def report(self) -> list[dict[str, Any]]:
        """Return what no attribute brings: the report, and all of the event that is not about one of its attributes.

        It refers to no observable: what was observed does.
        """
        theirs = {one["id"] for one in self.objects if one["type"] in OF_ATTRIBUTES or is_observable(one)}
        seen = {one["id"] for one in self.objects if is_observable(one)}
        found = []
        for one in self.objects:
            if one["id"] in theirs or theirs & {one.get("source_ref"), one.get("target_ref")}:
                continue
            refs = [other for other in one.get("object_refs", ()) if other not in seen]
            found.append({**one, "object_refs": refs} if refs else one)
        return found

    def _reached(self, uid: str) -> list[str]:
        found = list(self._about.get(uid.lower(), ()))
        known = set(found)
        for id_ in found:  # which grows meanwhile
            for other in referred(self._by_id[id_]):
                if other in self._by_id and other not in known:
                    known.add(other)
                    found.append(other)
        return found

    def __post_init__(self) -> None:
        self._by_id = {one["id"]: one for one in self.objects}
        self._about: dict[str, list[str]] = {}
        for one in self.objects:
            self._about.setdefault(_uid(one), []).append(one["id"])
        for one in self.objects:
            if one["type"] in ("relationship", "sighting"):
                for name in ("source_ref", "sighting_of_ref"):
                    if name in one:
                        self._about.setdefault(one[name].partition("--")[2], []).append(one["id"])


def bundle(uid: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the objects as a bundle of that uuid."""
    return {"type": "bundle", "id": f"bundle--{uid.lower()}", "objects": objects}


def convert(
    data: Mapping[str, Any],
    *,
    withdrawn: Collection[str] = (),
    everything_gone: bool = False,
    at: int = 0,
    later_than: Mapping[str, float] | None = None,
) -> Converted:
    """Return the event {"Event": …} as STIX objects: see the package's own words.

    `withdrawn` are uuids of attributes that are not to be detected any more, though MISP still has them;
    `everything_gone`: nor is any other, nor the event. `at` is when that was said, in seconds since 1970: the time of
    versions that take back what MISP itself has not changed. `later_than` are such times by uuid, that of all under "",
    to the millisecond: what is said of these now is a version after that.
    """
    event = data.get("Event")
    uid = text(event.get("uuid")).lower() if isinstance(event, Mapping) else ""
    if not isinstance(event, Mapping) or not UUID.fullmatch(uid):
        raise StixError("The data names no event, so no STIX can be made of it.")
    made = normal(event, {one.lower() for one in withdrawn}, everything_gone)
    objects, messages = _made_of(made)
    objects = [one for one in objects if one["type"] != "marking-definition"]
    mend(objects, made.rows)
    left_out = {**made.left_out, **_left_out(made, objects, messages)}
    for one in objects:
        _set_times(one, made)
        if everything_gone and one["type"] in ("report", "grouping"):
            _revoke(one, at, made)
    _revoke_gone(objects, made, at)
    for one in objects:
        _set_after(one, later_than or {})
    return Converted(uid, objects + mark(objects, made.tags), left_out)


def _made_of(made: Normal) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the library's objects and messages; what it cannot read of the event is left out, or named."""
    _library()  # one that is not there is said as that
    with _quiet():
        try:
            return _parsed(made.event)
        except Exception as error:
            kind = type(error).__name__
        if member := unread.blamed(made, _parsed):
            raise StixError(f"No STIX can be made of the event: its {member} is not as MISP sends it ({kind}).")
        try:
            if unread.leave_out(made, _parsed):
                return _parsed(made.event)
        except Exception as error:
            kind = type(error).__name__
    raise StixError(f"misp-stix could not make STIX of the event ({kind}).")


def _parsed(event: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    parser = _library()()
    parser.parse_misp_event({"Event": json.loads(json.dumps(event))})
    told = [one for kept in (parser.errors, parser.warnings) for some in kept.values() for one in some]
    return json.loads(parser.bundle.serialize())["objects"], told


def stub(uid: str, at: float, *, report: bool = False) -> dict[str, Any]:
    """Return the revoked indicator for an attribute of which nothing but the uuid is known any more.

    `report`: the uuid is an event's, and so it is the revoked report.
    """
    kind = "report" if report else "indicator"
    told = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uid.lower()}"}
    times = {"created": _written(1), "modified": _after(at)}
    if report:  # it must refer to something
        refs = {"published": _written(1), "object_refs": [told["id"]]}
        return {**told, **times, "revoked": True, "name": "Withdrawn in MISP", **refs}
    times |= {"valid_from": _written(1), "valid_until": _after(at)}
    pattern = f"[file:name = 'withdrawn in MISP: {uid.lower()}']"  # one is required; nothing is called so
    return {**told, **times, "revoked": True, "pattern": pattern, "pattern_type": "stix"}


def _uid(one: Mapping[str, Any]) -> str:
    return str(one["id"]).partition("--")[2]


# --- what the library says, and does not say --------------------------------------------------------------------------


def _left_out(made: Normal, objects: list[dict[str, Any]], messages: list[str]) -> dict[str, str]:
    there = {_uid(one) for one in objects}
    found = {}
    for row in made.event["Attribute"]:
        if row["uuid"] not in there:
            found[row["uuid"]] = f"no {row['type']} by misp-stix's own check"
    inner = {row["uuid"]: row["type"] for one in made.event["Object"] for row in one["Attribute"]}
    for one in made.event["Object"]:
        if one["uuid"] not in there:
            found |= {
                row["uuid"]: f"in an object {one['name']} of which misp-stix makes none" for row in one["Attribute"]
            }
    for message in messages:
        named = [uid.lower() for uid in _NAMED.findall(message)]
        if message.startswith(_LOST) and named and named[0] in inner:
            found[named[0]] = f"no {inner[named[0]]} by misp-stix's own check"
    return found


def _set_times(one: dict[str, Any], made: Normal) -> None:
    """Write times that are MISP's, never the clock's; `created` does not change when something is corrected."""
    if "modified" not in one:
        return
    stamp = made.times.get(_uid(one))
    if stamp is None and one["type"] == "identity":
        stamp = made.times[""]
    if stamp is None and _uid(one) == made.event["uuid"].lower():
        stamp = made.times[""]
    if stamp is not None:
        one["modified"] = _written(stamp)
    day = f"{made.event['date']}T00:00:00.000Z"
    if one["type"] in VERSIONED or stamp is not None:
        one["created"] = min(day, one["modified"])


# --- taking back ------------------------------------------------------------------------------------------------------


def _revoke_gone(objects: list[dict[str, Any]], made: Normal, at: int) -> None:
    """Revoke what is withdrawn: the indicator; of what is deleted, or never was one, everything."""
    indicated = {_uid(one) for one in objects if one["type"] == "indicator"}
    gone: set[str] = set()
    for one in objects:
        uid = _uid(one)
        wholly = one["type"] == "indicator" or uid in made.deleted or uid not in indicated
        if uid in made.gone and "modified" in one and wholly:
            _revoke(one, at, made)
            gone.add(one["id"])
    for one in objects:
        ends = {one.get("source_ref"), one.get("target_ref"), one.get("sighting_of_ref")}
        if one["type"] in ("relationship", "sighting") and ends & gone:
            _revoke(one, at, made, next(iter(sorted(_uid({"id": end}) for end in ends & gone))))


def _revoke(one: dict[str, Any], at: int, made: Normal, uid: str = "") -> None:
    """Make it a version that takes back the one before, and so is a moment later."""
    uid = uid or _uid(one)
    stamp = made.times.get(uid, made.times[""])
    when = stamp if uid in made.told else max(at, stamp)
    one["revoked"] = True
    one["modified"] = _written(when, 1)
    if one["type"] == "indicator":
        one["valid_until"] = max(_written(when, 1), _written(_read(one["valid_from"]), 1))


def _set_after(one: dict[str, Any], later_than: Mapping[str, float]) -> None:
    about = ("", _uid(one), str(one.get("source_ref", "")).partition("--")[2])
    after = max(later_than.get(uid, 0.0) for uid in about)
    if after and "modified" in one:
        one["modified"] = max(one["modified"], _after(after))


def _written(seconds: int, more: int = 0) -> str:
    """Return a time as STIX writes it; `more` milliseconds later."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{more:03d}Z"


def _after(moment: float) -> str:
    """Return the first time as STIX writes it that is after a moment."""
    return _written(*divmod(int(moment * 1000) + 1, 1000))


def _read(written: str) -> int:
    return int(datetime.datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp())


# --- the library ------------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_loading: threading.Thread | None = None
_loaded: list[Any] = []
"""What came of loading: the parser's class, or a StixError."""


def ready(deadline: float) -> bool:
    """Return whether the library is loaded by then (a time of `time.monotonic()`); raises StixMissingError.

    It goes on loading in a thread of its own, so that the next one finds it there.
    """
    global _loading
    with _lock:
        if _loading is None:
            _loading = threading.Thread(target=_load, name="misp-workflow-stix", daemon=True)
            _loading.start()
    _loading.join(max(deadline - time.monotonic(), 0.0))
    if _loaded and isinstance(_loaded[0], StixError):
        raise _loaded[0]
    return bool(_loaded)


def _load() -> None:
    try:
        from misp_stix_converter import MISPtoSTIX21Parser

        _loaded.append(MISPtoSTIX21Parser)
    except ImportError:
        _loaded.append(StixMissingError(INSTALL))
    except Exception as error:
        _loaded.append(StixError(f"misp-stix is installed, but cannot be loaded ({type(error).__name__})."))


def _library() -> Any:
    ready(time.monotonic() + 600)
    return _loaded[0]


_thread = threading.local()


class _Quiet(logging.Filter):
    """Keeps what the library logs of an event, values and all, out of the log: `left_out` says it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_thread, "quiet", False)


_QUIET = _Quiet()


@contextmanager
def _quiet() -> Iterator[None]:
    logging.getLogger("pymisp").addFilter(_QUIET)  # once: a filter that is there is not added again
    _thread.quiet = True
    try:
        yield
    finally:
        _thread.quiet = False
