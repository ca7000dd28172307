"""The examples with gates and changes in MISP, run through the real misp-modules server and a stand-in for MISP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import HttpServer
from misp_workflow.runner.walk.records import Run
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing import MispModulesServer, Receiver, answer, free_port
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.misp import MispStandIn

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOLDING = ["hold-what-is-not-marked", "hold-below-community", "hold-red-with-mail"]
APPROVED = "misp-workflow:approved-by-gate"

SETTINGS = """
[misp]
url = "{misp}"
key = "{key}"
[destinations.soc-chat.parameters]
webhook_url = "{receiver}/hooks/soc"
[destinations.hashlookup.parameters]
server = "{receiver}"
"""


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MispStandIn, Receiver, MispModulesServer]]:
    """A MISP, a receiver for everything else, and the real misp-modules that knows both."""
    folder = tmp_path_factory.mktemp("examples")
    settings = folder / "settings.toml"
    with MispStandIn() as misp, Receiver() as receiver:
        settings.write_text(SETTINGS.format(misp=misp.url, key=misp.key, receiver=receiver.url))
        settings.chmod(0o600)
        environment = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(folder / "state")}
        with MispModulesServer(environment=environment) as server:
            yield misp, receiver, server


class Events(dict[str, Any]):
    """The rows that MISP would fetch, asked of the stand-in at the moment when a node needs them."""

    def __init__(self, misp: MispStandIn) -> None:
        super().__init__(dict.fromkeys(misp.events))
        self._misp = misp

    def __getitem__(self, number: str) -> Any:
        return {"Event": self._misp.event(number)}

    def get(self, number: str, default: Any = None) -> Any:
        return self[number] if number in self else default  # noqa: SIM401 - that is what it is made of


def event_named(name: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / "events" / f"{name}.json").read_text())


def run_example(
    peers: Any, name: str, data: dict[str, Any], *, stored: bool = True, params: dict[str, Any] | None = None
) -> tuple[Run, str]:
    """Run an example on an event that MISP has; return the run and the event's uuid in the stand-in.

    `params` are set in its action nodes, for what must differ in a test.
    """
    misp, receiver, server = peers
    receiver.clear()
    uuid = ""
    if stored:
        given = dict(data["Event"])
        given.pop("uuid")
        given["Attribute"] = [{k: v for k, v in row.items() if k != "uuid"} for row in given["Attribute"]]
        data = {"Event": misp.add_event(given)}
        uuid = data["Event"]["uuid"]
    document = json.loads((EXAMPLES / "workflows" / f"{name}.json").read_text())
    for node in document["Workflow"]["data"].values():
        if node["data"]["module_type"] == "action":
            node["data"]["indexed_params"].update(params or {})
    return run(load(document), data, HttpServer(server.url), world=World(rows={"events": Events(misp)})), uuid


@pytest.mark.server
@pytest.mark.parametrize("name", HOLDING)
def test_what_the_rules_like_is_published_and_told(peers, name):
    done, uuid = run_example(peers, name, event_named("shareable"))
    assert done.success, done.end
    misp, receiver, _ = peers
    assert APPROVED in misp.tags(uuid), "the gate left its yes; MISP's own node removes it"
    assert [one.path for one in receiver.requests] == (["/hooks/soc"] if name == "hold-red-with-mail" else [])


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "event", "why"),
    [
        ("hold-below-community", "own-organisation-only", "must be at least 'this community only'"),
        ("hold-red-with-mail", "red-with-mail", "'tlp:red' and 'email-src' may not be together"),
        ("hold-what-is-not-marked", "red-with-mail", "the tag 'tlp:red' is forbidden"),
    ],
)
def test_what_they_do_not_like_is_not(peers, name, event, why):
    done, uuid = run_example(peers, name, event_named(event))
    assert not done.success
    assert why in json.dumps([step.errors for step in done.steps], ensure_ascii=False)
    misp, receiver, _ = peers
    assert APPROVED not in misp.tags(uuid)
    assert receiver.requests == []


@pytest.mark.server
@pytest.mark.parametrize("name", HOLDING)
def test_an_old_approval_approves_nothing(peers, name):
    """Left behind by an earlier run, while nobody answers for the gate any more."""
    misp, _, _ = peers
    shown = misp.add_event({"info": "old", "Tag": [{"name": APPROVED, "local": True}, {"name": "tlp:green"}]})
    workflow = load((EXAMPLES / "workflows" / f"{name}.json").read_bytes())
    nobody = HttpServer(f"http://127.0.0.1:{free_port()}")
    fresh = {"Event": {**shown, "Tag": [tag for tag in shown["Tag"] if tag["name"] != APPROVED]}}
    done = run(workflow, {"Event": shown}, nobody, world=World(rows={"events": {shown["id"]: fresh}}))
    assert not done.success
    assert [step.node.module for step in done.steps if step.node.module in ("tag_operation", "stop-execution")] == [
        "tag_operation",
        "stop-execution",
    ]


@pytest.mark.server
@pytest.mark.parametrize(("name", "streamed"), [("one-white-attribute", True), ("red-with-mail", False)])
def test_what_is_white_is_streamed(peers, name, streamed):
    zmq = pytest.importorskip("zmq", reason="pyzmq, the extra [zmq], is not installed here")
    subscriber = zmq.Context.instance().socket(zmq.SUB)
    subscriber.setsockopt(zmq.SUBSCRIBE, b"misp_json_workflow")
    subscriber.setsockopt(zmq.RCVTIMEO, 15_000 if streamed else 300)
    address = f"tcp://127.0.0.1:{free_port()}"
    subscriber.connect(address)
    try:
        done, _ = run_example(peers, "stream-what-is-white", event_named(name), params={"address": address})
        assert done.success, done.end
        if streamed:
            topic, _, body = subscriber.recv().decode().partition(" ")
            assert (topic, json.loads(body)["event"]["info"]) == ("misp_json_workflow", "Scanner of the week")
        else:
            with pytest.raises(zmq.Again):
                subscriber.recv()
    finally:
        subscriber.close(0)


@pytest.mark.server
def test_known_files_lose_their_flag(peers):
    misp, receiver, _ = peers
    known = "8ED4B4ED952526D89899E723F3488DE4"
    receiver.always(
        lambda request: (
            answer([{"MD5": known, "hashlookup:trust": 80}])
            if request.path == "/bulk/md5"
            else answer([{}])
            if request.path == "/bulk/sha1"
            else answer({"message": "Non existing SHA-256"}, 404)
        )
    )
    done, uuid = run_example(peers, "known-files", event_named("known-files"))
    assert done.success, done.end
    rows = misp.event(uuid)["Attribute"]
    assert [row["to_ids"] for row in rows] == [False, True, True]
    assert [list(misp.tags(row["uuid"])) for row in rows] == [['misp-workflow:analysis="known-file-hash"'], [], []]


@pytest.mark.server
def test_a_real_expansion_adds_its_object_and_is_not_asked_about_it(peers, rules):
    """extract_url_components asks nobody, so the real misp-modules can be asked here."""
    misp, _, server = peers
    event = misp.add_event(
        {"info": "x", "Attribute": [{"type": "url", "value": "https://login.example.invalid/a?b=c"}]}
    )
    params = {"module": "extract_url_components", "add_as": "attributes", "items": "all"}
    rules(f'modules_url = "{server.url}"\n[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n')
    action = ActionFile.load(EXAMPLES.parent / "misp_modules/modules/action_mod/misp_enrichment.py")
    said = action.ask(json.dumps({"module": action.name, "data": {"Event": event}, "params": params}).encode())
    assert "1 result was added as attributes" in said["data"]["detail"], said
    (thing,) = misp.event(event["uuid"])["Object"]
    inner = {row["object_relation"]: row["value"] for row in thing["Attribute"]}
    assert (thing["name"], inner["host"]) == ("url", "login.example.invalid")


@pytest.mark.server
@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("guard-enrichment", "question-to-one-module", "MISP does not say what is asked about"),
        ("guard-enrichment", "enrichment-of-a-red-event", "the tag 'tlp:red' is forbidden"),
        ("gate-users", "user-of-another-domain", "the mail domain of"),
    ],
)
def test_guards_stop_with_their_reason(peers, name, data, why):
    done, _ = run_example(peers, name, event_named(data), stored=False)
    assert not done.success
    assert why in json.dumps([step.errors for step in done.steps], ensure_ascii=False)


# --- what fails -------------------------------------------------------------------------------------------------------


def faults(name: str, event: str) -> Any:
    return CliRunner().invoke(
        main,
        ["faults", str(EXAMPLES / "workflows" / f"{name}.json"), "--event", str(EXAMPLES / "events" / f"{event}.json")],
    )


@pytest.mark.parametrize("name", HOLDING)
def test_no_fault_opens_a_gate_that_claims_to_hold(name):
    done = faults(name, "shareable")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("name", "event"), [("guard-enrichment", "question-to-one-module"), ("gate-users", "user-of-another-domain")]
)
def test_gates_that_fail_open_say_so_in_their_description(name, event):
    assert faults(name, event).exit_code == 1
    described = json.loads((EXAMPLES / "workflows" / f"{name}.json").read_text())["Workflow"]["description"]
    assert "fails open" in described


def test_the_files_are_what_the_script_writes():
    import importlib.util

    spec = importlib.util.spec_from_file_location("build_examples", EXAMPLES / "workflows" / "build.py")
    assert spec and spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    stale = [
        name
        for name, document in build.EXAMPLES.items()
        if json.loads((EXAMPLES / "workflows" / f"{name}.json").read_text()) != document
    ]
    assert stale == [], "run python examples/workflows/build.py"
