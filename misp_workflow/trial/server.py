"""The actions in this process, dry: they decide, and what they would do is noted. What they would change in MISP, the
rest of the run finds changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from misp_workflow.delivery.trial import trial
from misp_workflow.effects import MispChange, Parcel
from misp_workflow.event import matching, rows, tag_names, text
from misp_workflow.runner.modules.moduleapi import Answer, Body, LocalServer

Change = tuple[str, list[Any]]


class TrialServer(LocalServer):
    """Action files loaded as LocalServer does, and asked dry. What they would do is noted until it is taken.

    `only`: the actions that are needed, all by default. `event` is what an action hears that asks MISP for it. `told`:
    the answers tell what would be sent.
    """

    told = True

    def __init__(self, folders: Iterable[str | Path], only: Collection[str] | None = None) -> None:
        self.event: Mapping[str, Any] | None = None
        self._noted: list[Parcel] = []
        self._last: list[Parcel] = []
        with trial():  # loading asks each action for its description, which wakes what waits in the outbox
            super().__init__(folders, only)

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        with self._noting():
            return super().query(module, body, timeout)

    def take(self) -> list[Parcel]:
        """Return what would have been done since the last time, and forget it."""
        noted, self._noted = self._noted, []
        return noted

    def changes(self, data: Any) -> list[Change]:
        last, self._last = self._last, []
        changes = (parcel.effect for parcel in last if isinstance(parcel.effect, MispChange))
        return [made for change in changes for made in _as_engine(change, data)]

    @contextmanager
    def _noting(self) -> Iterator[None]:
        self._last = []
        with trial(self._read, told=self.told) as noted:
            try:
                yield
            finally:
                self._last = list(noted)
                self._noted += self._last

    def _read(self, reference: str) -> dict[str, Any] | None:
        event = self.event or {}
        return {"Event": event} if reference and reference in (event.get("id"), event.get("uuid")) else None


class QuickServer(TrialServer):
    """For a great many runs: without a thread for each question, so without a time-out, without a way to JSON and back
    where that would change nothing, and without what nobody reads."""

    told = False

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        return self.ask(module, orjson.loads(bytes(body)), timeout)

    def ask(self, module: str, fields: Mapping[str, Any], timeout: float) -> Answer:
        with self._noting():
            return self.at_once(module, dict(fields))


def _as_engine(change: MispChange, data: Any) -> Iterator[Change]:
    """Say it as the engine says what MISP's own actions change; what the engine cannot follow is left out."""
    event = data.get("Event") if isinstance(data, Mapping) else None
    if not isinstance(event, Mapping):
        return
    if change.change == "tag" and not change.items:
        yield from _tags("Event.attachTagsToEventAndTouch", "Event.detachTagsFromEventAndTouch", event, change)
    wanted = {item.get("uuid") for item in change.items}
    if not wanted:
        return
    for row in rows(event.get("_AttributeFlattened")):
        if text(row.get("uuid")).lower() not in wanted:
            continue
        if change.change == "tag":
            yield from _tags(f"Attribute.attach{_OF_ATTRIBUTE}", f"Attribute.detach{_OF_ATTRIBUTE}", row, change)
        elif change.change == "edit":
            yield "Attribute.editAttribute", [{"id": row.get("id"), **change.values["set"]}]


_OF_ATTRIBUTE = "TagsFromAttributeAndTouch"


def _tags(attach: str, detach: str, row: Mapping[str, Any], change: MispChange) -> Iterator[Change]:
    if added := list(change.values.get("add", ())):
        options = {"tags": added, "local": bool(change.values.get("local", True)), "relationship_type": ""}
        yield attach, [row.get("id"), options]
    names = [name for name in tag_names(row, inherited=False) if name not in added]
    if gone := [name for pattern in change.values.get("remove", ()) for name in matching(names, pattern)]:
        yield detach, [row.get("id"), {"tags": gone, "local": [True, False]}]
