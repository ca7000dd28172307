"""Events pushed to another MISP: what arrives there, what does not, and what becomes of it later.

The other MISP is the stand-in, or a real one when MISP_WORKFLOW_TEST_OTHER_MISP_URL and …_KEY name it (a sync user's);
what is left on that one are entries of its event blocklist, and sharing groups.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hurry import LEASE, hurried
from misp_support import RealMisp, wait_until
from pushed_events import LEVELS, THEM, US, attribute, detail, event, group, report, rich, tag, thing, values

from misp_workflow.delivery import ledger
from misp_workflow.testing import MispModulesServer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

OTHER_URL = os.environ.get("MISP_WORKFLOW_TEST_OTHER_MISP_URL", "")
OTHER_KEY = os.environ.get("MISP_WORKFLOW_TEST_OTHER_MISP_KEY", "")
ACTION = Path(__file__).parents[2] / "misp_modules/modules/action_mod/misp_event_push.py"

Push = Callable[..., dict[str, Any]]


class RealOther(RealMisp):
    """A real MISP that is pushed to, which its tests leave as they found it. Its key is no site admin's."""

    def __init__(self) -> None:
        super().__init__(OTHER_URL, OTHER_KEY)
        self.us = self.ask("GET", "users/view/me")["Organisation"]

    def event(self, reference: str) -> dict[str, Any]:
        found = self.ask("GET", f"events/view/{reference}")
        if "Event" not in found:
            raise KeyError(reference)
        self.will_make(found["Event"]["uuid"])
        return found["Event"]


class StandInOther(MispStandIn):
    us = US


@pytest.fixture(scope="module")
def real_other() -> Iterator[RealOther]:
    other = RealOther()
    yield other
    other.leave_as_found()


@pytest.fixture
def other(request: pytest.FixtureRequest) -> Iterator[Any]:
    if OTHER_URL and OTHER_KEY:
        yield request.getfixturevalue("real_other")
    else:
        with StandInOther() as misp:
            yield misp


@pytest.fixture
def settings(other: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules) -> Callable[[str], None]:
    def write(more: str = "") -> None:
        place = f'server_url = "{other.url}"\napi_key = "{other.key}"\nverify_tls = "false"\n'
        rules(
            f'answer_within = "30 s"\n[destinations.there]\ntlp = "amber"\n{more}\n[destinations.there.parameters]\n{place}'
        )
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))

    write()
    return write


@pytest.fixture
def push(other: Any, settings: Callable[[str], None]) -> Push:
    """Push an event as MISP would ask for it, and return its answer."""
    module = ActionFile.load(ACTION).module

    def ask(
        event: dict[str, Any], selected: list[Any] | None = None, filters: Any = None, **params: str
    ) -> dict[str, Any]:
        params = {"destination": "there", "selected_or_all": "all", **params}
        if isinstance(other, RealOther):
            other.will_make(event["uuid"])
        request = {"module": "misp_event_push", "data": {"Event": event}, "params": params}
        if filters is not None:
            request["data"]["enabledFilters"] = filters
        if selected is not None:
            request["filteredItems"] = selected
        return module.handler(q=json.dumps(request))

    return ask


def test_what_may_go_arrives_one_hop_further_and_nothing_else(other: Any, push: Push) -> None:
    ours = rich(other.us)
    said = detail(push(ours, sightings="true"))
    there = other.event(ours["uuid"])

    assert "was added" in said and "withheld: TLP:RED" in said and "your organisation only" in said, said
    assert f"{other.url}/events/view/{there['id']}" in said
    assert (there["distribution"], there["locked"], there["published"]) == ("1", True, False)
    assert values(there) == {
        **{"d2.example": "1", "d3.example": "3", "d5.example": "5", "tagged.example": "5"},
        **{"o2.example": "5", "o3.example": "5", "o5.example": "5"},
    }
    assert sorted(one["distribution"] for one in there["Object"]) == ["1", "3", "5"]
    told = {one["name"]: one["distribution"] for one in there["EventReport"]}
    assert told == {"report 2": "1", "report 3": "3", "report 5": "5"}
    names = {one["name"] for one in there["Tag"]}
    assert names >= {"tlp:green", 'misp-galaxy:threat-actor="APT28"'} and "own:local" not in names
    tagged = next(row for row in there["Attribute"] if row["value"] == "tagged.example")
    assert [one["name"] for one in tagged["Tag"]] == ["seen:global"]
    assert [one["source"] for one in tagged["Sighting"]] == ["sensor"]
    assert there["ShadowAttribute"] == []


