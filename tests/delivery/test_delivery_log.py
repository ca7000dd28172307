"""The delivery log: every line arrives, whoever moves or removes the file meanwhile."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from misp_workflow.delivery import log
from misp_workflow.delivery.log import LOOK_EVERY, DeliveryLog


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def keys(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text().splitlines()]


def test_it_is_for_its_owner_alone_and_leaves_out_what_is_empty(tmp_path: Path) -> None:
    DeliveryLog(tmp_path / "state").write("delivered", key="a", event="", effects=None)
    path = tmp_path / "state" / "delivery.log"
    assert path.stat().st_mode & 0o777 == 0o600
    line = json.loads(path.read_text())
    assert list(line) == ["time", "status", "key"]


def test_what_stands_here_is_not_written_into_the_servers_log_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "misp_workflow.delivery"):  # as misp-modules has it
        DeliveryLog(tmp_path).write("delivered", key="a")
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, "misp_workflow.delivery"):
        DeliveryLog(tmp_path).write("delivered", key="b")
    assert [record.getMessage() for record in caplog.records] == ["delivered: {'key': 'b'}"]
    assert keys(tmp_path / "delivery.log") == ["a", "b"]


def test_what_logrotate_moves_away_is_left_and_a_new_file_begun(tmp_path: Path) -> None:
    clock = Clock()
    book = DeliveryLog(tmp_path, clock)
    book.write("delivered", key="a")
    path, moved = tmp_path / "delivery.log", tmp_path / "delivery.log.old"
    path.rename(moved)
    book.write("delivered", key="b")
    assert keys(moved) == ["a", "b"], "not noticed yet; nothing is lost"
    clock.now += LOOK_EVERY
    book.write("delivered", key="c")
    assert (keys(moved), keys(path)) == (["a", "b"], ["c"])


def test_a_long_log_becomes_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", 10)
    clock = Clock()
    book = DeliveryLog(tmp_path, clock)
    for key in "abc":
        book.write("delivered", key=key)
        clock.now += LOOK_EVERY
    assert keys(tmp_path / "delivery.log") == ["c"]
    assert keys(tmp_path / "delivery.log.1") == ["b"]


def test_a_log_that_cannot_be_put_aside_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", 10)
    (tmp_path / "delivery.log.1").mkdir()
    clock = Clock()
    book = DeliveryLog(tmp_path, clock)
    for key in "abc":
        book.write("delivered", key=key)
        clock.now += LOOK_EVERY
    assert keys(tmp_path / "delivery.log") == list("abc")


def test_that_it_cannot_be_written_is_said_once_and_mended_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    book = DeliveryLog(folder)
    with caplog.at_level(logging.ERROR, "misp_workflow.delivery"):
        book.write("delivered", key="a")
        book.write("delivered", key="b")
    assert len(caplog.records) == 1
    folder.unlink()
    book.write("delivered", key="c")
    assert keys(folder / "delivery.log") == ["c"]


def test_two_processes_share_it_and_a_closed_one_opens_it_again(tmp_path: Path) -> None:
    one, two = DeliveryLog(tmp_path), DeliveryLog(tmp_path)
    for key in "abcd":
        (one if key in "ac" else two).write("delivered", key=key)
        one.close()
    assert keys(tmp_path / "delivery.log") == list("abcd")
