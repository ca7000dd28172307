"""The interface of an outbox, and the plain values that cross it. Times are seconds since 1970."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeGuard, runtime_checkable

from misp_workflow.delivery import digest
from misp_workflow.effects import Effect, Parcel

Taken = Literal["taken", "waiting", "sent"]
"""What putting came to: it is in the outbox now; the same waits there already; the same was sent within the window."""

Still = Literal["waiting", "tried", "over"]
"""What is there still: all of it waits; another process tries some of it just now; some of it is there no more."""

AFTER_A_BUG = 60.0
"""Seconds after which something is tried again that failed in our own code."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One parcel to put.

    `lane` is the destination's identity. `hold`: the caller tries it at once, nobody else may before it lets go.
    `max_age` seconds after which it is dead. `gather` seconds for which it waits for others like it (0: not at all);
    `clock` is what the times of the day are called at which those go, "" when each lot waits for as long as its first.
    """

    parcel: Parcel
    lane: str
    max_age: float
    hold: bool = False
    gather: float = 0.0
    clock: str = ""

    @property
    def bundle(self) -> str:
        """What it has in common with those that it is gathered with, "" when with none."""
        if not self.gather:
            return ""
        return digest.bundle(self.parcel.effect, self.parcel.action, self.lane, self.clock, self.waits)

    @property
    def waits(self) -> float:
        """For how many seconds everything of its kind is gathered, 0 when it goes by the clock."""
        return 0.0 if self.clock else self.gather

    def expires(self, now: float) -> float:
        """Return when it is too old: its age counts from when it is due, but for what is tried only once."""
        return now + (self.gather + self.max_age if self.max_age > 0 else 0.0)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a worker may send now: one parcel, or several of the outbox made into one (`keys` are theirs).

    `tries` were before this one; `last`: its age allows no other. `events` are those of all that it was made of.
    `envelope` is what a broker's message held, for the next message: none when its caller holds the claim.
    """

    parcel: Parcel
    lane: str
    keys: tuple[str, ...]
    tries: int
    last: bool = False
    events: tuple[str, ...] = ()
    envelope: dict[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What is left of a batch of which some items are in: `left` is tried again after `wait` seconds, `refused` never.

    Each is a smaller effect, or None when there is nothing of it; `why` and `refusal` are the reasons.
    """

    left: Effect | None
    wait: float
    why: str
    refused: Effect | None
    refusal: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a person sees of one effect in the outbox.

    `state`: waiting, sending (somebody tries it right now), or dead. `due` is the next try, `ended` when it died.
    """

    key: str
    state: Literal["waiting", "sending", "dead"]
    label: str
    action: str
    destination: str
    lane: str
    event: str
    created: float
    due: float
    ended: float
    tries: int
    reason: str
    size: int

    @classmethod
    def of(cls, values: Mapping[str, Any], state: Literal["waiting", "sending", "dead"], size: int) -> Entry:
        """Return the entry for stored values; what is damaged or missing is replaced by what says nothing."""
        numbers = {name: value if is_sane(value := values.get(name)) else 0 for name in ("created", "due", "ended")}
        texts = {name: value if isinstance(value := values.get(name), str) else "" for name in _ENTRY_TEXTS}
        told: dict[str, Any] = {**texts, **numbers}
        tries = values.get("tries")
        return cls(state=state, size=size, tries=int(tries) if is_sane(tries) else 0, **told)


_ENTRY_TEXTS = ("key", "label", "action", "destination", "lane", "event", "reason")
LATEST = 1e11
"""Seconds since 1970; no date that a calendar shows is later."""


def is_sane(value: object) -> TypeGuard[float]:
    """Whether this is a number that can be one of ours: a time, a count."""
    return isinstance(value, (int, float)) and 0 <= value <= LATEST


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Numbers for monitoring. `counts` are effects by lane and state, `ended` those that ended since the file began,
    by lane and how; `oldest` is when the oldest one that waits was put (None: nothing waits)."""

    counts: dict[tuple[str, str], int]
    ended: dict[tuple[str, str], int]
    oldest: float | None
    bytes_used: int | None
    bytes_most: int | None

    @classmethod
    def of(cls, entries: Iterable[Entry], ended: dict[tuple[str, str], int]) -> Totals:
        """Return the numbers of these entries, whose bytes nobody counts."""
        counts: Counter[tuple[str, str]] = Counter()
        oldest: float | None = None
        for one in entries:
            counts[one.lane, "dead" if one.state == "dead" else "waiting"] += 1
            if one.state != "dead":
                oldest = one.created if oldest is None else min(oldest, one.created)
        return cls(counts=dict(counts), ended=ended, oldest=oldest, bytes_used=None, bytes_most=None)


@runtime_checkable
class Resting(Container[str], Protocol):
    """Lanes that are to be left alone, and for how long."""

    def rest(self, name: str) -> float:
        """Return the seconds; infinity when nobody knows."""


class Knowing(Resting, Protocol):
    """The same, and which lanes are well."""

    def well(self, once: Sequence[str]) -> list[str]:
        """Return the lanes on which the last try went well, and those of `once` that were not tried since we began."""


class Working(Protocol):
    """The threads that hand out claims."""

    def start(self) -> None:
        """Start them, unless they run already or the process ends. Cheap."""

    def wake(self) -> None:
        """There is something to do."""

    def finish(self) -> None:
        """Begin nothing more, and return when what was begun has ended, however long that takes."""

    def stop(self, patience: float) -> None:
        """Let each end what it does, for about `patience` seconds in all."""


class Outbox(Protocol):
    """What delivery needs. Whatever cannot be stored raises DeliveryError; nothing else is raised.

    `put`, `forget` and the repairs are durable when they return; `done`, `again` and `bury` may be durable a moment
    later: what is lost of them in a crash is a repetition with the same key, never an effect.
    """

    def put(self, items: Sequence[Item], deadline: float) -> list[Taken]:
        """Store the items, all or none, before `deadline` (of `time.monotonic()`)."""

    def still(self, keys: Collection[str]) -> Still:
        """Return how these are now, which waited there when the same was put."""

    def workers(
        self,
        threads: int,
        handle: Callable[[Claim], None],
        blocked: Callable[[], Knowing],
        died: Callable[[Entry], None],
    ) -> Working:
        """Return workers that claim what is due, each for itself alone, and call `handle`, which settles it.

        `blocked` names the lanes from which to claim nothing now; `died` hears of what died of age.
        """

    def done(self, claim: Claim) -> None:
        """It arrived: remember its keys for the window, forget the rest."""

    def again(self, claim: Claim, wait: float, reason: str, *, counts: bool = True) -> None:
        """Let go of it until `wait` seconds from now; `counts`: this was a try."""

    def part(self, claim: Claim, rest: Rest) -> None:
        """Some of a batch is in: keep what is left in its place, and a dead letter of what was refused."""

    def bury(self, claim: Claim, reason: str) -> None:
        """It will never arrive: keep it with the reason, for people."""

    def forget(self, key: str, deadline: float) -> None:
        """Remove what this process holds: its failure has been told to the one who asked."""

    def anything_waits(self) -> bool:
        """Whether there is work, now or later."""

    def entries(self, state: Literal["", "waiting", "dead"] = "") -> list[Entry]:
        """Return all of `each`: for those who know that there are not many."""

    def each(self, state: Literal["", "waiting", "dead"] = "") -> Iterator[Entry]:
        """Yield what waits and what died, in about the order in which it was put; no more than a page is in memory."""

    def find(self, beginning: str) -> list[Entry]:
        """Return those whose key begins so: the one whose key is just that, or the first few."""

    def show(self, key: str) -> tuple[Entry, Effect]:
        """Return one effect whole; KeyError when it is not there."""

    def requeue(self, keys: Collection[str]) -> int:
        """Make these due now, the dead among them alive again with a new age; return how many there were."""

    def drop(self, keys: Collection[str]) -> list[Entry]:
        """Remove these; return what was removed."""

    def totals(self) -> Totals:
        """Return the numbers."""

    def notices(self) -> list[str]:
        """Return sentences that an operator should read: no append-only file, a corrupt file put aside, …"""

    def close(self) -> None:
        """Let go of everything that this process holds, and end."""