def test_sightings_stay_here_unless_they_are_asked_for(other: Any, push: Push) -> None:
    ours = rich(other.us)
    push(ours)
    assert not any(row.get("Sighting") for row in other.event(ours["uuid"])["Attribute"])
    assert "is there already" in detail(push(ours, sightings="true"))
    assert any(row.get("Sighting") for row in other.event(ours["uuid"])["Attribute"])


def test_an_event_for_the_own_organisation_or_community_stays_here(other: Any, push: Push) -> None:
    for level in ("0", "1"):
        ours = event(attribute("stays.example"), level=level)
        said = push(ours)
        assert "takes only what has at least the distribution" in said["error"], said
        with pytest.raises(KeyError):
            other.event(ours["uuid"])


def test_a_sharing_group_goes_along_where_the_settings_name_it(other: Any, push: Push, settings: Any) -> None:
    shared = group(other.us, THEM)
    more = {"SharingGroup": shared, "sharing_group_id": "4"}
    ours = event(attribute("a.example", "4", **more), level="4", us=other.us, **more)
    assert "distribution “sharing group”" in push(ours)["error"]

    settings(f'sharing_groups = ["{shared["uuid"]}"]')
    assert "was added" in detail(push(ours))
    there = other.event(ours["uuid"])
    assert there["distribution"] == "4" and values(there) == {"a.example": "4"}

    without_us = {"SharingGroup": {**group(THEM), "uuid": str(uuid.uuid4())}, "sharing_group_id": "5"}
    settings(f'sharing_groups = ["{without_us["SharingGroup"]["uuid"]}"]')
    ours = event(attribute("b.example", "4", **without_us), level="4", us=other.us, **without_us)
    assert "for the key's organisation only" in detail(push(ours))
    assert other.event(ours["uuid"])["distribution"] == "0"


def test_the_same_again_changes_nothing(other: Any, push: Push) -> None:
    ours = rich(other.us)
    push(ours)
    before = other.event(ours["uuid"])
    assert "is there already" in detail(push(ours))
    assert other.event(ours["uuid"]) == before


def test_corrections_additions_and_deletions_follow(other: Any, push: Push) -> None:
    first, second = attribute("first.example"), attribute("second.example")
    written, inside = report("text", "5"), thing("5", attribute("inside.example"))
    ours = event(first, second, us=other.us, EventReport=[written], Object=[inside])
    push(ours)

    when = 1_750_000_100
    first |= {"value": "corrected.example", "timestamp": str(when)}
    ours |= {"info": "corrected", "timestamp": str(when), "Attribute": [first, attribute("third.example", when=when)]}
    ours |= {"EventReport": [], "Object": []}
    assert "was updated" in detail(push(ours))
    there = other.event(ours["uuid"])
    assert there["info"] == "corrected"
    assert set(values(there)) == {"corrected.example", "third.example"}
    assert all(one["deleted"] and not one["content"] for one in there["EventReport"])
    assert "is there already" in detail(push(ours))


def test_a_deleted_attribute_is_deleted_there(other: Any, push: Push) -> None:
    row = attribute("deleted.example")
    ours = event(row, attribute("stays.example"), us=other.us)
    push(ours)
    call = event({**row, "deleted": True}, us=other.us, uuid=ours["uuid"], when=1_750_000_050)
    del call["RelatedEvent"]  # attribute-after-save: the event's row with that one attribute
    assert "was updated" in detail(push(call))
    assert set(values(other.event(ours["uuid"]))) == {"stays.example"}


def test_what_may_not_go_any_more_is_deleted_there(other: Any, push: Push) -> None:
    marked, lowered, written = attribute("marked.example"), attribute("lowered.example"), report("text", "5")
    ours = event(marked, lowered, attribute("stays.example"), us=other.us, EventReport=[written])
    push(ours)
    marked["Tag"], lowered["distribution"], written["distribution"] = [tag("tlp:red")], "0", "1"
    said = detail(push({**ours, "timestamp": "1750000200"}))
    assert "withheld" in said
    there = other.event(ours["uuid"])
    assert set(values(there)) == {"stays.example"} and all(one["deleted"] for one in there["EventReport"])


def test_one_selected_attribute_after_the_other_in_the_same_second(other: Any, push: Push) -> None:
    rows = [attribute(f"n{number}.example") for number in range(3)]
    uuid_here = str(uuid.uuid4())
    for row in rows:
        call = event(*rows, us=other.us, uuid=uuid_here)
        assert "refused" not in detail(push(call, [row], selected_or_all="selected"))
    assert set(values(other.event(uuid_here))) == {"n0.example", "n1.example", "n2.example"}


