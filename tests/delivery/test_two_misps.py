"""Two MISPs on one misp-modules that have the same event: a change goes to the one that asks, or to none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from delivery_kit import until

from misp_workflow.delivery import deliver
from misp_workflow.delivery.cases.link import link_back
from misp_workflow.delivery.cases.memory import LINK, Known, Memory
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Case
from misp_workflow.installed import own_actions
from misp_workflow.settings import current, misps
from misp_workflow.testing import MispModulesServer, Receiver, answer
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

UUID = "d0ac10dd-f11c-4af5-b9d7-992273ee2f3a"
ROW = "1c1a5f1e-5e0e-4d0e-9b61-2f8f4b0d7f10"
OWNER = {"hub": "6e3701a8-d864-4f99-9b37-257af3627fe0", "partners": "4bd6252b-bcd7-406c-9960-52dd41a274c3"}
TAG = "type:OSINT"


class Two(NamedTuple):
    hub: MispStandIn
    partners: MispStandIn
    settings: Path

    def data(self, name: str, owner: str = "") -> dict[str, Any]:
        """Return what the MISP of this name sends of the event; `owner`: with the organisation of that one."""
        event = getattr(self, name).event(UUID)
        event.pop("Org", None), event.pop("Orgc", None)
        return {"Event": {**event, **({"Org": {"uuid": OWNER[owner]}} if owner else {})}}

    def tagged(self) -> dict[str, bool]:
        return {name: TAG in getattr(self, name).tags(UUID) for name in OWNER}


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    with MispStandIn() as hub, MispStandIn() as partners:
        hub.key, partners.key = "h" * 40, "p" * 40
        partners.add_event({"info": "so that the same event has another number here"})
        for misp in (hub, partners):
            row = {"uuid": ROW, "type": "domain", "value": "bad.example"}
            misp.add_event({"uuid": UUID, "info": "at both", "Attribute": [row]})
        settings = tmp_path / "settings.toml"
        settings.write_text(
            'answer_within = "30 s"\n'
            + "".join(
                f'[misp.{name}]\nurl = "{misp.url}"\nkey = "{misp.key}"\norganisations = ["{OWNER[name]}"]\n'
                for name, misp in (("hub", hub), ("partners", partners))
            )
        )
        settings.chmod(0o600)
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
        deliver.stop()
        yield Two(hub, partners, settings)
        deliver.stop()


def ask(name: str, data: Any, **params: str) -> dict[str, Any]:
    file = next(one for one in own_actions() if one.stem == name)
    said: dict[str, Any] = ActionFile.load(file).module.handler(q=json.dumps({"data": data, "params": params}))
    return said


def tag(data: Any, **params: str) -> dict[str, Any]:
    return ask("misp_tag", data, scope="event", tags=TAG, selected_or_all="all", **params)


Asked = Callable[..., dict[str, Any]]


@pytest.fixture(params=["here", pytest.param("server", marks=pytest.mark.server)])
def tagging(request: pytest.FixtureRequest, two: Two, tmp_path: Path) -> Iterator[Asked]:
    """Put a call of misp_tag: to the action itself, and as MISP does it, to the real misp-modules."""
    if request.param == "here":
        yield tag
        return
    environment = {"MISP_WORKFLOW_CONFIG": str(two.settings), "MISP_WORKFLOW_STATE": str(tmp_path / "state")}
    with MispModulesServer(environment=environment) as server:
        yield lambda data, **params: server.query(
            {
                "module": "misp_tag",
                "data": data,
                "params": {"scope": "event", "tags": TAG, "selected_or_all": "all", **params},
            }
        )


@pytest.mark.parametrize("name", list(OWNER))
def test_the_node_names_the_misp(two: Two, tagging: Asked, name: str):
    said = tagging(two.data(name), misp=name)
    assert said["data"]["status"] == "delivered", said
    assert two.tagged() == {one: one == name for one in OWNER}


@pytest.mark.parametrize("name", list(OWNER))
def test_the_event_tells_by_its_organisation(two: Two, tagging: Asked, name: str):
    assert tagging(two.data(name, name))["data"]["status"] == "delivered"
    assert two.tagged() == {one: one == name for one in OWNER}


def test_newer_misps_say_who_they_are(two: Two):
    assert tag({**two.data("partners", "hub"), "_env": {"baseurl": two.partners.url}})["data"]["status"] == "delivered"
    assert two.tagged() == {"hub": False, "partners": True}


def test_where_nobody_says_which_it_is_an_error_that_names_the_choices(two: Two, tagging: Asked):
    said = tagging(two.data("partners"))
    assert said["error"] == (
        "The settings name several MISPs (hub, partners), and neither the node's 'misp' nor what MISP sent says which "
        "one is meant; nothing was changed."
    )
    assert two.tagged() == {"hub": False, "partners": False}
    assert not two.hub.requests, "nobody was asked"


@pytest.mark.parametrize(
    ("sender", "params", "owner"), [("partners", {"misp": "hub"}, ""), ("partners", {}, "hub"), ("hub", {}, "partners")]
)
def test_the_wrong_misp_is_found_out_before_it_is_changed(two: Two, sender: str, params: dict[str, str], owner: str):
    """The hub's organisation made the event, and it was synchronised; or a node was copied from the other MISP."""
    said = tag(two.data(sender, owner), **params)
    assert "so it is another one that asked: check 'misp'" in said["error"]
    assert f"of [misp.{owner or params['misp']}] has this event as number" in said["error"]
    assert two.tagged() == {"hub": False, "partners": False}


