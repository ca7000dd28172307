"""What every effect has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

Json = Any
"""A value that JSON can hold: None, bool, int, float, str, list of Json, dict of str to Json."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to do.

    `label` is what a person reads ("Slack message to #soc"); it never holds a secret. `service` is what sentences call
    the other side ("Slack"; empty: its host). `destination` is the name in the operator's settings, or "" when the node
    itself says where to. `secrets` lists every secret value in this effect, so that whatever is said, logged or shown
    can mask them.

    `digest` is for messages to people: where the message's text stands ("json.text"), then what to leave out when many
    are gathered into one ("json.blocks"). `digest_limit` is the most characters that such a gathered text may have.
    Empty: this effect is never gathered with others. `outbox_only` says that nobody may wait for it.
    `keep` false: now or never; no outbox keeps it for later, because done later it would do harm (a gate's approval).

    `about` are the uuids of what this effect holds, for the ledger: attributes, objects, reports; none: the event as a
    whole. `takes_back`: they are gone from the other side when this has arrived. `leaves` says of a kind that something
    goes out of this MISP, so that the ledger notes it, `for_machines` that it has no text which could say what was
    withheld. `batch` names the field whose items go each for itself, in the
    same order as `about`; an effect holds one batch, as many as the other side takes at once. A transport then may say
    of each item what came of it, see `Answer` in `delivery/retry.py`. Ids that are sent along for an item come from the
    item, never from its place: what is left of a batch is sent as a smaller one.
    """

    kind: ClassVar[str]
    leaves: ClassVar[bool] = True
    for_machines: ClassVar[bool] = False
    batch: ClassVar[str] = ""
    label: str = ""
    service: str = ""
    destination: str = ""
    secrets: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()
    digest_limit: int = 3000
    keep: bool = True
    about: tuple[str, ...] = ()
    takes_back: bool = False

    @property
    def outbox_only(self) -> bool:
        """Whether it is for the background, because it takes longer than MISP waits."""
        return False

    def place(self) -> str:
        """Return what tells this effect's other side from others, without a secret: one ill, all to it wait."""
        return self.kind

    def number(self) -> int:
        """Return how many items it holds, each for itself; 1 when it has no batch."""
        return len(getattr(self, self.batch)) if self.batch else 1

    def only(self, places: Iterable[int]) -> Effect:
        """Return the same effect with only those items of its batch, each a place that counts from 0."""
        kept = list(places)
        changes: dict[str, Any] = {self.batch: tuple(getattr(self, self.batch)[place] for place in kept)}
        if self.about:
            changes["about"] = tuple(self.about[place] for place in kept)
        return dataclasses.replace(self, **changes)
