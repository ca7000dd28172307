"""What becomes of the items of one change, and the one sentence that says it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import MispChange

NO_TIME = "there was no time left for the rest"
MOST_NAMED = 5
LONGEST_NAME = 60


class Refusal(Exception):  # noqa: N818 - MISP's no to one request
    """MISP said no: `status` is the HTTP status of its answer, `str()` one plain sentence."""

    def __init__(self, status: int, sentence: str, everywhere: bool = False) -> None:
        super().__init__(sentence)
        self.status = status
        self.everywhere = everywhere or status in (401, 429) or status >= 500
        """Whether every other request would get the same answer: no access, or a server in trouble."""

    @property
    def gone(self) -> bool:
        """Whether the thing is not there: MISP says 404, and 405 for an attribute that it should show."""
        return self.status in (404, 405)


class Stop(Exception):  # noqa: N818 - the end of a change, whatever MISP thinks of it
    """This try is at its end; `answer` says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.detail)
        self.answer = answer


@dataclass
class Tally:
    """The items of a change by uuid, sorted as the change goes on. What is in none of the three was so already.

    A change that is too long for one try is made in slices: `deadline` (of `time.monotonic()`) ends this one, `earlier`
    are the items that earlier ones changed, `settled` those that need no further look.
    """

    names: dict[str, str]
    changed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    earlier: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    deadline: float = math.inf
    _longest: float = 0.0

    @classmethod
    def of(cls, change: MispChange, deadline: float = math.inf) -> Tally:
        """Return the empty tally of a change: its items, or its event."""
        names = {uuid_of(item): name_of(item) for item in change.items} or {change.event: "the event"}
        return cls(names, deadline=deadline)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Do one item, unless the slice would end in the middle of it: then raise Stop, for the next slice to go on."""
        began = time.monotonic()
        if began + self._longest * 1.5 > self.deadline:
            raise Stop(Answer(outcome="again", detail=NO_TIME, more=True))
        yield
        self._longest = max(self._longest, time.monotonic() - began)

    def fail(self, uuid: str, why: str) -> None:
        """Say why an item could not be changed (the first reason is kept)."""
        self.failed.setdefault(uuid, why)

    def without(self, uuids: Iterable[str]) -> None:
        """Forget items that are none of this change's business after all."""
        for uuid in uuids:
            self.names.pop(uuid, None)

    @property
    def left(self) -> list[str]:
        """The items that nothing has failed for so far, and that are not settled."""
        return [uuid for uuid in self.names if uuid not in self.failed and uuid not in self.settled]

    def so_far(self) -> str:
        """Return how far an unfinished change has come, "" when nothing is changed yet."""
        done = (self.changed | self.earlier) & self.names.keys() - self.failed.keys()
        return f"MISP changed {self._count(len(done))} so far" if done else ""

    def sentence(self) -> str:
        """Return what was done, what was so already, and what could not be done, with names and reasons."""
        done = len((self.changed | self.earlier) & self.names.keys() - self.failed.keys())
        already = len(self.names) - done - len(self.failed)
        parts = [f"MISP changed {self._count(done)}"] if done else []
        if already:
            parts.append(f"{self._count(already)} {'was' if already == 1 else 'were'} so already")
        if self.failed:
            parts.append(f"{'not changed' if parts else 'MISP changed nothing'}: {self._reasons()}")
        return "; ".join([*(parts or ["there was nothing to change"]), *dict.fromkeys(self.notes)])

    def _count(self, number: int) -> str:
        if len(self.names) == 1:
            return next(iter(self.names.values()))
        return f"{number} of {len(self.names)} attributes"

    def _reasons(self) -> str:
        by_reason: dict[str, list[str]] = {}
        for uuid, why in self.failed.items():
            by_reason.setdefault(why, []).append(self.names.get(uuid, uuid))
        return "; ".join(f"{_listed(names)} ({why})" for why, names in by_reason.items())


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def uuid_of(row: Mapping[str, Any]) -> str:
    """Return an item's uuid in small letters."""
    return str(row.get("uuid", "")).lower()


def name_of(row: Mapping[str, Any]) -> str:
    """Return what people call an item: its value, on one line, not too long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(row.get("value") or row.get("uuid"))).split())
    return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 1] + "…"
