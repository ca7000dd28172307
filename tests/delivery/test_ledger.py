"""The ledger: what went where is remembered, and whatever happens to the ledger harms no delivery."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Brokers
from delivery_kit import parcel, until
from ledger_kit import EVENT, OTHER, row, told

from misp_workflow.delivery import ledger
from misp_workflow.delivery.deliver import deliver
from misp_workflow.delivery.ledger import WHOLE, Ledger, background, ledger_of
from misp_workflow.delivery.ledger import sqlite as sqlite_ledger
from misp_workflow.delivery.ledger.background import Background
from misp_workflow.delivery.ledger.sqlite import SqliteLedger
from misp_workflow.effects import Batch, Parcel
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer


@pytest.fixture(params=["sqlite", "redis"])
def book(request, state: Path, brokers: Brokers, rules) -> Iterator[Ledger]:
    if request.param == "sqlite":
        yield ledger_of(current())
        ledger.close()
        return
    pytest.importorskip("redis", reason="the extra 'queue' is not installed")
    with brokers("redis") as broker:
        rules(f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n')
        yield ledger_of(current())
        ledger.close()


def test_rows_that_come_together_are_written_together(state: Path) -> None:
    written: list[int] = []
    background = Background(lambda rows: written.append(len(rows)), (OSError,), (), "here")
    for number in range(300):
        assert background.add([row(str(number))])
    background.settle(20.0)
    assert sum(written) == 300
    assert len(written) < 100, "each writing opens the file anew"
    background.close()


def test_what_is_not_written_yet_is_not_taken_for_never_sent(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    background, write = book._background, book._background._write
    monkeypatch.setattr(background, "_write", lambda rows: goes_on.wait() and write(rows))
    monkeypatch.setattr("misp_workflow.delivery.ledger.background.PATIENCE", 0.05)
    book.note([row("a")])
    for read in (lambda: book.items(EVENT, "siem", ["a"]), lambda: list(book.of(EVENT))):
        with pytest.raises(DeliveryError, match="is behind: what was sent about this event is not written there yet"):
            read()
    assert book.items(OTHER, "siem", ["a"]) == {}, "another event's rows are not waited for"
    goes_on.set()
    book.settle(20.0)
    assert set(book.items(EVENT, "siem", ["a"])) == {"a"}


# --- what it knows ----------------------------------------------------------------------------------------------------


def test_rows_that_a_lock_keeps_out_are_written_when_it_is_gone_and_nobody_hears_less_before(
    state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "AGAIN_AFTER", 0.05)
    monkeypatch.setattr(sqlite_ledger, "BUSY", 0.05)
    book = SqliteLedger(state, 3600.0)
    assert book.note([row("first")], now=True)
    with contextlib.closing(sqlite3.connect(state / "sent.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.ERROR):
            assert book.note([row("a"), row("b")])
            until(lambda: "cannot be written (database is locked)" in caplog.text)
        assert book.note([row("c")])
        assert not book.note([row("d")], now=True), "who must be sure is told, and it is kept all the same"
        with pytest.raises(DeliveryError, match="is behind"):
            list(book.of(EVENT))
        assert list(book.of(OTHER)) == [], "of others all is known"
        other.execute("ROLLBACK")

    def told() -> list[str]:
        with contextlib.suppress(DeliveryError):
            return [one.item for one in book.of(EVENT)]
        return []

    until(lambda: told() != [])
    assert told() == ["a", "b", "c", "d", "first"]
    assert "missing" not in caplog.text
    book.close()


def test_each_item_has_one_row_which_says_the_latest(book: Ledger) -> None:
    now = time.time()
    book.note([row("a", id="1", at=now - 9), row("b", at=now - 9), row("", at=now - 9)])
    book.note([row("a", at=now - 5, key="k2"), row("b", at=now - 5, withdrawn=True)])
    book.note([row("a", destination="mail"), row("x", event=OTHER)])
    found = {one.item: one for one in book.of(EVENT, "siem")}
    assert set(found) == {"a", "b", ""}
    assert (found["a"].id, found["a"].key) == ("1", "k2"), "an id that is known stays"
    assert found["a"].first == pytest.approx(now - 9, abs=0.01)
    assert found["a"].at == pytest.approx(now - 5, abs=0.01)
    assert [one.withdrawn for one in (found["a"], found["b"])] == [False, True]
    assert len(list(book.of(EVENT))) == 4


def test_a_word_that_comes_late_changes_nothing(book: Ledger) -> None:
    now = time.time()
    book.note([row("a", at=now, withdrawn=True)])
    book.note([row("a", at=now - 60)])
    assert [one.withdrawn for one in book.of(EVENT)] == [True]


def test_some_items_can_be_asked_for(book: Ledger) -> None:
    book.note([row(f"i{number}", id=str(number)) for number in range(1200)])
    found = book.items(EVENT, "siem", [f"i{number}" for number in range(600, 1500)])
    assert len(found) == 600
    assert found["i777"].id == "777"
    assert book.items(EVENT, "other", ["i1"]) == {}
    assert len(list(book.of(EVENT))) == 1200


def test_names_that_are_patterns_or_odd_are_only_names(book: Ledger) -> None:
    names = ["a*", "ab", "[x]", "https://h:8443", "späte Größe"]
    book.note([row("i", destination=name) for name in names])
    for name in names:
        assert [one.destination for one in book.of(EVENT, name)] == [name]


def test_what_must_be_on_the_disk_is_there_when_it_returns(book: Ledger) -> None:
    assert book.note([row("a", id="case 4711")], now=True)
    assert [one.id for one in book.items(EVENT, "siem", ["a"]).values()] == ["case 4711"]


def test_what_has_no_event_is_not_noted(book: Ledger) -> None:
    assert book.note([row("a", event="")])
    assert list(book.of("")) == []


def test_rows_are_forgotten_after_their_age(state: Path) -> None:
    book = SqliteLedger(state, 3600.0)
    book.note([row("old", at=time.time() - 4000), row("new")], now=True)
    assert [one.item for one in book.of(EVENT)] == ["new"]
    book._forgot = -1e9
    book.note([row("newer")], now=True)
    assert book._ask("SELECT count(*) FROM sent", ()) == [(2,)]
    book.close()


def test_an_age_of_nothing_keeps_nothing(state: Path) -> None:
    book = SqliteLedger(state, 0.0)
    assert book.note([row("a")], now=True)
    assert not state.exists()


def test_many_processes_write_one_file(state: Path) -> None:
    books = [SqliteLedger(state, 3600.0) for _ in range(4)]

    def work(number: int) -> None:
        for turn in range(25):
            books[number].note([row(f"{number}-{turn}-{item}") for item in range(10)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for book in books:
        book.close()
    assert len(list(SqliteLedger(state, 3600.0).of(EVENT))) == 1000
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {0o600}


def test_the_later_word_counts_whichever_is_noted_last(book: Ledger) -> None:
    now = time.time()
    book.note([row("a", at=now, said=now - 10, withdrawn=True)])
    book.note([row("a", at=now + 5, said=now - 20)])  # it had to wait
    assert [one.withdrawn for one in book.of(EVENT)] == [True]
    book.note([row("a", at=now + 1, said=now - 5), row(WHOLE, said=now)])
    assert [(one.item, one.withdrawn) for one in book.of(EVENT)] == [("a", False)]
    assert book.items(EVENT, "siem", ["a", WHOLE])[WHOLE].said == pytest.approx(now)


def test_a_file_of_an_earlier_version_is_completed(state: Path) -> None:
    book = SqliteLedger(state, 3600.0)
    assert book.note([row("a")], now=True)
    with contextlib.closing(sqlite3.connect(state / "sent.sqlite3")) as file:
        file.execute("ALTER TABLE sent DROP COLUMN said")
    assert [one.said for one in book.of(EVENT)] == [0.0]
    assert book.note([row("b", said=time.time())], now=True)
    assert [(one.item, one.said > 0) for one in book.of(EVENT)] == [("a", False), ("b", True)]


# --- never in the way -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["folder", "full"])
def test_whatever_is_wrong_with_it_is_said_and_harms_no_delivery(
    receiver: Receiver, state: Path, trouble: str, caplog, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.mkdir(mode=0o700)
    if trouble == "folder":
        (state / "sent.sqlite3").mkdir()
    else:

        def full(self, rows) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(SqliteLedger, "_write", full)
        monkeypatch.setattr(ledger, "_open", {})
    with caplog.at_level(logging.ERROR):
        (receipt,) = deliver([told(receiver, "k1")])
        assert receipt.status == "delivered"
        until(lambda: "sent.sqlite3 cannot be written (" in caplog.text)
        (receipt,) = deliver([told(receiver, "k2")])
        assert receipt.status == "delivered"
    assert caplog.text.count("kept in memory until it can") == 1, "once a minute is enough"
    with caplog.at_level(logging.ERROR):
        ledger.close()
    assert "Rows are missing in the ledger" in caplog.text and "before the end of the process (2 now)" in caplog.text


def test_a_ledger_that_hangs_holds_nobody_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(SqliteLedger, "_write", lambda self, rows: free.wait(60))
    try:
        began = time.monotonic()
        receipts = [deliver([told(receiver, f"k{number}")])[0].status for number in range(5)]
        assert receipts == ["delivered"] * 5
        assert time.monotonic() - began < 30
    finally:
        free.set()


# --- who writes it ----------------------------------------------------------------------------------------------------


def test_what_is_delivered_is_noted_and_what_is_not_is_not(receiver: Receiver) -> None:
    receiver.answers(answer("ok"), answer(status=404), answer(status=503))
    for number in range(3):
        deliver([told(receiver, f"k{number}", destination="")])
    (found,) = ledger_of(current()).of(EVENT)
    assert (found.action, found.item, found.key, found.withdrawn) == ("slack_message", "", "k0", False)
    assert found.destination == receiver.url.rpartition("/")[0] or found.destination in receiver.url


def test_what_a_worker_delivers_is_noted_with_its_items(receiver: Receiver) -> None:
    deliver([told(receiver, "k", about=("a", "b"))], mode="queue")
    until(lambda: [one.item for one in ledger_of(current()).of(EVENT)] == ["a", "b"])
    deliver([told(receiver, "k-gone", about=("b",), takes_back=True)])
    assert [one.withdrawn for one in ledger_of(current()).of(EVENT)] == [False, True]


def test_a_digest_of_several_events_is_noted_for_each(receiver: Receiver, rules) -> None:
    rules("[destinations.chat]\ndigest = 0.2\n")
    for number, event in enumerate((EVENT, OTHER)):
        text = {"json": {"text": f"m {number}"}, "digest": ("json.text",), "destination": "chat"}
        deliver([dataclasses.replace(parcel(receiver, f"d{number}", **text), event=event)])
    until(lambda: bool(list(ledger_of(current()).of(OTHER))) and bool(list(ledger_of(current()).of(EVENT))))
    assert len(receiver.requests) == 1
    assert [one.destination for one in ledger_of(current()).of(EVENT)] == ["chat"]


@pytest.mark.parametrize("mode", ["wait", "queue"])
def test_where_nothing_is_left_to_take_back_nobody_is_asked_and_nothing_is_called_delivered(
    mode: str, state: Path
) -> None:
    rest = Batch(system="redis", address="redis://127.0.0.1:1", rest_of=EVENT, takes_back=True, at=1)
    (receipt,) = deliver([Parcel(key="r", effect=rest, action="redis_stream", created=time.time())], mode=mode)
    if mode == "wait":
        assert (receipt.status, receipt.detail) == ("skipped", "Nothing had to be taken back.")
    until(lambda: '"skipped"' in (state / "delivery.log").read_text() if (state / "delivery.log").exists() else False)
    assert '"delivered"' not in (state / "delivery.log").read_text()


def test_what_is_taken_back_waits_for_a_ledger_that_cannot_be_read(state: Path) -> None:
    (state / "sent.sqlite3").mkdir(parents=True)  # root could read whatever its mode is
    rest = Batch(system="redis", address="redis://127.0.0.1:1", rest_of=EVENT, takes_back=True, at=1)
    (receipt,) = deliver([Parcel(key="r", effect=rest, action="redis_stream", created=time.time())])
    assert receipt.status == "queued" and "what is there still is not known: The ledger" in receipt.detail


def test_a_dry_run_leaves_no_trace(receiver: Receiver, state: Path) -> None:
    deliver([told(receiver, "k")], dry_run=True)
    assert list(ledger_of(current()).of(EVENT)) == []
    assert not (state / "sent.sqlite3").exists()
