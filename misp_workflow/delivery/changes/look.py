"""Look first: what MISP has right now of the items that are to be changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, TypeVar

from misp_workflow.delivery.changes.tally import Refusal, Tally, uuid_of
from misp_workflow.delivery.reply import Reply
from misp_workflow.effects import MispChange, Post, mask

ALREADY = "no changes had to be made"
"""What MISP says, with success, of a tag that somebody else attached meanwhile; as a reason: it was so already."""
AT_ONCE = 500
"""Attributes asked for, or tagged, in one call."""

Row = dict[str, Any]
Thing = TypeVar("Thing")


class Misp(Protocol):
    """What a change needs of PyMISP. Each method raises Refusal for MISP's no, and what `transports.http` raises."""

    root_url: str

    def default_category(self, kind: str) -> str:
        """Return the category that MISP gives an attribute of this type when none is named, "" for an unknown type."""

    def search(self, controller: str, **wanted: Any) -> Any: ...
    def tag(self, misp_entity: str, tag: str, local: bool) -> Any: ...
    def untag(self, misp_entity: str, tag: str) -> Any: ...
    def publish(self, event: str) -> Any: ...
    def unpublish(self, event: str) -> Any: ...
    def add_sighting(self, sighting: dict[str, Any], attribute: str) -> Any: ...
    def add_event_blocklist(self, uuids: str, comment: str, event_info: str, event_orgc: str) -> Any: ...
    def event_blocklists(self) -> Any: ...
    def warninglists(self) -> Any: ...
    def get_warninglist(self, warninglist: int) -> Any: ...
    def direct_call(self, url: str, data: Any = None) -> Any: ...
    def ask(self, post: Post, who: str) -> Reply:
        """Ask somebody else than MISP within the same deadline; Stop, with `who`, when there is no answer."""


def rows(misp: Misp, change: MispChange, tally: Tally) -> list[Row]:
    """Return MISP's rows of what is left of the change; what MISP does not show fails."""
    if not change.items:
        return _event(misp, change.event, tally) if tally.left else []
    found: dict[str, Row] = {}
    for some in chunks(tally.left):
        said = misp.search("attributes", uuid=some)
        listed = said.get("Attribute") if isinstance(said, dict) else None
        if not isinstance(listed, list):
            raise TypeError("attributes/restSearch without a list")
        found.update({uuid_of(row): row for row in listed})
    for uuid in tally.left:
        if uuid not in found:
            tally.fail(uuid, "MISP does not have it any more, or does not show it to the API key's user")
    return [found[uuid] for uuid in tally.left]


def _event(misp: Misp, uuid: str, tally: Tally) -> list[Row]:
    said = misp.search("events", uuid=uuid, metadata=True)
    listed = [one.get("Event") for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    found: list[Row] = [row for row in listed if isinstance(row, dict)]
    if not found:
        tally.fail(uuid, "MISP does not have it, or does not show it to the API key's user")
    return found[:1]


def chunks(things: Sequence[Thing]) -> Iterator[list[Thing]]:
    """Yield the things in lists of at most AT_ONCE."""
    for start in range(0, len(things), AT_ONCE):
        yield list(things[start : start + AT_ONCE])


def each(found: Iterable[Row], tally: Tally, do: Callable[[Row], str], patience: int = 0) -> None:
    """Do it to one row after the other. `do` returns why it came to nothing, ALREADY, or "".

    MISP's no to one row fails that row; a no that would meet every row ends it all. After `patience` rows in a row that
    failed for the same reason (0: never) the others are not tried any more.
    """
    reasons: list[str] = []
    for row in found:
        if patience and len(reasons) >= patience:
            tally.fail(uuid_of(row), f"not tried after the same answer {patience} times: {reasons[0]}")
            continue
        with tally.one():
            trouble = attempt(partial(do, row))
        reasons = [*reasons, trouble] if trouble and trouble in (reasons or [trouble]) else []
        if trouble == ALREADY:
            tally.settled.add(uuid_of(row))
        elif trouble:
            tally.fail(uuid_of(row), trouble)
        else:
            tally.changed.add(uuid_of(row))


def attempt(do: Callable[[], str]) -> str:
    """Return what `do` returns, or MISP's no to this one thing; a no that would meet everything is raised."""
    try:
        return do()
    except Refusal as no:
        if no.everywhere:
            raise
        return str(no)


def trouble_in(said: Any) -> str:
    """Return MISP's complaint in an answer of status 200, or "".

    `saved: false` is none where it says `success`, too: "No sightings added." of those that are there already.
    """
    told = said if isinstance(said, dict) else {}
    if told.get("errors") or (told.get("saved") is False and not told.get("success")):
        return f"MISP says: {plain(told.get('errors') or told.get('message') or told.get('name') or 'not saved')}"
    return ""


def trouble_unless_yes(said: Any) -> str:
    """Return why an answer of status 200 to a tag or a publication is no yes, or "": MISP says `saved` or `success`."""
    yes = isinstance(said, dict) and (said.get("saved") is True or said.get("success"))
    return trouble_in(said) or ("" if yes else "MISP's answer does not say whether that was done")


_hidden: ContextVar[tuple[str, ...]] = ContextVar("misp_workflow_hidden", default=())


@contextmanager
def hiding(secrets: Iterable[str]) -> Iterator[None]:
    """Let `plain` mask these, too, in whatever it quotes within."""
    token = _hidden.set((*_hidden.get(), *secrets))
    try:
        yield
    finally:
        _hidden.reset(token)


def plain(said: Any) -> str:
    """Return MISP's own words, however nested, as one line; secrets are masked before it is cut."""
    if isinstance(said, Mapping):
        return "; ".join(f"{plain(key)}: {plain(value)}" for key, value in said.items())
    if isinstance(said, (list, tuple)):
        return ", ".join(map(plain, said))
    words = mask(unwrapped(str(said)), _hidden.get())
    text = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return text if len(text) <= 200 else text[:199] + "…"


def unwrapped(text: str) -> str:
    """Return one of MISP's sentences without the JSON that it wraps its reasons in (`Reasons: {"0":"…"}`)."""
    words, brace, wrapped = text.partition("{")
    try:
        inner = json.loads(brace + wrapped) if brace else None
    except ValueError:
        return text
    if not isinstance(inner, dict):
        return text
    reasons = ", ".join(plain(value) if key.isdigit() else f"{key}: {plain(value)}" for key, value in inner.items())
    return f"{words}{reasons}"
