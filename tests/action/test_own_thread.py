"""Which calls MISP's own thread does by itself: what waits for nothing. All others are watched by it."""

from __future__ import annotations

import copy
import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow import deadline, installed, settings
from misp_workflow.action import expose, fields, nodes
from misp_workflow.action.nodes import BEING_WRITTEN
from misp_workflow.delivery import guard
from misp_workflow.delivery.guard.clear import MANY
from misp_workflow.delivery.guard.spelling import MUCH
from misp_workflow.delivery.outbox.on_disk import writer
from misp_workflow.settings import file as settings_file
from misp_workflow.testing import Receiver, answer

ACTIONS = Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod"
EVENT = {
    "Event": {"id": "1", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": [{"value": "a", "type": "text"}]}
}


def action(name: str, folder: Path = ACTIONS) -> Any:
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Asked:
    """A node that is asked again and again, each time about another event; `own` says which thread judged."""

    def __init__(self, ask: Callable[[dict[str, Any]], Any], params: dict[str, str]) -> None:
        self._ask, self.params, self._number = ask, params, 0
        self.own: list[bool] = []
        self.once: Callable[[], None] = lambda: None

    def __call__(self, rows: int = 1, nested: int = 0, beside_red: str = "", **more: Any) -> Any:
        self._number += 1
        data = copy.deepcopy(EVENT)
        data["Event"] |= {"info": f"event {self._number}", "Attribute": EVENT["Event"]["Attribute"] * rows}
        data["Event"]["Feed"] = [{"x": "y"}] * nested
        if beside_red:
            red = {"value": "withheld", "type": "text", "Tag": [{"name": "tlp:red"}]}
            data["Event"]["Attribute"] = [red, {"value": beside_red, "type": "text"}]
        return self._ask({"params": dict(self.params), "data": data, **more})


@pytest.fixture
def asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    monkeypatch.setattr(settings_file, "LOOK_EVERY", 600.0)
    found = Asked(
        action("slack_message").dict_handler, {"webhook_url": receiver.url, "message": "x", "delivery": "queue"}
    )
    main, judge = threading.current_thread(), guard.admit

    def admit(*given: Any) -> Any:
        found.own.append(threading.current_thread() is main)
        found.once()
        return judge(*given)

    monkeypatch.setattr(guard, "admit", admit)
    assert found()["data"]["status"] == "queued"  # which opens the outbox
    found.own.clear()
    yield found


@pytest.fixture
def within(rules) -> Callable[[float], None]:
    def write(seconds: float) -> None:
        rules(f"answer_within = {seconds}\n")
        assert settings.current().answer_within == seconds

    return write


def test_what_was_seen_to_wait_for_nothing_is_done_by_the_thread_that_asks(asked: Asked) -> None:
    assert [asked()["data"]["status"] for _ in range(3)] == ["queued"] * 3
    assert asked.own == [False, True, True]


def test_what_is_delivered_at_once_is_watched(asked: Asked, receiver: Receiver) -> None:
    receiver.always(answer(b"ok"))
    asked.params["delivery"] = "wait"
    assert [asked()["data"]["status"] for _ in range(3)] == ["delivered"] * 3
    assert asked.own == [False] * 3


def test_a_call_that_comes_to_something_that_waits_is_begun_again_where_it_is_watched(asked: Asked) -> None:
    said = [asked(), asked()]
    asked.once = deadline.may_wait
    said.append(asked())
    said.append(asked())
    asked.once = lambda: None
    said += [asked(), asked()]
    assert [one["data"]["status"] for one in said] == ["queued"] * 6
    assert asked.own == [False, True, True, False, False, False, True]
    assert [one["data"]["detail"] for one in said] == [said[0]["data"]["detail"]] * 6, "each was kept, once"


ROUTED = """
[destinations.one.parameters]
webhook_url = "{url}"
[destinations.two.parameters]
webhook_url = "file:{folder}/token"
[destinations.three.parameters]
webhook_url = "{url}/three"
[[routes]]
name = "r"
to = ["one", "three"]
"""


@pytest.mark.parametrize("more", [{"again": "changed"}, {"destination": "two"}, {"destination": "route:r"}], ids=str)
def test_a_call_that_asks_a_disk_is_watched(
    more: dict[str, str], asked: Asked, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("token", receiver.url), ("settings.toml", ROUTED.format(url=receiver.url, folder=tmp_path))):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(tmp_path / "settings.toml"))
    asked.params = {"message": "x", "delivery": "queue", **more}
    asked.params |= {"webhook_url": receiver.url} if "again" in more else {}
    said = [asked() for _ in range(3)]
    assert [one.get("data", one).get("status", one) for one in said] == ["queued"] * 3
    assert asked.own and not any(asked.own)