def test_a_misp_that_has_no_such_event_did_not_ask(two: Two):
    made = two.partners.add_event({"info": "only here"})
    said = tag({"Event": made}, misp="hub")
    assert "of [misp.hub] does not show this event" in said["error"]


def test_what_waits_knows_its_misp(two: Two):
    """Also when the settings name another one first by then, or are mended only later."""
    two.partners.always(answer("gone for lunch", status=503))
    assert tag(two.data("partners"), misp="partners")["data"]["status"] == "queued"
    two.partners.always(two.partners._respond)
    until(lambda: two.tagged()["partners"])
    assert not two.tagged()["hub"]


def test_what_waits_for_a_misp_that_is_not_named_any_more_goes_to_no_other(two: Two):
    two.partners.always(answer("gone for lunch", status=503))
    tag(two.data("partners"), misp="partners")
    before = two.settings.read_text()
    two.settings.write_text(before.partition("[misp.partners]")[0])
    two.partners.always(two.partners._respond)
    asked = len(two.hub.requests)
    until(lambda: "No MISP is called “partners”" in str(list(deliver.house(current()).outbox.entries())))
    assert len(two.hub.requests) == asked
    two.settings.write_text(before)
    until(lambda: two.tagged()["partners"])
    assert not two.tagged()["hub"]


def test_the_same_change_at_the_other_misp_is_no_repetition(two: Two):
    for name in OWNER:
        said = ask("misp_sighting", two.data(name), selected_or_all="all", misp=name)
        assert said["data"]["status"] == "delivered", said
        assert "a moment ago" not in said["data"]["detail"]
    again = ask("misp_sighting", two.data("hub"), selected_or_all="all", misp="hub", source="other words")
    assert again["data"]["status"] == "delivered"


def test_an_ill_misp_holds_nothing_up_for_the_other(two: Two):
    two.hub.always(answer("out of order", status=503))
    for comment in "abcd":
        said = ask("misp_attribute_edit", two.data("hub"), selected_or_all="all", misp="hub", comment=comment)
        assert said["data"]["status"] == "queued"
    assert tag(two.data("partners"), misp="partners")["data"]["status"] == "delivered"


def test_a_gate_leaves_its_approval_where_it_was_asked_or_says_no(two: Two):
    asked = {"forbidden_tags": "tlp:red", "approval_tag": "gate:yes"}
    assert ask("publish_gate", two.data("partners"), misp="partners", **asked)["data"]["status"] == "passed"
    assert "gate:yes" in two.partners.tags(UUID)
    assert "gate:yes" not in two.hub.tags(UUID)
    assert "several MISPs (hub, partners)" in ask("publish_gate", two.data("hub"), **asked)["error"]
    assert "another one that asked" in ask("publish_gate", two.data("hub"), misp="partners", **asked)["error"]


