"""A program of the operator's own as a gate: its exit status decides, and what it cannot judge does not pass."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest
from scripts_kit import Shop, ask, event

from misp_workflow import settings
from misp_workflow.delivery import verdicts
from misp_workflow.delivery.outbox import open_outbox


def test_exit_status_0_passes_and_the_program_saw_all(shop: Shop):
    shop.add("judge", "cat > input")
    data = event(Attribute=[{"uuid": "33333333-2222-4333-8444-555555555555", "type": "text", "value": "seen"}])
    assert ask("script_gate", "judge", data)["data"]["status"] == "passed"
    assert json.loads(shop.written("input"))["data"]["Event"]["Attribute"][0]["value"] == "seen"


@pytest.mark.parametrize("status", [1, 2, 75, 126, 255])
def test_any_other_blocks_with_its_first_line(shop: Shop, status: int):
    shop.add("judge", f"echo 'fewer than three sources'; echo more; exit {status}")
    said = ask("script_gate", "judge")
    assert said["error"].startswith("Not passed: ") and "fewer than three sources" in said["error"]
    assert "more" not in said["error"]


CANNOT = {
    "hangs": ("sleep 1000", "took longer"),
    "floods": ("exec yes", "wrote more"),
    "is killed": ("kill -9 $$", "signal 9"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_is_not_judged_does_not_pass_and_nothing_is_kept(shop: Shop, name: str):
    shop.add("judge", CANNOT[name][0], timeout="1 s")
    assert CANNOT[name][1] in ask("script_gate", "judge")["error"]
    box = open_outbox(settings.current())
    assert box.entries() == []
    box.close()


def test_it_blocks_when_misp_waits_less_than_the_program_takes(shop: Shop):
    shop.add("judge", "sleep 1000", timeout="60 s")
    shop.put_in_force(within="2 s")
    assert "error" in ask("script_gate", "judge")


def test_it_blocks_when_there_is_no_such_program(shop: Shop):
    assert "No script is called" in ask("script_gate", "judge")["error"]
    shop.add("judge", "true").chmod(0o777)
    assert "may be changed by others" in ask("script_gate", "judge")["error"]


def test_what_it_may_not_see_in_whole_does_not_pass(shop: Shop):
    shop.add("judge", "echo called > trace")
    shop.put_in_force("[destinations.open]", 'tlp = "green"')
    row = {"uuid": "22222222-2222-4333-8444-555555555555", "type": "text", "value": "x", "Tag": [{"name": "tlp:red"}]}
    assert "may not see all of it" in ask("script_gate", "judge", event(Attribute=[row]), destination="open")["error"]
    assert not (shop.out / "trace").exists()


def test_many_at_once_are_all_judged(shop: Shop):
    shop.add("judge", "exit 0", timeout="20 s")
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: ask("script_gate", "judge"), range(6)))
    assert [one for one in said if "data" not in one] == []


def test_a_no_is_counted_as_one_and_a_failure_as_none(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    counted: Queue[str] = Queue()
    monkeypatch.setattr(verdicts, "count", lambda folder, name, verdict: counted.put(verdict))
    shop.add("no", "exit 1")
    shop.add("hangs", "sleep 1000", timeout="1 s")
    for script, verdict in (("no", "refused"), ("hangs", "undecided")):
        ask("script_gate", script)
        assert counted.get(timeout=60) == verdict
