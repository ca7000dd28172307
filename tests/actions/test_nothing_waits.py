"""What a call does in MISP's own thread, where nobody watches it, asks no disk and no network and never sleeps."""

from __future__ import annotations

import copy
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from actions_kit import CASES, MOST, SENDING, module_of, request_of

from misp_workflow.deadline import Watch
from misp_workflow.testing import Receiver

WAITING = frozenset(
    ("posix", "nt", "_io", "io", "_socket", "select", "sqlite3", "_sqlite3", "_posixsubprocess", "_ssl")
)
"""Modules, written in C, through which Python waits for something outside of the process."""
HARMLESS = frozenset(("getpid", "fspath", "RAND_bytes", "inet_aton", "inet_pton", "inet_ntop", "gethostname"))


class Listener:
    """Hears of each function that this thread calls by which it might wait, and of each import."""

    def __init__(self) -> None:
        self.heard: set[str] = set()

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call" and frame.f_code.co_name == "_find_and_load":
            self.heard.add(f"import {frame.f_locals.get('name')}")
        if event != "c_call" or called.__name__ in HARMLESS:
            return
        of = getattr(called, "__self__", None)
        where = called.__module__ or type(of).__module__
        if (where in WAITING and not isinstance(of, (io.StringIO, io.BytesIO))) or called.__name__ == "sleep":
            self.heard.add(f"{where}.{called.__name__}")

    def to(self, work: Callable[[], Any]) -> Any:
        sys.setprofile(self)
        try:
            return work()
        finally:
            sys.setprofile(None)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each of the calls that were begun in their own thread came to their end there."""
    ended: list[bool] = []
    begin = Watch.alone_with

    def noted(watch: Watch, work: Callable[[], Any]) -> Any:
        said = begin(watch, work)
        ended.append(said is not None)
        return said

    monkeypatch.setattr(Watch, "alone_with", noted)
    monkeypatch.setattr("misp_workflow.settings.file.LOOK_EVERY", 600.0)
    return ended


def test_who_listens_hears_of_what_waits(tmp_path: Path) -> None:
    listener = Listener()
    listener.to(lambda: (tmp_path.stat(), (tmp_path / "x").write_text("x"), time.sleep(0), json.dumps([1])))
    assert {"posix.stat", "time.sleep"} <= listener.heard and any("open" in one for one in listener.heard)


@pytest.mark.parametrize("action", SENDING)
def test_what_only_queues_or_shows_waits_for_nothing(action: str, receiver: Receiver, alone: list[bool]) -> None:
    ask, listener = module_of(action).dict_handler, Listener()
    cases = [json.loads(file.read_text()) for file in CASES if file.parent.name == action]
    plain = [case for case in cases if not {"settings", "mail", "error"} & case.keys() and type(case["params"]) is dict]
    for case in plain[:MOST]:
        for how in ({"delivery": "queue"}, {"dry_run": "true"}):
            request = request_of(case, action, receiver)
            request["params"] |= how
            first = [ask(copy.deepcopy(request)) for _ in range(2)][
                -1
            ]  # the one opens the outbox, the other is learned of
            alone.clear()
            said = listener.to(lambda: ask(copy.deepcopy(request)))  # noqa: B023
            assert ("error" in said) == ("error" in first)
            assert alone == [True] or "error" in first
    assert listener.heard == set()