def test_a_message_links_to_the_misp_that_asks_and_to_none_where_that_is_unknown(two: Two):
    with Receiver() as chat:
        chat.always(answer("ok"))
        for name, data in (("hub", two.data("hub", "hub")), ("partners", two.data("partners", "partners"))):
            ask("slack_message", data, webhook_url=f"{chat.url}/hook")
            assert getattr(two, name).url in chat.requests[-1].body.decode()
        ask("slack_message", two.data("hub"), webhook_url=f"{chat.url}/hook")
        told = chat.requests[-1].body.decode()
        assert "at both" in told
        assert two.hub.url not in told
        assert two.partners.url not in told


def test_the_marking_is_asked_of_the_right_misp_only(two: Two):
    """Numbers are each MISP's own: the other one would tell another event's marking."""
    two.partners.events[two.partners.event(UUID)["id"]]["_tags"] = []
    red = two.hub.add_event({"info": "red", "Tag": [{"name": "tlp:red"}]})
    bare = {"Event": {key: red[key] for key in ("id", "uuid", "info")}}
    with Receiver() as chat:
        chat.always(answer("ok"))
        hooked = {"webhook_url": f"{chat.url}/hook"}
        assert "TLP:RED" in ask("slack_message", bare, misp="hub", **hooked)["error"]
        assert not chat.requests
        said = ask("slack_message", bare, misp="partners", **hooked)
        assert "the MISP of [misp.partners] does not show this event" in said["data"]["detail"]
        said = ask("slack_message", bare, **hooked)
        assert "the settings name several MISPs (hub, partners)" in said["data"]["detail"]


def test_every_action_takes_the_choice():
    for file in own_actions():
        table = ActionFile.load(file).module.moduleconfig["params"]
        assert "misp" in table or file.stem in ("proposal_gate", "user_gate"), file.stem


def test_one_misp_is_not_asked_for_any_proof(two: Two):
    text = two.settings.read_text().partition("[misp.partners]")[0]
    two.settings.write_text(text.replace("[misp.hub]", "[misp]"))
    assert tag(two.data("partners"))["data"]["status"] == "delivered"
    assert two.tagged() == {"hub": True, "partners": False}
    assert misps.asking(current(), "", two.data("partners")).misp.event == ("", "")


def case_at(name: str, number: str) -> Case:
    """A case that has no content of its own, with its way back to the MISP of this name."""
    return Case(
        url="https://tracker.example",
        look=(),
        found_at="",
        create=(),
        id_at="",
        page="https://tracker.example/{id}",
        event=UUID,
        at=time.time(),
        whole=True,
        action="tracker_case",
        link_back="tag",
        misp=name,
        event_number=number,
    )


def test_each_misp_that_asks_holds_the_address_of_the_one_case(two: Two):
    for name in OWNER:
        case = case_at(name, getattr(two, name).event(UUID)["id"])
        for _ in range(2):  # the second time it is known to hold it
            memory = Memory(case, ledger_of(current()), "tracker")
            memory.keep(Known("7", "7"))
            link_back(case, memory, "k", time.monotonic() + 20, Answer(outcome="delivered", detail=""))
        assert 'case:tracker_case="https://tracker.example/7"' in getattr(two, name).tags(UUID)
        asked = len(getattr(two, name).requests)
        link_back(
            case,
            Memory(case, ledger_of(current()), "tracker"),
            "k",
            time.monotonic() + 20,
            Answer(outcome="delivered", detail=""),
        )
        assert len(getattr(two, name).requests) == asked


def test_that_a_misp_holds_the_address_is_nothing_that_the_case_shows(two: Two):
    case, known = case_at("hub", "1"), Known("7", "7")
    memory = Memory(case, ledger_of(current()), "tracker")
    memory.withdrawn(known)
    memory.has_now(f"{LINK} hub", known)
    found = memory.changes(known)
    assert found.fuller
    assert not found.lost_facts


def test_no_case_is_made_whose_address_nobody_could_hold(two: Two):
    with Receiver() as tracker:
        params = {"server_url": tracker.url, "token": "t" * 20, "project": "a/b", "link_back": "tag"}
        said = ask("gitlab_issue", two.data("hub"), **params)
        assert "several MISPs (hub, partners)" in said["error"], said
        assert not tracker.requests
