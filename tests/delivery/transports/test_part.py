"""A batch of which the other side takes some: what is in is in, what may be tried again stays, the rest is told of."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import pytest
from brokers import Brokers
from delivery_kit import until

from misp_workflow.delivery import retry
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.outbox import Entry
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Effect, Parcel, Receipt, stored, together
from misp_workflow.effects.outcome import Tally
from misp_workflow.settings import current

EVENT = "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c"


@dataclass(frozen=True, kw_only=True)
class Batch(Effect):
    """Some records for a place that takes each for itself."""

    kind: ClassVar[str] = "test_batch"
    batch: ClassVar[str] = "rows"
    rows: tuple[Mapping[str, str], ...]


class Place(ModuleType):
    """The other side: what it has, and what it says of each record, by value."""

    def __init__(self) -> None:
        super().__init__("misp_workflow.delivery.transports.test_batch")
        self.has: list[str] = []
        self.asked: list[int] = []
        self.refuses: dict[str, str] = {}
        self.busy: dict[str, int] = {}

    def send(self, effect: Batch, key: str, deadline: float) -> Answer:
        refused, again, ids = {}, {}, {}
        self.asked.append(len(effect.rows))
        for place, row in enumerate(effect.rows):
            value = row["value"]
            if value in self.refuses:
                refused[place] = self.refuses[value]
            elif self.busy.get(value, 0) > 0:
                self.busy[value] -= 1
                again[place] = "the shard is busy"
            else:
                self.has.append(value)
                ids[place] = f"id-{value}"
        return retry.part(len(effect.rows), refused, again, ids=ids)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place()
    monkeypatch.setitem(sys.modules, found.__name__, found)
    monkeypatch.setitem(stored.KINDS, Batch.kind, Batch)
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
    return found


@pytest.fixture(params=["sqlite", "redis"])
def anywhere(request, brokers: Brokers, rules) -> Iterator[None]:
    """The outbox in a file, and on a broker."""
    if request.param == "sqlite":
        yield
        return
    pytest.importorskip("dramatiq", reason="the extra 'queue' is not installed")
    with brokers("redis") as broker:
        rules(f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n')
        yield


def parcel(values: list[str], key: str = "k") -> Parcel:
    rows = tuple({"value": value} for value in values)
    effect = Batch(label="records for the SIEM", rows=rows, about=tuple(f"u-{value}" for value in values))
    return Parcel(key=key, effect=effect, action="elastic_document", event=EVENT, created=time.time())


def entries(state: str = "") -> list[Entry]:
    return house(current()).outbox.entries(state)


def known() -> dict[str, str]:
    return {one.item: one.id for one in ledger_of(current()).of(EVENT)}


VALUES = [f"v{number}" for number in range(10)]


@pytest.mark.parametrize("mode", ["wait", "queue"])
def test_what_may_be_tried_again_is_and_what_is_refused_is_a_dead_letter(place: Place, anywhere, mode: str) -> None:
    place.refuses = {"v3": "it is no address", "v7": "it is no address"}
    place.busy = {"v1": 2, "v8": 1}
    (receipt,) = deliver([parcel(VALUES)], mode=mode)
    assert receipt.status == "queued"
    if mode == "wait":
        told = "6 in, 2 refused: it is no address, 2 to be tried again: the shard is busy."
        assert receipt.detail == told
    until(lambda: len(place.has) == 8 and [entry.state for entry in entries()] == ["dead"])
    assert place.asked == [10, 2, 1], "only what was left was sent again"
    assert sorted(place.has) == sorted(set(VALUES) - {"v3", "v7"}), "each once"
    (dead,) = entries("dead")
    assert dead.reason == "It is no address."
    assert dead.label == "records for the SIEM (2 of 10)"
    _, effect = house(current()).outbox.show(dead.key)
    assert [row["value"] for row in effect.rows] == ["v3", "v7"]
    assert effect.about == ("u-v3", "u-v7")
    assert known() == {f"u-{value}": f"id-{value}" for value in place.has}


def test_a_dead_letter_of_some_can_live_again(place: Place) -> None:
    place.refuses = {"v3": "it is no address"}
    (receipt,) = deliver([parcel(VALUES)])
    assert (receipt.status, receipt.detail) == ("delivered", "9 in, 1 refused: it is no address.")
    (again,) = deliver([parcel(VALUES)])
    assert again.status == "skipped"
    until(lambda: [entry.state for entry in entries()] == ["dead"])
    place.refuses = {}
    assert house(current()).outbox.requeue([entries()[0].key]) == 1
    until(lambda: not entries())
    assert sorted(place.has) == sorted(VALUES)
    assert len(known()) == 10


def test_when_its_time_is_over_what_was_not_taken_is_dead(place: Place, rules) -> None:
    rules("[outbox]\nmax_age = 0\n")
    place.busy = {"v1": 99}
    deliver([parcel(VALUES)], mode="queue")
    until(lambda: [entry.state for entry in entries()] == ["dead"])
    assert len(place.has) == 9
    assert entries()[0].label == "records for the SIEM (1 of 10)"


def test_all_of_one_fate_are_no_part(place: Place) -> None:
    place.refuses = dict.fromkeys(VALUES, "the index is read-only")
    (receipt,) = deliver([parcel(VALUES)])
    assert (receipt.status, receipt.detail) == ("refused", "10 refused: the index is read-only.")
    assert entries() == []
    assert known() == {}


def test_ten_thousand_in_batches_come_in_whole(place: Place) -> None:
    values = [f"w{number}" for number in range(10_000)]
    place.refuses = {"w17": "it is no address"}
    place.busy = {f"w{number}": 1 for number in range(0, 10_000, 100)}
    batches = [parcel(values[start : start + 500], f"b{start}") for start in range(0, 10_000, 500)]
    deliver(batches, mode="queue")
    until(lambda: len(place.has) == 9_999)
    assert len(set(place.has)) == 9_999
    until(lambda: [entry.state for entry in entries()] == ["dead"])
    ledger_of(current())._background.settle(20)
    assert len(known()) == 9_999


def test_several_batches_are_told_of_in_one_sentence(place: Place) -> None:
    place.refuses = {"v3": "it is no address", "w5": "it is no address", "w6": "it is too long"}
    place.busy = {"v1": 9}
    batches = [parcel(VALUES, "b1"), parcel([value.replace("v", "w") for value in VALUES], "b2")]
    (receipt,) = together(deliver(batches))
    assert receipt.status == "queued"
    assert receipt.detail == "16 in, 3 refused: it is no address (2); it is too long (1), 1 queued."
    house(current()).outbox.drop([entry.key for entry in entries()])
    place.refuses, place.busy = dict.fromkeys("ab", "no"), {}
    assert together(deliver([parcel(["a"], "b3"), parcel(["b"], "b4")]))[0].status == "refused"
    (whole,) = together(deliver([parcel(["c"], "b5"), parcel(["a"], "b6")]))
    assert (whole.status, whole.detail) == ("delivered", "1 in, 1 refused: no.")


# --- what is said -----------------------------------------------------------------------------------------------------


def test_several_batches_that_wait_say_why() -> None:
    def waits(detail: str, waiting: int = 2) -> Receipt:
        return Receipt(status="queued", detail=detail, tally=Tally(waiting=waiting))

    why = "Queued, because the client library is not installed."
    (told,) = together([waits(why), waits(why), Receipt(status="delivered", detail="1 in.", tally=Tally(taken=1))])
    assert told.detail == "1 in, 4 queued, because the client library is not installed."
    (told,) = together([waits("Queued."), waits("Queued.")])
    assert told.detail == "4 queued."


def test_an_answer_counts_and_names_the_reasons() -> None:
    reasons = {number: f"reason {number % 5}" for number in range(10)}
    said = retry.part(10_000, reasons, {})
    assert said.outcome == "part"
    assert said.detail == "9,990 in, 10 refused: reason 0 (2); reason 1 (2); reason 2 (2); …"
    assert retry.part(3, {}, {}).detail == "3 in"
    assert retry.part(3, {}, {}).outcome == "delivered"
    assert retry.part(2, {}, {0: "busy.", 1: "busy."}, down=True).outcome == "again"
    assert retry.part(2, {}, {0: "busy.", 1: "busy."}).detail == "2 to be tried again: busy"
    assert retry.part(2, {0: "no"}, {1: "busy"}).outcome == "part"


def test_only_some_of_a_batch_is_a_smaller_batch() -> None:
    effect = parcel(VALUES).effect
    some = effect.only([2, 5])
    assert (some.number(), some.about) == (2, ("u-v2", "u-v5"))
    assert effect.number() == 10
    assert dataclasses.replace(effect, about=()).only([1]).about == ()
