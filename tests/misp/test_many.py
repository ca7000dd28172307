"""Many attributes at once: few calls, MISP's bulk traps, and a change that is interrupted."""

from __future__ import annotations

import re
import time

import pytest
from misp_support import items, make, wait_until

from misp_workflow import settings
from misp_workflow.delivery import deliver
from misp_workflow.delivery.changes import tags
from misp_workflow.effects import MispChange, Parcel
from misp_workflow.testing import HANG
from misp_workflow.testing.misp import MispStandIn


@pytest.fixture(autouse=True)
def _nothing_known_about_any_misp():
    tags._without_local.clear()


def many(misp, number: int = 500, **more):
    rows = [{"type": "domain", "value": f"host{index}.example", "to_ids": True, **more} for index in range(number)]
    return misp.add_event({"info": "many", "Attribute": rows})


@pytest.mark.parametrize(("local", "calls"), [(False, 7), (True, 9)])
def test_five_hundred_attributes_are_tagged_in_few_calls(standin: MispStandIn, use, local, calls):
    use(standin)
    event = many(standin)
    standin.clear()
    said = make("tag", event, *event["Attribute"], values={"add": ["type:OSINT"], "local": local})
    assert said.detail == "MISP changed 500 of 500 attributes"
    assert {tuple(standin.tags(row["uuid"]).items()) for row in event["Attribute"]} == {
        (("type:OSINT", "local" if local else "global"),)
    }
    assert len(standin.requests) == calls
    standin.clear()
    assert (
        "500 of 500 attributes were so already"
        in make("tag", event, *event["Attribute"], values={"add": ["type:OSINT"], "local": local}).detail
    )
    assert standin.calls() == ["POST /attributes/restSearch"]


def test_a_misp_whose_bulk_call_knows_no_local_tags_leaves_no_global_one(recorded, use):
    with MispStandIn(recorded=recorded, bulk_local=False) as misp:
        use(misp)
        event = many(misp, 20)
        for _ in range(2):
            assert make("tag", event, *event["Attribute"], values={"add": ["type:OSINT"]}).outcome == "delivered"
            assert {tuple(misp.tags(row["uuid"]).values()) for row in event["Attribute"]} == {("local",)}
        assert len(misp.calls("/attributes/addTag")) == 1, "it is tried once"


def of_two_organisations(standin: MispStandIn, ours: int, theirs: int) -> list[dict]:
    """Attributes of the host's organisation, of which another one may not change the global tags, and of that one."""
    standin.tag("type:OSINT")
    rows = many(standin, ours)["Attribute"]
    with standin.asking_as("2"):
        return rows + many(standin, theirs, comment="theirs")["Attribute"]


def test_a_few_that_are_refused_are_named_and_the_rest_is_tagged(standin: MispStandIn, use):
    rows = of_two_organisations(standin, 2, 28)
    use(standin, key=standin.outside_key)
    said = make("tag", {"uuid": rows[0]["uuid"]}, *rows, values={"add": ["type:OSINT"], "local": False})
    assert said.detail.startswith("MISP changed 28 of 30 attributes; not changed: host0.example, host1.example (MISP")
    assert "only the organisation that has created the data" in said.detail


def test_when_all_are_refused_it_does_not_ask_five_hundred_times(standin: MispStandIn, use):
    rows = of_two_organisations(standin, 200, 0)
    use(standin, key=standin.outside_key)
    standin.clear()
    said = make("tag", {"uuid": rows[0]["uuid"]}, *rows, values={"add": ["type:OSINT"], "local": False})
    assert said.outcome == "refused"
    assert "and 189 more (not tried after the same answer 5 times" in said.detail
    assert len(standin.requests) < 12


def slowly(standin: MispStandIn, path: str, seconds: float) -> None:
    """Let the stand-in take its time for this path."""
    respond = standin._otherwise

    def late(request):
        if request.path.startswith(path):
            time.sleep(seconds)
        return respond(request)

    standin.always(late)


