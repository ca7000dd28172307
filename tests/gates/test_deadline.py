"""A gate answers in time, whatever is still being computed; and what it judged too late has no consequences."""

from __future__ import annotations

import copy
import gc
import queue
import sys
import threading
import time

import pytest

from misp_workflow import settings
from misp_workflow.action import Block, Pass, Post, expose, fields
from misp_workflow.deadline import Watch, look, paced, until
from misp_workflow.delivery import deliver, warninglists
from misp_workflow.delivery.guard import admit
from misp_workflow.delivery.guard.addresses import LONGEST_HOST
from misp_workflow.errors import LateError
from misp_workflow.settings import Destination
from misp_workflow.template import render

EVENT = {"Event": {"id": "1", "info": "x", "Tag": [{"name": "tlp:green"}], "Attribute": []}}


@pytest.fixture
def within(rules):
    """Set the seconds in which MISP is answered."""

    def write(seconds: float) -> None:
        rules(f"answer_within = {seconds}\n")
        assert settings.current().answer_within == seconds

    return write


def exposed(decide, blocking: bool = True):
    config = {"params": {} if blocking else dict(fields.DELIVERY), "blocking": blocking}
    _, dict_handler, _, _ = expose({"name": "Gate"}, config, decide)
    return lambda **more: dict_handler({"params": {}, "data": EVENT, **more})


def test_a_gate_that_never_comes_to_an_end_refuses_with_the_reason(within):
    within(1)
    answered = threading.Event()

    def decide(call):
        answered.wait(60)  # whatever does not look at the clock
        return Pass(notes=("late",))

    said = exposed(decide)()["error"]
    answered.set()
    assert said.startswith("Not passed: this could not be judged within 1 s (answer_within)")


def test_what_sends_answers_in_time_too_when_something_does_not_look_at_the_clock(within):
    """A disk that hangs, say: MISP would wait until its own limit, and hold up whatever comes behind."""
    within(1)
    answered = threading.Event()

    def decide(call):
        answered.wait(60)
        return []

    began = time.monotonic()
    said = exposed(decide, blocking=False)()["error"]
    took = time.monotonic() - began
    answered.set()
    assert took < 30
    assert said.startswith(
        "This server did not come to an end within 1 s (answer_within), so whether anything was sent"
    )


def test_a_server_without_threads_answers_all_the_same(within, monkeypatch):
    within(5)

    def none(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    assert exposed(lambda call: Pass())() == {"data": {"status": "passed", "detail": "Every rule is kept."}}


def test_a_gate_that_computes_without_end_stops_when_its_time_is_over(within):
    within(1)
    stopped = threading.Event()

    def decide(call):
        try:
            for _ in paced(iter(int, 1)):
                pass
        except LateError:
            stopped.set()
            raise

    assert "could not be judged within 1 s" in exposed(decide)()["error"]
    assert stopped.wait(60)


def test_a_yes_that_comes_too_late_is_taken_back(within, receiver, monkeypatch):
    within(1)
    answered, carry_out = threading.Event(), deliver.deliver

    def late(parcels, **how):
        answered.wait(60)
        return carry_out(parcels, **{**how, "deadline": time.monotonic() + 60})

    def decide(call):
        approve, take_back = (Post(url=f"{receiver.url}/{name}", json={}) for name in ("approve", "take-back"))
        return Pass(effects=(approve,), undo=(take_back,))

    monkeypatch.setattr(deliver, "deliver", late)
    assert "could not be judged within 1 s" in exposed(decide)()["error"]
    assert not receiver.requests
    answered.set()
    assert [request.path for request in receiver.wait_for(2, timeout=300)] == ["/approve", "/take-back"]


def test_less_time_than_the_settings_give_is_used_when_misp_waits_less(within):
    within(20)
    left = []

    def decide(call):
        left.append(call.deadline - time.monotonic())
        return Pass(notes=("in time",))

    ask = exposed(decide)
    assert "data" in ask(timeout=5) and "data" in ask(timeout=100) and "data" in ask(timeout="soon")
    assert left[0] < 5 < left[1] <= 20 and 5 < left[2] <= 20


def test_everything_that_takes_long_looks_at_the_clock():
    data, large = (
        {"Event": {"Attribute": [{"value": f"secret phrase {n}", "comment": "x"} for n in range(number)]}}
        for number in (10, 1000)
    )
    for each in (data, large):
        each["Event"]["Attribute"][0]["Tag"] = [{"name": "tlp:red"}]
    with until(time.monotonic() - 1):
        for work in (
            look,
            lambda: list(paced([1])),
            lambda: render("{% for i in range(100000) %}{% endfor %}", {}),
            lambda: admit(data, None, Destination()),
            lambda: admit(large, None, Destination()),
        ):
            with pytest.raises(LateError):
                work()
    assert admit(data, None, Destination()).withheld


def test_an_action_that_is_no_gate_says_that_its_time_was_over_and_nothing_was_sent(within):
    within(1)

    def decide(call):
        for _ in paced(iter(int, 1)):
            pass

    assert exposed(decide, blocking=False)()["error"] == (
        "The data could not be made ready within 1 s (answer_within): it is large, or this server is busy. "
        "Nothing was sent."
    )


@pytest.mark.parametrize("blocking", [True, False])
def test_an_event_is_not_held_longer_than_its_call(blocking):
    data = copy.deepcopy(EVENT)
    ask = exposed(lambda call: Block(("no",)) if call.view.attributes else Block(("empty",)), blocking)
    gc.disable()  # nothing is left to a later search for cycles
    try:
        held = sys.getrefcount(data["Event"])
        assert "error" in ask(data=data)
        for thread in threading.enumerate():
            if thread.name == "judging":
                thread.join(60)
        left = sys.getrefcount(data["Event"])
        assert left == held
    finally:
        gc.enable()


def test_a_request_is_as_large_as_it_likes_unless_the_settings_bound_it(rules):
    ask = exposed(lambda call: Pass(notes=("read",)))
    large = {"Event": {"info": "x" * 40 * 2**20}}
    assert "data" in ask(data=large)
    rules('largest_request = "1 MiB"\n')
    assert "more than the settings allow (largest_request)" in ask(data=large)["error"]
    assert "data" in ask(data=EVENT)


def test_who_speaks_first_has_spoken():
    watch = Watch()
    noted: queue.Queue[dict] = queue.Queue()
    assert watch.answer_of(lambda: {"data": "done"}, 60, {"error": "late"}, noted.put) == {"data": "done"}
    assert noted.get(timeout=60) == {"data": "done"} and noted.empty()
    assert not watch.say({"error": "too late"})


@pytest.mark.parametrize("host", ["a." * 32_000 + "example.org", "a" * 64_000, "." * 64_000, "x.example.org"])
def test_a_host_has_no_more_names_than_a_host_can_have(host):
    names = list(warninglists._domains(host))
    assert len(names) <= 127 and all(len(name) <= LONGEST_HOST for name in names)
    assert ("example.org" in names) == host.endswith("example.org")
