"""One damaged row, or one effect that cannot be read, costs nobody but itself."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.errors import DeliveryError

DAMAGES = ["due = 'x'", "created = x'00'", "expires = 'y'", "tries = 'many'", "sealed = 'text'", "lane = x'ff'"]
DAMAGES += ["state = 'wxiting'", "label = CAST(x'ff41' AS TEXT), due = 'x'", "owner = 5.5, ended = 9e300"]


@pytest.fixture
def box(state: Path) -> Iterator[SqliteOutbox]:
    made = SqliteOutbox(state, window=600.0, max_bytes=2**24)
    yield made
    made.close()


def item(number: int, lane: str = "a", *, gather: float = 0.0) -> Item:
    effect = Post(url="http://127.0.0.1:9/", label="Slack message", json={"text": f"m {number}"}, digest=("json.text",))
    parcel = Parcel(key=f"{number:032x}", effect=effect, action="slack_message", event="", created=time.time())
    return Item(parcel=parcel, lane=lane, max_age=9e6, gather=gather)


def put(box: SqliteOutbox, *items: Item) -> None:
    box.put(items, time.monotonic() + 20)


def damage(state: Path, change: str, number: int) -> None:
    with sqlite3.connect(state / "outbox.sqlite3", isolation_level=None) as file:
        assert file.execute(f"UPDATE effects SET {change} WHERE key = ?", (f"{number:032x}",)).rowcount == 1
    file.close()


def settled(box: SqliteOutbox) -> dict[str, tuple[str, str]]:
    box._disk.run(lambda db: None, time.monotonic() + 20)
    return {entry.key[-1]: (entry.state, entry.reason) for entry in box.entries()}


@pytest.mark.parametrize("change", DAMAGES)
def test_a_damaged_row_dies_and_the_others_go_out(box: SqliteOutbox, state: Path, change: str) -> None:
    """Whoever opens the file sees to it."""
    put(box, item(1), item(2, "b"))
    box.close()
    damage(state, change, 1)
    after = SqliteOutbox(state, window=600.0, max_bytes=2**24)
    try:
        claim = after.claim(())
        assert claim is not None
        assert claim.parcel.effect.json == {"text": "m 2"}
        after.done(claim)
        assert after.claim(()) is None
        after.tidy()
        assert [how for how, _ in settled(after).values()] == ["dead"]
        assert "damaged" in settled(after)["1"][1]
        assert len(after.drop(["0" * 31 + "1"])) == 1
    finally:
        after.close()


@pytest.mark.parametrize("change", [change for change in DAMAGES if "lane" not in change and "state" not in change])
def test_a_row_that_is_damaged_while_workers_run_dies_alone(box: SqliteOutbox, state: Path, change: str) -> None:
    put(box, item(1), item(2, "b"))
    damage(state, change, 1)
    claims = [claim for _ in range(4) if (claim := box.claim(())) is not None]
    assert [claim.parcel.effect.json for claim in claims] == [{"text": "m 2"}]
    died = box.tidy()
    assert [entry.key[-1] for entry in died] == ["1"], "whoever keeps the log hears of it"
    assert "damaged" in died[0].reason


@pytest.mark.parametrize("change", ["sealed = x'0102'", "sealed = zeroblob(500)", "created = 'x'"])
def test_an_unreadable_member_does_not_bury_its_digest(box: SqliteOutbox, state: Path, change: str) -> None:
    put(box, *(item(number, gather=0.01) for number in range(5)))
    damage(state, change, 2)
    time.sleep(0.02)
    claim = box.claim(())
    assert claim is not None
    assert claim.parcel.effect.json["text"].splitlines()[1:] == ["m 0", "m 1", "m 3", "m 4"]
    found = settled(box)
    assert found.pop("2")[0] == "dead"
    assert {how for how, _ in found.values()} == {"sending"}
    box.done(claim)
    assert list(settled(box)) == ["2"]


def test_a_change_of_key_kills_what_was_sealed_with_the_old_one_and_nothing_else(state: Path) -> None:
    old, new = (SqliteOutbox(state, window=600.0, max_bytes=2**24, key=f"a long pass phrase, {n}") for n in "12")
    try:
        put(old, item(1, gather=0.01), item(2, gather=0.01))
        put(new, item(3, gather=0.01), item(4, gather=0.01))
        time.sleep(0.02)
        claim = new.claim(())
        assert claim is not None
        assert claim.parcel.effect.json["text"].splitlines()[1:] == ["m 3", "m 4"]
        found = settled(new)
        assert [found[number][0] for number in "12"] == ["dead", "dead"]
        assert "sealed with another key" in found["1"][1]
    finally:
        old.close()
        new.close()


def test_what_waits_is_not_buried_because_the_key_cannot_be_read(box: SqliteOutbox, state: Path) -> None:
    put(box, item(1))
    box.close()
    (state / "outbox.key").write_bytes(b"\xff\xfe no key")
    after = SqliteOutbox(state, window=600.0, max_bytes=2**24)
    try:
        with pytest.raises(DeliveryError, match="holds no key"):
            after.claim(())
        with pytest.raises(DeliveryError, match="holds no key"):
            put(after, item(2))
        assert settled(after)["1"][0] == "waiting"
    finally:
        after.close()


def test_an_effect_nested_too_deeply_is_refused_and_harms_nobody(box: SqliteOutbox) -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    one = item(1)
    parcel = Parcel(key="deep", effect=Post(url="http://127.0.0.1:9/", json={"a": deep}), action="a", created=0.0)
    with pytest.raises(DeliveryError, match="nested too deeply"):
        box.put([Item(parcel=parcel, lane="a", max_age=9.0)], time.monotonic() + 20)
    put(box, one)
    assert box.claim(()) is not None


# --- the commands -----------------------------------------------------------------------------------------------------


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("change", DAMAGES)
def test_every_command_lives_with_a_damaged_row(box: SqliteOutbox, state: Path, change: str) -> None:
    put(box, item(1), item(2, "b"))
    box.close()
    damage(state, change, 1)
    assert run("outbox")[0] == 0
    assert len(json.loads(run("outbox", "--json")[1])) == 2
    assert run("metrics")[0] == 0
    run("doctor")
    run("outbox", "show", "0" * 31 + "1")
    assert run("outbox", "retry", "--all")[0] == 0
    code, said = run("outbox", "drop", "--all", "--yes")
    assert (code, said.strip()) == (0, "2 removed.")


@pytest.mark.parametrize("how", ["no database", "a hole", "cut"])
def test_a_damaged_file_is_not_called_empty(box: SqliteOutbox, state: Path, how: str) -> None:
    put(box, *(item(number) for number in range(100)))
    box.close()
    path = state / "outbox.sqlite3"
    raw = path.read_bytes()
    if how == "no database":
        path.write_bytes(b"garbage " * 4000)
    elif how == "a hole":
        path.write_bytes(raw[: 4096 * 2] + b"\xff" * 4096 * 8 + raw[4096 * 10 :])
    else:
        path.write_bytes(raw[: 4096 * 3])
    code, said = run("outbox")
    assert code != 0
    assert "is damaged" in said and "Nothing waits" not in said
    told = " ".join(run("doctor")[1].split())
    assert "is damaged" in told or "corrupt outbox was put aside" in told


def test_a_long_list_is_shown_a_page_at_a_time(box: SqliteOutbox) -> None:
    put(box, *(item(number) for number in range(130)))
    assert "… and 30 more" in run("outbox")[1]
    assert "more:" not in run("outbox", "--limit", "0")[1]
    assert "… and 120 more" in run("outbox", "list", "--limit", "10")[1]
    assert len(json.loads(run("outbox", "--json")[1])) == 130
    assert run("outbox", "drop", "--destination", "a", "--yes")[1].strip() == "130 removed."
