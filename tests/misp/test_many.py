"""Many attributes at once: few calls, MISP's bulk traps, and a change that is interrupted."""

from __future__ import annotations

import time

import pytest
from misp_support import items, make

from misp_workflow.delivery.changes import tags
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


def test_a_change_that_runs_out_of_time_says_how_far_it_came_and_goes_on_from_there(standin: MispStandIn, use):
    use(standin)
    event = many(standin, 40)
    values = {"set": {"to_ids": False}}
    respond = standin._otherwise

    def slowly(request):
        time.sleep(0.03)
        return respond(request)

    standin.always(slowly)
    said = make("edit", event, *event["Attribute"], values=values, seconds=0.5)
    assert (said.outcome, "MISP changed " in said.detail) == ("again", True), said
    standin.always(respond)
    done = [row["uuid"] for row in event["Attribute"] if not standin.attribute(row["uuid"])["to_ids"]]
    assert 0 < len(done) < 40
    standin.clear()
    assert make("edit", event, *event["Attribute"], values=values).outcome == "delivered"
    left = 40 - len(done)  # or one less: the request that was cut off may still have got through
    assert len(standin.calls("/attributes/edit")) in (left, left - 1), "nothing is written twice"


def test_values_of_hostile_text_are_named_on_one_line(standin: MispStandIn, use):
    use(standin)
    event = many(standin, 2)
    rows = [{**row, "value": "a\r\nX-Evil: 1\x1b[31m" + "x" * 500} for row in event["Attribute"]]
    standin.attributes.clear()
    said = make("tag", event, *rows, values={"add": ["x"]})
    assert said.detail.isprintable()
    assert len(said.detail) < 400
    assert items(*rows)[0]["value"].startswith("a\r\n")
