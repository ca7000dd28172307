"""What becomes of effects, and what a gate answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from misp_workflow.effects.base import Effect


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """An effect on its way: what the outbox keeps.

    `key` tells equal effects apart from others: from the content, the action, the event's uuid and timestamp.
    `action` is the module's name, `event` the event's uuid or "", `created` seconds since 1970.
    """

    key: str
    effect: Effect
    action: str
    event: str = ""
    created: float


Status = Literal["delivered", "queued", "skipped", "refused", "dry-run"]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of items that go each for itself: how many are in, wait, or were refused, the latter by reason.

    `left_out` counts what was not to be an item, or is missing within one, by reason.
    """

    taken: int = 0
    waiting: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        refused = dict(Counter(self.refused) + Counter(other.refused))
        left_out = dict(Counter(self.left_out) + Counter(other.left_out))
        taken, waiting = self.taken + other.taken, self.waiting + other.waiting
        return Tally(taken=taken, waiting=waiting, refused=refused, left_out=left_out)

    def __str__(self) -> str:
        parts = [f"{self.taken:,} in"] if self.taken or not (self.waiting or self.refused) else []
        if self.refused:
            parts.append(f"{sum(self.refused.values()):,} refused: {reasons(self.refused)}")
        if self.left_out:
            parts.append(left_out(self.left_out))
        if self.waiting:
            parts.append(f"{self.waiting:,} queued")
        return ", ".join(parts)


MOST_REASONS = 3


def left_out(counted: Mapping[str, int]) -> str:
    """Return how many attributes were left out, and why."""
    number = sum(counted.values())
    return f"{number:,} attribute{'s were' if number != 1 else ' was'} left out: {reasons(counted)}"


def reasons(counted: Mapping[str, int]) -> str:
    """Return the most frequent reasons, the number of each where there are several."""
    most = Counter(counted).most_common(MOST_REASONS)
    if len(counted) == 1:
        return most[0][0].rstrip(".")
    return "; ".join(f"{why.rstrip('.')} ({times:,})" for why, times in most) + (
        "; …" if len(counted) > len(most) else ""
    )


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of an effect. `detail` is one plain sentence without a secret.

    `unsure`: it was refused for want of an answer, so that it may have happened all the same. `tally` counts the items
    of a batch, so that several batches can be told of in one sentence.
    """

    status: Status
    detail: str
    key: str = ""
    unsure: bool = False
    tally: Tally | None = None

    @property
    def accepted(self) -> bool:
        """Whether MISP may hear success."""
        return self.status != "refused"


_QUEUED = "Queued, because "
"""How a receipt begins that knows why its batch waits; a count of what waits is the last thing that a tally says."""


def together(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Return the receipts with those of several batches made into one, which is a no when nothing is in or waits."""
    batches = [receipt for receipt in receipts if receipt.tally is not None]
    if len(batches) < 2:
        return list(receipts)
    tally = sum((receipt.tally for receipt in batches if receipt.tally is not None), Tally())
    status: Status = "queued" if tally.waiting else "delivered" if tally.taken else "refused"
    because = next((one.detail.removeprefix("Queued") for one in batches if one.detail.startswith(_QUEUED)), ".")
    told = Receipt(status=status, detail=f"{tally}{because}", tally=tally)
    return [told, *(one for one in receipts if one.tally is None)]


@dataclass(frozen=True)
class Pass:
    """A gate's yes; `effects` is what must happen first, `undo` what shall happen when it does not: then it is a no.

    `notes` are sentences for people, such as rules that only warn. `judged` is False when the gate's rules say nothing
    about such a call (a user is disabled): that passes without any rule, too.
    """

    effects: tuple[Effect, ...] = ()
    undo: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()
    judged: bool = True


@dataclass(frozen=True)
class Block:
    """A gate's no, with every reason."""

    reasons: tuple[str, ...]


Verdict = Pass | Block