def test_nothing_selected_pushes_nothing(other: Any, push: Push) -> None:
    ours = event(attribute("a.example"), us=other.us)
    assert "nothing was selected" in detail(push(ours, selected_or_all="selected"))
    with pytest.raises(KeyError):
        other.event(ours["uuid"])


def test_what_is_newer_there_stays_and_new_parts_arrive(other: Any, push: Push) -> None:
    ours = event(attribute("a.example"), us=other.us, when=1_750_000_500)
    push(ours)
    older = {**ours, "info": "older", "timestamp": "1750000400"}
    older["Attribute"] = [*ours["Attribute"], attribute("late.example")]
    said = detail(push(older))
    assert "is newer, and stays" in said
    there = other.event(ours["uuid"])
    assert there["info"] == "pushed in a test" and set(values(there)) == {"a.example", "late.example"}


def test_an_event_that_came_from_there_is_not_pushed_back(other: Any, push: Push) -> None:
    theirs = other.add_event({"info": "theirs", "distribution": "2", "Attribute": [], "Object": []})
    ours = event(attribute("echo.example"), us=other.us, uuid=theirs["uuid"], locked=True, when=int(time.time()) + 60)
    assert "is that MISP's own and came from there" in detail(push(ours))
    assert values(other.event(theirs["uuid"])) == {}


@pytest.mark.parametrize(("on_withdraw", "published", "gone"), [("nothing", True, False), ("unpublish", False, False),
                                                                ("delete", False, True)])  # fmt: skip
def test_what_is_withdrawn_here(other: Any, push: Push, on_withdraw: str, published: bool, gone: bool) -> None:
    ours = event(attribute("a.example"), us=other.us)
    push(ours)
    if isinstance(other, MispStandIn):
        other.ask("POST", f"events/publish/{ours['uuid']}")
    bare = {name: value for name, value in ours.items() if name not in ("Attribute", "RelatedEvent")}
    said = detail(push({**bare, "published": False}, on_withdraw=on_withdraw))
    if gone:
        assert "was deleted" in said
        with pytest.raises(KeyError):
            other.event(ours["uuid"])
        assert "blocklist" in push(ours, on_withdraw=on_withdraw)["error"]
        return
    assert ("stays" if published else "is not published any more") in said
    if isinstance(other, MispStandIn):
        assert other.event(ours["uuid"])["published"] is published


def test_an_event_that_becomes_red_is_taken_back(other: Any, push: Push) -> None:
    ours = event(attribute("a.example"), us=other.us)
    push(ours)
    said = push({**ours, "Tag": [tag("tlp:red")]}, on_withdraw="delete")
    assert "TLP:RED" in said["error"] and "was deleted" in said["error"]
    with pytest.raises(KeyError):
        other.event(ours["uuid"])


def test_what_was_not_pushed_from_here_is_not_taken_back(other: Any, push: Push) -> None:
    theirs = other.add_event({"info": "theirs", "distribution": "2", "Attribute": [], "Object": []})
    bare = event(us=other.us, uuid=theirs["uuid"])
    assert "was not pushed from here" in detail(push(bare, withdraw_whole_event="true", on_withdraw="delete"))
    assert other.event(theirs["uuid"])


def test_what_another_destination_of_that_misp_pushed_is_said_to_be_its_own(
    other: Any, push: Push, settings: Any
) -> None:
    place = f'server_url = "{other.url}/"\napi_key = "{other.key}"\nverify_tls = "false"\n'
    settings(f'[destinations.second]\ntlp = "amber"\n[destinations.second.parameters]\n{place}')
    ours = event(attribute("a.example"), us=other.us)
    push(ours, destination="second")
    said = detail(push(ours, withdraw_whole_event="true", on_withdraw="delete"))
    assert "was pushed by the destination “second” and not by this one" in said
    assert other.event(ours["uuid"])
    assert "was deleted" in detail(push(ours, withdraw_whole_event="true", on_withdraw="delete", destination="second"))


def test_a_lost_ledger_makes_no_second_event(other: Any, push: Push, tmp_path: Path) -> None:
    ours = rich(other.us)
    push(ours)
    before = other.event(ours["uuid"])
    ledger.close()
    for file in (tmp_path / "state").glob("sent.sqlite3*"):
        file.unlink()
    detail(push(ours))
    assert values(other.event(ours["uuid"])) == values(before)


