"""The kind of effect that brings one event to another MISP, as MISP's own synchronisation would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from misp_workflow import web_address
from misp_workflow.effects.base import Effect, Json

MOST_IN_TIME = 200
"""Attributes, objects and reports that another MISP saves within the seconds in which this one waits."""


@dataclass(frozen=True, kw_only=True)
class EventPush(Effect):
    """One event, or a part of it, for the MISP at `url`.

    `event` is its uuid, `body` the event as MISP's API takes it ({} when it `goes`), free of what may not leave. `gone`
    are the uuids of its parts that were deleted here, by kind ("Attribute", "Object"), `hidden` those that the
    clearance keeps back: if they are there from before, they are deleted there. `whole`: nothing else of it shall be
    there that was sent before. `goes` is why the event is not to be there any more ("deleted", "unpublished",
    "withheld"), `on_withdraw` what follows from that. `locked`: the event came to this MISP from another one.
    `withheld` counts what was left out, for the receipt. `at` is when the call came, in seconds since 1970: an older
    word that comes late changes nothing.
    """

    kind: ClassVar[str] = "event_push"
    url: str
    api_key: str
    verify_tls: bool = True
    ca_file: str = ""
    event: str
    body: Mapping[str, Json] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    whole: bool = False
    locked: bool = False
    goes: str = ""
    publish: bool = False
    on_withdraw: Literal["nothing", "unpublish", "delete"] = "unpublish"
    withheld: str = ""
    action: str = ""
    at: float

    def place(self) -> str:
        """Return scheme, host and port of that MISP."""
        return web_address.shown(self.url)

    @property
    def outbox_only(self) -> bool:
        """Whether it takes longer than MISP waits."""
        things = self.body.get("Object") or ()
        number = sum(len(self.body.get(name) or ()) for name in ("Attribute", "Object", "EventReport"))
        return number + sum(len(thing.get("Attribute") or ()) for thing in things) > MOST_IN_TIME
