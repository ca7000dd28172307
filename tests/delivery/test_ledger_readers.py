"""Who reads the ledger: people by command, and deliveries, whatever damage it has."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path

import pytest
from brokers import Brokers
from click.testing import CliRunner
from ledger_kit import EVENT, OTHER, row, told

from misp_workflow.cli import main
from misp_workflow.delivery import ledger
from misp_workflow.delivery.deliver import deliver
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.ledger.sqlite import SqliteLedger
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words, env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_an_analyst_hears_where_an_event_went() -> None:
    book = ledger_of(current())
    book.note([row(f"i{number}", id=f"doc-{number}", withdrawn=number < 3) for number in range(10)], now=True)
    book.note([row("", destination="chat", action="slack_message")], now=True)
    code, said = run("sent", EVENT.upper())
    assert code == 0
    lines = {line.split()[0]: " ".join(line.split()) for line in said.splitlines() if line.strip()}
    assert "7 items, 3 withdrawn doc-0 and 9 more" in lines["siem"]
    assert "slack_message the event" in lines["chat"]
    code, said = run("sent", EVENT, "--items", "--destination", "siem")
    assert said.count("doc-") == 10
    assert "chat" not in said
    code, said = run("sent", EVENT, "--json")
    assert len(json.loads(said)) == 11


def test_an_unknown_event_and_what_is_no_event_are_told_apart() -> None:
    code, said = run("sent", OTHER)
    assert code == 1
    assert "Nothing is known" in said
    code, said = run("sent", "159")
    assert code == 2
    assert "no uuid" in said


def test_a_ledger_that_cannot_be_read_is_not_called_empty(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "sent.sqlite3").write_bytes(b"garbage " * 2000)
    code, said = run("sent", EVENT)
    assert code == 2
    assert "cannot be read" in said


FOREIGN = "CREATE TABLE sent (who TEXT); CREATE TABLE other (x)"


def damage(state: Path, how: str) -> None:
    """Make the ledger's file garbage, torn in the middle, or somebody else's database."""
    state.mkdir(mode=0o700, exist_ok=True)
    file = state / "sent.sqlite3"
    if how == "garbage":
        file.write_bytes(b"garbage " * 2000)
    elif how == "torn":
        book = SqliteLedger(state, 3600.0)
        book.note([row(f"i{number}") for number in range(2000)], now=True)
        file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 40_000)
    else:
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.executescript(FOREIGN)


@pytest.mark.parametrize("how", ["garbage", "torn", "foreign"])
def test_a_damaged_ledger_is_put_aside_and_the_loss_is_said(receiver: Receiver, state: Path, how: str, caplog) -> None:
    damage(state, how)
    (receipt,) = deliver([told(receiver, "k1")])
    assert receipt.status == "delivered"
    ledger_of(current()).settle(20)
    assert "was corrupt" in caplog.text
    assert "a new one is begun" in caplog.text
    assert [one.key for one in ledger_of(current()).of(EVENT)] == ["k1"]
    code, said = run("sent", EVENT)
    assert (code, "was damaged once, and is kept as" in " ".join(said.split())) == (0, True)
    code, said = run("sent", OTHER)
    assert (code, "was damaged once" in " ".join(said.split())) == (1, True)


@pytest.mark.parametrize("how", ["garbage", "torn", "foreign"])
def test_whoever_reads_it_for_a_delivery_goes_on_without_what_it_said(state: Path, how: str, caplog) -> None:
    damage(state, how)
    book = ledger_of(current())
    assert book.items(EVENT, "siem", ["i1"]) == {}
    assert list(book.of(EVENT)) == []
    assert "was corrupt" in caplog.text
    assert book.note([row("a")], now=True)
    assert [one.item for one in book.of(EVENT)] == ["a"]


@pytest.mark.parametrize(
    "value", [b"", b"garbage", b"[]", b"5", b"null", b"{}", b'{"at": [], "id": {}, "said": "x"}', b"\xff\xfe"]
)
def test_a_damaged_row_in_redis_costs_that_row(brokers: Brokers, rules, value: bytes, caplog) -> None:
    redis = pytest.importorskip("redis", reason="the extra 'queue' is not installed")
    with brokers("redis") as broker:
        rules(f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase that all of them share"\n')
        book = ledger_of(current())
        assert book.note([row("a"), row("b")], now=True)
        with contextlib.closing(redis.Redis.from_url(broker.url)) as client:
            client.hset(f"misp-workflow:sent:{EVENT}", "siem\na", value)
        assert [one.item for one in book.of(EVENT)] == ["b"]
        assert book.items(EVENT, "siem", ["a", "b"]).keys() == {"b"}
        assert "A row of the ledger in Redis is damaged, and lost" in caplog.text
        assert book.note([row("a", id="7")], now=True), "and the next word about it is kept"
        assert book.items(EVENT, "siem", ["a"])["a"].id == "7"
        ledger.close()


def test_another_users_ledger_is_left_alone(state: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no user ids")
    state.mkdir(mode=0o700)
    (state / "outbox.sqlite3").touch()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert not SqliteLedger(state, 3600.0).note([row("a")], now=True)
    assert "run it as" in caplog.text
    assert not (state / "sent.sqlite3").exists()