def test_two_at_once_make_one_event(other: Any, push: Push) -> None:
    ours = event(*(attribute(f"n{number}.example") for number in range(5)), us=other.us)
    said: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: said.append(push(ours))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(said) == 2 and all("data" in one for one in said), said
    assert len(values(other.event(ours["uuid"]))) == 5


def test_a_protected_event_and_a_proposal_are_not_pushed(other: Any, push: Push) -> None:
    assert "protected" in detail(push(event(attribute("a.example"), us=other.us, protected=True)))


def test_what_a_filter_node_hides_is_not_deleted_there(other: Any, push: Push) -> None:
    rows = [attribute("a.example"), attribute("b.example")]
    ours = event(*rows, us=other.us)
    push(ours)
    hidden = {**ours, "Attribute": rows[:1], "timestamp": "1750000300"}
    push(hidden, filters={"A": {"selector": "Event._AttributeFlattened"}})
    assert set(values(other.event(ours["uuid"]))) == {"a.example", "b.example"}


def test_an_event_that_is_too_large_for_the_destination_does_not_go_in_part(
    other: Any, push: Push, settings: Callable[[str], None]
) -> None:
    settings("max_bytes = 2000")
    ours = event(*(attribute(f"n{number}.example") for number in range(20)), us=other.us)
    assert "more than the destination takes" in push(ours)["error"]
    with pytest.raises(KeyError):
        other.event(ours["uuid"])


def test_a_part_without_a_uuid_is_left_out(other: Any, push: Push) -> None:
    nameless = [{"name": "file", "Attribute": None}, {"name": "file", "Attribute": [attribute("inner.example")]}]
    ours = event(attribute("a.example"), us=other.us, Object=nameless, EventReport=[{"name": "r", "distribution": "5"}])
    assert "was added" in detail(push(ours))
    assert set(values(other.event(ours["uuid"]))) == {"a.example"}


def test_files_without_their_content_are_left_out(other: Any, push: Push) -> None:
    ours = event(
        attribute("a.exe", type="attachment", category="Payload delivery"), attribute("b.example"), us=other.us
    )
    push(ours)
    assert set(values(other.event(ours["uuid"]))) == {"b.example"}


def test_from_one_misp_to_the_other(misp: Any, other: Any, push: Push) -> None:
    """Two stand-ins, or two real ones where environment variables name both: the event as the first one shows it."""
    values_here = {f"d{level}.{uuid.uuid4().hex}.example": level for level in LEVELS}
    rows = [{"type": "domain", "value": value, "distribution": level} for value, level in values_here.items()]
    told = {"info": "push test", "distribution": "2", "Tag": [{"name": "tlp:green"}], "Attribute": rows}
    made = misp.add_event(told)
    assert "was added" in detail(push(misp.event(made["uuid"])))
    there = values(other.event(made["uuid"]))
    assert sorted((value[:2], level) for value, level in there.items()) == [("d2", "1"), ("d3", "3"), ("d5", "5")]
    assert "is there already" in detail(push(misp.event(made["uuid"])))


@pytest.mark.server
@pytest.mark.waits
def test_killed_after_the_event_was_made_and_before_that_was_known(tmp_path: Path) -> None:
    with StandInOther() as there:
        ours = event(*(attribute(f"n{number}.example") for number in range(20)))
        settings = tmp_path / "settings.toml"
        place = f'server_url = "{there.url}"\napi_key = "{there.key}"\n'
        settings.write_text(f"[destinations.there.parameters]\n{place}")
        settings.chmod(0o600)
        environment = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(tmp_path / "state")}
        environment |= hurried(tmp_path, *LEASE)
        respond, killed, answered = there._otherwise, threading.Event(), threading.Event()

        def once(request: Any) -> Any:
            said = respond(request)
            if request.path.startswith("/events/add"):
                server.kill()
                killed.set()
            elif request.path.startswith("/events/restSearch") and there.events:
                answered.set()
            return said

        with MispModulesServer(environment=environment) as server:
            there.always(once)
            params = {"destination": "there", "selected_or_all": "all", "delivery": "queue"}
            server.query({"module": "misp_event_push", "data": {"Event": ours}, "params": params})
            wait_until(killed.is_set)
            server.start()
            server.modules()  # what MISP asks first; from here on what waits is sent on
            wait_until(answered.is_set)
        assert [len(values(there.event(number))) for number in there.events] == [20]