def test_a_change_that_runs_out_of_time_says_how_far_it_came_and_goes_on_from_there(standin: MispStandIn, use):
    use(standin)
    event = many(standin, 40)
    values = {"set": {"to_ids": False}}
    respond = standin._otherwise
    slowly(standin, "/attributes/edit", 0.1)
    said = make("edit", event, *event["Attribute"], values=values, seconds=2)
    done = [row["uuid"] for row in event["Attribute"] if not standin.attribute(row["uuid"])["to_ids"]]
    assert 0 < len(done) < 40
    told = re.match(r"MISP changed (\d+) of 40 attributes so far", said.detail)
    assert told, said
    cut_off = len(done) - int(told[1])
    assert cut_off in (0, 1), "what was not tried is not counted"
    assert (said.outcome, said.more, said.down) == ("again", True, False), "our time is over; MISP is well"
    standin.always(respond)
    standin.clear()
    said = make("edit", event, *event["Attribute"], values=values)
    assert said.detail.startswith(f"MISP changed {40 - cut_off} of 40 attributes"), "with those of the slice before"
    assert len(standin.calls("/attributes/edit")) == 40 - len(done), "nothing is written twice"


def test_a_misp_that_says_nothing_more_is_ill_and_one_that_answered_until_then_is_not(standin: MispStandIn, use):
    use(standin)
    event = many(standin, 3)
    values = {"set": {"to_ids": False}}
    slowly(standin, "/attributes/edit", 1.5)
    said = make("edit", event, *event["Attribute"], values=values, seconds=4.0)
    assert (said.outcome, said.down) == ("again", False)
    slowly(standin, "/attributes/edit", 6.0)
    said = make("edit", event, *event["Attribute"], values={"set": {"comment": "x"}}, seconds=3.0)
    assert (said.outcome, said.down, said.more) == ("again", True, False)


def parcel(key: str, event: dict, *rows: dict, **more) -> Parcel:
    change = MispChange(event=event["uuid"], items=items(*rows), label="a change", **more)
    return Parcel(effect=change, key=key * 32, action="x", event=event["uuid"], created=time.time())


def test_a_long_change_goes_on_in_the_background_and_closes_no_gate(standin: MispStandIn, use):
    """Each slice is bounded, the parts add up, and an approval is made meanwhile at once."""
    use(standin, "answer_within = 4")
    event = many(standin, 120)
    slowly(standin, "/attributes/edit", 0.05)
    long = parcel("k", event, *event["Attribute"], change="edit", origin="node", values={"set": {"to_ids": False}})
    try:
        (receipt,) = deliver.deliver([long])
        assert receipt.status == "queued"
        assert re.fullmatch(
            r"MISP changed \d+ of 120 attributes so far; there was no time left for the rest, which follows\.",
            receipt.detail,
        )
        approval = parcel("g", event, change="tag", keep=False, values={"add": ["gate:ok"], "local": True})
        assert deliver.deliver([approval])[0].status == "delivered"
        wait_until(lambda: not deliver.house(settings.current()).outbox.entries())
    finally:
        deliver.stop()
    assert len(standin.calls("/attributes/edit")) == 120, "each once"
    assert "MISP changed 120 of 120 attributes" in (settings.current().state_folder / "delivery.log").read_text()


def test_a_misp_that_others_leave_alone_is_asked_for_an_approval_all_the_same(standin: MispStandIn, use):
    use(standin, "answer_within = 4")
    event = many(standin, 1)
    respond = standin._otherwise
    try:
        standin.always(HANG)
        first = deliver.deliver([parcel("w", event, change="tag", values={"add": ["x"]})])[0]
        assert "MISP did not answer within" in first.detail
        standin.always(respond)
        second = deliver.deliver([parcel("v", event, change="tag", values={"add": ["y"]})])[0]
        assert second.detail.startswith("Queued: MISP did not answer a moment ago and is left alone")
        approval = parcel("g", event, change="tag", keep=False, values={"add": ["gate:ok"], "local": True})
        assert deliver.deliver([approval])[0].status == "delivered"
    finally:
        deliver.stop()
    assert "gate:ok" in standin.tags(event["uuid"])


def test_values_of_hostile_text_are_named_on_one_line(standin: MispStandIn, use):
    use(standin)
    event = many(standin, 2)
    rows = [{**row, "value": "a\r\nX-Evil: 1\x1b[31m" + "x" * 500} for row in event["Attribute"]]
    standin.attributes.clear()
    said = make("tag", event, *rows, values={"add": ["x"]})
    assert said.detail.isprintable()
    assert len(said.detail) < 400
    assert items(*rows)[0]["value"].startswith("a\r\n")
