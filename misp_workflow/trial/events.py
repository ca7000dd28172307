"""Where the events of a backtest come from, and what a trigger would have been handed of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from misp_workflow import given
from misp_workflow.errors import InputError
from misp_workflow.event import rows
from misp_workflow.printable import printable
from misp_workflow.runner.data.profiles import NEWEST, Profile, profile

Event = dict[str, Any]

BARE = {
    "id", "uuid", "info", "date", "published", "analysis", "threat_level_id", "distribution", "sharing_group_id",
    "org_id", "orgc_id", "timestamp", "publish_timestamp", "attribute_count", "proposal_email_lock", "locked",
    "disable_correlation", "extends_uuid", "protected", "Org", "Orgc",
}  # fmt: skip
"""What the bare row of an event has."""


@dataclass(frozen=True)
class Unit:
    """What is fetched and judged at once: a file, or one event of a MISP. `key` is another when its content is."""

    name: str
    key: str


class Folder:
    """Files with events, as MISP exports them; folders are searched for *.json."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self.name = ", ".join(map(str, paths))

    def units(self) -> list[Unit]:
        """Return the files, in their order."""
        files = [file for path in self._paths for file in (given.json_files(path) if path.is_dir() else [path])]
        return [Unit(str(file), printable(f"{file.absolute()} {_stamp(file)}")) for file in files]

    def misp(self) -> Profile:
        """Return whose rules hold: files do not say, so those of the newest that is mirrored."""
        return profile(NEWEST)

    def load(self, unit: Unit) -> list[Event]:
        """Return a file's events, {"Event": …} each; InputError when it holds none."""
        return events_of(given.content(Path(unit.name)), unit.name)


def _stamp(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:  # a link to nowhere, say: reading it will tell
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def events_of(content: bytes, name: str) -> list[Event]:
    """Return the events in what MISP exports: one, what restSearch answers, or a captured request."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    if isinstance(found, dict) and "response" in found:
        found = found["response"]
    events = [_event(one) for one in (found if isinstance(found, list) else [found])]
    if None in events:
        raise InputError(
            f"{name} holds no event: {{'Event': …}} with uuid, id or info was expected, as MISP exports it."
        )
    return [one for one in events if one is not None]


def _event(found: Any) -> Event | None:
    if isinstance(found, dict) and isinstance(found.get("data"), dict) and "Event" not in found:
        found = found["data"]
    if isinstance(found, dict) and "info" in found and "Event" not in found:
        found = {"Event": found}
    event = found.get("Event") if isinstance(found, dict) else None
    return found if isinstance(event, dict) and any(event.get(name) for name in ("uuid", "id", "info")) else None


# --- what a trigger hands over of an event ----------------------------------------------------------------------------


def _whole(event: Event) -> Iterator[Any]:
    yield {"Event": event}


def _bare(event: Event) -> Iterator[Any]:
    yield {"Event": {key: value for key, value in event.items() if key in BARE}}


def _new(event: Event) -> Iterator[Any]:
    """As it was typed: the names of its tags MISP does not say then."""
    attributes = [{key: value for key, value in row.items() if key != "Tag"} for row in rows(event.get("Attribute"))]
    yield {"Event": {**{key: value for key, value in event.items() if key in BARE}, "Attribute": attributes}}


def _attributes(event: Event) -> Iterator[Any]:
    """One call for each attribute; those of objects too. On adding one, its own tags are not there yet."""
    row = {**{key: value for key, value in event.items() if key in BARE}, "Tag": event.get("Tag") or []}
    inner = [attribute for thing in rows(event.get("Object")) for attribute in rows(thing.get("Attribute"))]
    for attribute in (*rows(event.get("Attribute")), *inner):
        yield {"Event": {**row, "Attribute": [{key: value for key, value in attribute.items() if key != "Tag"}]}}


def _reports(event: Event) -> Iterator[Any]:
    row = {**{key: value for key, value in event.items() if key in BARE}, "Tag": event.get("Tag") or []}
    for report in rows(event.get("EventReport")):
        yield {"Event": {**row, "EventReport": [report]}, "EventReport": report}


HANDED: Mapping[str, Callable[[Event], Iterator[Any]]] = {
    "event-publish": _whole,
    "event-after-save-new": _whole,
    "event-after-save-new-from-pull": _whole,
    "event-after-save": _bare,
    "event-before-save": _new,
    "attribute-after-save": _attributes,
    "event-report-after-save": _reports,
}
"""What each trigger is handed of an event that is stored; others speak of what no stored event tells."""

DIFFERS: Mapping[str, str] = {
    "event-after-save": "MISP hands over the bare event row here: no attributes, and tags only on an edit.",
    "event-before-save": "Each event is taken as a new one; MISP does not say the names of its tags then.",
    "attribute-after-save": "Each attribute is taken as just added; MISP does not say its own tags then.",
}
"""What to know of a backtest on such a trigger."""


def handed(trigger: str) -> Callable[[Event], Iterator[Any]]:
    """Return what makes a trigger's data of an event; InputError for a trigger of which stored events say nothing."""
    if trigger not in HANDED:
        raise InputError(
            f"A backtest takes stored events, and these do not tell when {trigger or 'no trigger'} fires. "
            f"It can be done for {', '.join(HANDED)}."
        )
    return HANDED[trigger]


def digest(*parts: str | bytes) -> str:
    """Return a name for what these make up together."""
    made = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        made.update(len(content).to_bytes(8, "big") + content)
    return made.hexdigest()[:32]
