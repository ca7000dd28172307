"""What a ledger is: its rows, and what one can ask it. Times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The latest word about one item at one destination.

    `event` is the event's uuid; `item` what of it went there: the uuid of an attribute, object or report, or "" for the
    event as a whole. `destination` is the name in the settings, or scheme, host and port. `action` is the module's
    name, `id` what the item is called there (a document, a case, a decision; "" when nothing was told), `key` the
    parcel's. `withdrawn`: it was there and was taken back. `first` is when it went there, `at` when this was noted, and
    `said` when the call was made that says so (0: then, too): of two words the later one counts, in whatever order.
    """

    event: str
    item: str = ""
    destination: str
    action: str
    id: str = ""
    key: str = ""
    withdrawn: bool = False
    first: float
    at: float
    said: float = 0.0

    @property
    def called(self) -> str:
        """The id for people: without the mark of what a case showed, and "" while one is only being made."""
        return "" if self.id.startswith("?") else self.id.partition("#")[0]


def time_of(value: object) -> float:
    """Return a stored time, 0 for what is none."""
    return float(value) if isinstance(value, (int, float)) else 0.0


WHOLE = "*"
"""The item of a row that says when a call spoke of all that the event has there; only `items` returns it."""


class Ledger(Protocol):
    """Where those rows are. Nothing but `of` and `items` raises: DeliveryError when it cannot be read, or is behind."""

    def note(self, rows: Sequence[Sent], *, now: bool = False) -> bool:
        """Put rows in, each replacing what was said before of the same item there; `first` and a known id stay.

        Done in the background; with `now` before this returns. Returns whether they are in (or, else, will be tried);
        what is not in yet although it cannot wait is kept, and whoever asks about its event meanwhile hears so.
        """

    def settle(self, patience: float) -> None:
        """Wait until all that this process noted is in, but no longer than so many seconds."""

    def of(self, event: str, destination: str = "") -> Iterator[Sent]:
        """Yield what is known of an event, at one destination or at all; a page at a time is in memory."""

    def items(self, event: str, destination: str, items: Collection[str]) -> dict[str, Sent]:
        """Return what is known of these items of an event at a destination, by item; those never sent are left out."""

    def losses(self) -> list[str]:
        """Say what of the ledger was lost, in sentences."""

    def close(self) -> None:
        """Write what is left, within a second or two, and let go of the file."""
