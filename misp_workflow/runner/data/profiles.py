"""What differs between the versions of MISP, in one place: each change, since when, and how it is known.

The engine asks `CHANGE in world.misp`; nothing else in it knows a version.

    recorded   the PHP of that version was run, and what it did is among the recorded cases
    read       a file's text or a release note says so; it was not run
    likely     not established; a run says so at the node and goes on with what is likely
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from misp_workflow.errors import InputError

Known = Literal["recorded", "read", "likely"]


@dataclass(frozen=True)
class Change:
    """One thing that MISP does otherwise since a version.

    since: the first version that is known to do so. source: the commit, release or recording that shows it.
    before, after: one sentence each.
    """

    since: str
    known: Known
    what: str
    before: str
    after: str
    source: str = "recorded from 2.5.19"


@dataclass(frozen=True)
class Profile:
    """A version of MISP as the engine mirrors it: its number, and the changes since 2.5.1 that it has."""

    version: str
    changes: frozenset[Change]

    def __contains__(self, change: Change) -> bool:
        return change in self.changes

    def having(self, *changes: Change) -> Profile:
        """The same version with further changes, for what no release holds."""
        return Profile(self.version, self.changes | set(changes))


RENDERER_FAILS_SOFTLY = Change(
    "2.5.19",
    "recorded",
    "a template when misp-modules or the Enrichment service is down",
    "the walk dies with a TypeError",
    "the parameter becomes empty",
)

CHANGES: tuple[Change, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Change))

OLDEST = "2.5.1"
RECORDED = (OLDEST, "2.5.19")
NEWEST = "2.5.50"
MIRRORED = (*RECORDED, NEWEST)


@functools.cache
def profile(version: str) -> Profile:
    """The profile of a version. Raises InputError for a text that is none, and for versions older than 2.5.1."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII) or _number(version) < _number(OLDEST):
        raise InputError(
            f"{version!r} is no version of MISP that is mirrored. Give one from {OLDEST} on, best one of "
            f"{', '.join(MIRRORED)}."
        )
    return Profile(version, frozenset(change for change in CHANGES if _number(change.since) <= _number(version)))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