def test_what_may_take_long_is_watched(asked: Asked, within: Callable[[float], None]) -> None:
    asked()
    asked()
    asked(rows=300)
    assert asked.own == [False, True, False]
    asked(timeout=1)
    assert asked.own[3:] == [False], "there is too little time for a disk that is in the middle of writing"
    asked(nested=MANY + 1)
    assert asked.own[4:] == [True, False], "begun again as soon as it shows"
    asked()
    asked(beside_red="a" * (MUCH + 1))
    assert asked.own[6:] == [False, True, False], "a long text takes long to be held against what is withheld"


def test_a_call_that_ends_late_is_watched_the_next_time(asked: Asked, within: Callable[[float], None]) -> None:
    within(2)
    said = [asked(), asked()]
    asked.once = lambda: time.sleep(1.5)
    late = asked()
    asked.once = lambda: None
    said += [asked(), asked()]
    assert asked.own == [False, True, True, False, True]
    assert [one["data"]["status"] for one in said] == ["queued"] * 4
    assert "error" in late or late["data"]["status"] == "queued"


def test_when_the_settings_are_to_be_looked_at_the_call_is_watched(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked()
    monkeypatch.setattr(settings_file, "LOOK_EVERY", 0.0)
    asked()
    assert asked.own == [False, False]


def test_somebody_elses_action_and_a_gate_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "LOOK_EVERY", 600.0)
    main, own = threading.current_thread(), []

    def decide(call: Any) -> Any:
        own.append(threading.current_thread() is main)
        return []

    for blocking in (False, True):
        _, ask, _, _ = expose({"name": "x"}, {"params": dict(fields.DELIVERY), "blocking": blocking}, decide)
        for _ in range(3):
            ask({"params": {"delivery": "queue"}, "data": EVENT})
    assert own == [False] * 6


THEIRS = """
import threading
from misp_workflow.action import expose, fields

seen = []

def decide(call):
    seen.append(threading.current_thread() is threading.main_thread())
    return []

config = {"params": dict(fields.DELIVERY), "blocking": False}
handler, dict_handler, introspection, version = expose({"name": "x"}, config, decide)
"""


def test_somebody_elses_action_is_watched_that_stands_among_those_of_this_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, record = (
        tmp_path / "misp_modules" / "modules" / "action_mod",
        tmp_path / "misp_workflow_actions-1.dist-info",
    )
    folder.mkdir(parents=True)
    record.mkdir()
    for name in ("ours", "theirs"):
        (folder / f"{name}.py").write_text(THEIRS)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: misp-workflow-actions\nVersion: 1\n")
    (record / "RECORD").write_text("misp_modules/modules/action_mod/ours.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(installed, "FOLDER", folder)
    monkeypatch.setattr(settings_file, "LOOK_EVERY", 600.0)
    nodes._own.cache_clear()
    try:
        for name, seen in (("ours", [False, True, True]), ("theirs", [False] * 3)):
            module = action(name, folder)
            for _ in range(3):
                module.dict_handler({"params": {"delivery": "queue"}, "data": EVENT})
            assert module.seen == seen, name
    finally:
        nodes._own.cache_clear()


def test_a_disk_that_hangs_while_the_outbox_is_written_holds_no_call_up(
    asked: Asked, within: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    within(3)
    asked()
    hangs, commit = threading.Event(), writer.Writer._commit

    def hanging(self: writer.Writer, batch: list[Any]) -> None:
        hangs.wait(60)
        commit(self, batch)

    monkeypatch.setattr(writer.Writer, "_commit", hanging)
    began = time.monotonic()
    said = asked()
    took = time.monotonic() - began
    hangs.set()
    assert asked.own == [False, True]
    assert "did not take it in time: the disk is slow" in said["error"]
    assert took < 30


def test_a_disk_that_hangs_under_the_settings_holds_no_call_up(
    asked: Asked, within: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    within(1)
    asked()
    hangs, looked = threading.Event(), settings_file._looked

    def hanging(*given: Any) -> Any:
        hangs.wait(60)
        return looked(*given)

    monkeypatch.setattr(settings_file, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(settings_file, "_looked", hanging)
    began = time.monotonic()
    said = asked()
    took = time.monotonic() - began
    hangs.set()
    assert said["error"].startswith("This server did not come to an end within 1 s (answer_within)")
    assert took < 30


def test_nobody_is_told_later_than_the_outbox_may_need() -> None:
    assert writer.MOMENT <= BEING_WRITTEN
