"""A MISP that answers anything at all: each command ends with a sentence, in its folder, without the key."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main
from misp_workflow.testing.misp import MispStandIn
from misp_workflow.testing.receiver import CLOSE, Answer, Received, Receiver, answer, redirect

FILE = "workflows/event-publish.json"
EVIL = "x\x1b]0;PWN\x07\r\u202e"


def nested(depth: int) -> Any:
    made: Any = "x"
    for _ in range(depth):
        made = {"x": [made]}
    return made


ODD: dict[str, Any] = {
    "nothing": None, "number": 0, "list": [], "object": {}, "rows": [[]], "no rows": [None], "text": EVIL,
    "a way out": "/../../a", "an end": "a\x00b", "digits": "1" * 5000, "deep": nested(60), "deeper": nested(400),
    "other digits": {"1" * 5000: {}, "²": {}}, "a graph in a text": '{"1": {"id": 1, "data": {"id": "\\ud800"}}}',
    "a deep text": '{"1":' * 900 + "1" + "}" * 900,
}  # fmt: skip
WHERE = [
    ("/workflows/index", ""),
    ("/workflows/index", "0.Workflow"),
    ("/workflows/index", "0.Workflow.id"),
    ("/workflows/index", "0.Workflow.name"),
    ("/workflows/index", "0.Workflow.trigger_id"),
    ("/workflows/index", "0.Workflow.data"),
    ("/workflows/index", "0.Workflow.data.2.data.indexed_params"),
    ("/workflowBlueprints/index", "0.WorkflowBlueprint"),
    ("/workflowBlueprints/index", "0.WorkflowBlueprint.id"),
    ("/workflowBlueprints/index", "1.WorkflowBlueprint.uuid"),
    ("/workflowBlueprints/index", "1.WorkflowBlueprint.name"),
    ("/workflowBlueprints/index", "1.WorkflowBlueprint.data"),
    ("/servers/getVersion", "version"),
    ("/workflows/triggers", "0.id"),
    ("/workflows/moduleIndex", "0"),
    ("/events/restSearch", "0.Event"),
    ("/events/restSearch", "0.Event.uuid"),
    ("/events/view", "Event"),
]


def with_other(value: Any, steps: list[str], other: Any) -> Any:
    """Return the value with another one at that place."""
    if not steps:
        return other
    if isinstance(value, list):
        return [with_other(one, steps[1:], other) if str(place) == steps[0] else one for place, one in enumerate(value)]
    return {key: with_other(one, steps[1:], other) if key == steps[0] else one for key, one in value.items()}


@pytest.fixture
def filled(standin: MispStandIn, pulled: Path) -> MispStandIn:
    """The MISP of the settings, with a workflow, an event, and two blueprints of one name."""
    for number in ("1", "2"):
        data = [{"id": 1, "data": {"id": "tag-if", "module_type": "logic"}}]
        row = {"id": number, "uuid": number * 8, "name": "B", "description": "", "timestamp": "1", "data": data}
        standin.blueprint_rows.append({**row, "default": False, "mermaid": ""})
    standin.add_event({"info": "e", "Attribute": [{"type": "domain", "value": "a.example"}]})
    return standin


def answers_with(standin: MispStandIn, change: Callable[[Received, Answer], Answer]) -> None:
    """Let what the stand-in answers be changed on its way."""
    known = standin._respond
    standin.always(lambda request: change(request, known(request)))


def commands(pulled: Path) -> list[list[object]]:
    return [
        ["pull", pulled, "--overwrite"],
        ["diff", pulled],
        ["push", pulled.parent / "mine.json", "--replace", "--enable"],
        ["undo"],
        ["backtest", pulled.parent / "mine.json", "--last", "30d", "--jobs", "1"],
    ]


ASKED_BY = {
    "/events": {"backtest"},
    "/workflowBlueprints": {"pull", "diff"},
    "/workflows/index": {"pull", "push", "undo"},
}


def ends_well(standin: MispStandIn, pulled: Path, path: str = "") -> str:
    """Run every command that asks `path`; each ends by itself, commands no terminal, and shows no key. Return what they said."""
    mine, before = pulled.parent / "mine.json", {path for path in pulled.rglob("*") if path.is_file()}
    mine.write_text(json.dumps(document(pulled)).replace("tlp:red", "tlp:amber"))
    said = ""
    of_interest = next((some for begin, some in ASKED_BY.items() if path.startswith(begin)), None)
    for arguments in commands(pulled):
        if of_interest and arguments[0] not in of_interest:
            continue
        done = CliRunner().invoke(main, [str(one) for one in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), (arguments[0], done.exc_info)
        assert done.exit_code in (0, 1, 2)
        assert standin.key not in done.output
        assert not set("\x1b\x07\u202e\ud800") & set(done.output)
        said += done.output
    new = {path for path in pulled.rglob("*") if path.is_file()} - before
    assert {path.parent for path in new} <= {pulled / "workflows", pulled / "blueprints"}
    return said


def document(pulled: Path) -> Any:
    kept = pulled.parent / "kept.json"
    if not kept.exists():
        shutil.copy(pulled / FILE, kept)
    return json.loads(kept.read_text())


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("path", "place"), WHERE)
def test_an_answer_of_any_shape_ends_in_a_sentence(filled, pulled, path: str, place: str, odd: str) -> None:
    def change(request: Received, given: Answer) -> Answer:
        if not request.path.startswith(path):
            return given
        return answer(with_other(json.loads(given.body), place.split(".") if place else [], ODD[odd]))

    answers_with(filled, change)
    ends_well(filled, pulled, path)


@pytest.mark.parametrize("status", [200, 302, 403, 404, 405, 500])
def test_no_error_of_misps_shows_the_key(filled, pulled, status: int) -> None:
    words = f"{EVIL} {filled.key} is no good {filled.key}"
    body = {"name": words, "message": words, "errors": {"key": [words], "value": words}}
    answers_with(filled, lambda request, given: answer(body, status))
    assert "is no good" in ends_well(filled, pulled) or status in (200, 302, 404)


@pytest.mark.parametrize(
    "given",
    [
        answer(b"", 200), answer("<html>Sign in</html>", 200), answer(b"\xff\xfe\x00", 200), answer(b"[" * 100_000, 200),
        answer(b"[]", 200, cut=1), answer(b"\x1f\x8b" + b"x" * 99, 200, {"Content-Encoding": "gzip"}), CLOSE,
    ],
    ids=["empty", "page", "bytes", "deep", "cut", "no gzip", "closed"],
)  # fmt: skip
def test_what_is_no_answer_of_misps(filled, pulled, given: Answer) -> None:
    answers_with(filled, lambda *_: given)
    said = ends_well(filled, pulled)
    assert "exactly this" not in said


def test_the_key_goes_to_no_other_server(filled, pulled) -> None:
    with Receiver() as other:
        answers_with(filled, lambda *_: redirect(f"{other.url}/workflows/index"))
        ends_well(filled, pulled)
        assert other.requests == []


def test_a_misp_that_keeps_something_else_is_not_believed(filled, pulled, command) -> None:
    mine = pulled.parent / "mine.json"
    mine.write_text(json.dumps(document(pulled)).replace("tlp:red", "tlp:amber"))

    def change(request: Received, given: Answer) -> Answer:
        if request.path.startswith("/workflows/index") and any(
            one.path.startswith("/workflows/edit") for one in filled.requests
        ):
            return answer(given.body.replace(b"tlp:amber", b"tlp:clear"))
        return given

    answers_with(filled, change)
    said = command("push", mine, "--replace")
    assert said.exit_code == 1
    assert "MISP did not keep what was written." in said.output
    assert "tlp:amber → tlp:clear" in said.output


def test_a_folder_of_somebody_elses_leads_nowhere_else(filled, pulled, command) -> None:
    """Its misp.json names files outside; they were in MISP once, it says, and are not any more."""
    from misp_workflow.remote.folder import _hash

    outside = pulled.parent / "precious.json"
    outside.write_text("precious")
    manifest = json.loads((pulled / "misp.json").read_text())
    names = ["../precious.json", str(outside), "workflows/../../precious.json", "workflows/x\x00.json"]
    manifest["pulled"] |= dict.fromkeys(names, _hash("precious"))
    (pulled / "misp.json").write_text(json.dumps(manifest))
    assert command("pull", pulled).exit_code == 0
    assert outside.read_text() == "precious"


@pytest.mark.parametrize(
    "changed", [{"pulled": []}, {"pulled": {"workflows/event-publish.json": [1]}}, {"enabled": {"triggers": [[]], "modules": [{}]}},
                {"enabled": []}, {"misp": []}, {"misp": None}],
)  # fmt: skip
def test_a_damaged_manifest_is_said_or_read(filled, pulled, changed: dict[str, Any]) -> None:
    manifest = json.loads((pulled / "misp.json").read_text())
    (pulled / "misp.json").write_text(json.dumps(manifest | changed))
    ends_well(filled, pulled)


@pytest.mark.parametrize("trigger", ["event-publish", "Event/Publish"])
def test_of_two_workflows_for_one_trigger_none_is_taken(filled, pulled, command, trigger: str) -> None:
    """MISP runs one of them: whoever wrote into the other would be told that it is there."""

    def change(request: Received, given: Answer) -> Answer:
        if not request.path.startswith("/workflows/index"):
            return given
        first = json.loads(given.body)[0]["Workflow"]
        return answer([{"Workflow": first}, {"Workflow": {**first, "id": "98", "name": "B", "trigger_id": trigger}}])

    answers_with(filled, change)
    before = (pulled / FILE).read_text()
    for arguments in (["pull", pulled, "--overwrite"], ["push", pulled / FILE, "--replace"], ["diff", pulled]):
        done = command(*arguments)
        assert done.exit_code == 2
        assert "two workflows for event-publish, “Recorded” (1) and “B” (98)" in done.output
    assert (pulled / FILE).read_text() == before
    assert not [one for one in filled.requests if one.path.startswith("/workflows/edit")]


def test_each_blueprint_has_a_file_of_its_own(filled, pulled, command) -> None:
    for number, name in enumerate(("a b", "a-b", "../a.b", "a/b"), 10):
        row = {"id": str(number), "uuid": f"11111111-{number}", "name": name, "description": "", "timestamp": "1"}
        filled.blueprint_rows.append({**row, "data": [], "default": False, "mermaid": ""})
    assert command("pull", pulled).exit_code == 0
    names = {json.loads(path.read_text())["WorkflowBlueprint"]["name"] for path in (pulled / "blueprints").glob("*")}
    assert names == {"B", "a b", "a-b", "../a.b", "a/b"}
    assert command("diff", pulled).exit_code == 0


def test_a_blueprint_that_holds_a_secret_is_named_and_its_owners_only(filled, pulled, command) -> None:
    secret = {"id": "slack_message", "module_type": "action", "indexed_params": {"bot_token": "xoxb-1"}}
    filled.blueprint_rows[0]["data"] = [{"id": 2, "data": secret}]
    said = command("pull", pulled, "--overwrite")
    assert "secret blueprints/b.json: slack_message (2) holds a secret" in " ".join(said.output.split())
    (pulled / "blueprints/b.json").chmod(0o644)  # as pulled by a version that saw to no secrets
    assert "blueprints/b.json" not in json.loads(command("pull", pulled, "--json").output)["written"]
    assert (pulled / "blueprints/b.json").stat().st_mode & 0o077 == 0
    assert (pulled / "blueprints/b-22222222.json").stat().st_mode & 0o044


@pytest.mark.parametrize("graph", [[1], {"1": 5}, "[" * 600 + "]" * 600])
def test_a_blueprint_whose_graph_is_none_is_pulled_as_it_is(filled, pulled, command, graph: Any) -> None:
    """Before its secrets were looked for, it was; then it kept all others from being pulled."""

    def change(request: Received, given: Answer) -> Answer:
        asked = request.path.startswith("/workflowBlueprints/index")
        return answer(with_other(json.loads(given.body), ["0", "WorkflowBlueprint", "data"], graph)) if asked else given

    answers_with(filled, change)
    assert command("pull", pulled, "--overwrite").exit_code == 0
    file = pulled / "blueprints/b.json"
    assert json.loads(file.read_text())["WorkflowBlueprint"]["data"] == graph
    assert file.stat().st_mode & 0o077 == 0


def test_a_workflow_with_a_part_that_is_no_node_is_its_owners_only(filled, pulled, command) -> None:
    """MISP takes no notice of such a part, and nobody looks in it for what is secret."""
    assert (pulled / FILE).stat().st_mode & 0o044
    for row in filled.workflows.values():
        row["data"] = {**row["data"], "9": [{"key": "s"}]}
    assert command("pull", pulled).exit_code == 0
    assert '"key": "s"' in (pulled / FILE).read_text()
    assert (pulled / FILE).stat().st_mode & 0o077 == 0


def test_a_folder_whose_links_lead_elsewhere_is_not_written(filled, pulled, command) -> None:
    elsewhere = pulled.parent / "elsewhere"
    (pulled / "workflows").rename(elsewhere)
    (pulled / "workflows").symlink_to(elsewhere)
    before = (elsewhere / "event-publish.json").read_text()
    filled.ask("POST", "workflows/edit/1", {"Workflow": {"name": "Changed"}})
    said = command("pull", pulled, "--overwrite")
    assert said.exit_code == 2
    assert "leads out of" in said.output
    assert (elsewhere / "event-publish.json").read_text() == before


def test_an_event_that_cannot_be_had_is_named(filled, pulled, command) -> None:
    uuid = next(iter(filled.events.values()))["uuid"]
    answers_with(filled, lambda request, given: answer({}, 404) if "/events/view" in request.path else given)
    said = command("backtest", pulled / FILE, "--last", "30d", "--jobs", "1")
    assert said.exit_code == 1
    assert f"not read Event {uuid}: MISP does not have it" in " ".join(said.output.split())


@pytest.mark.parametrize("said", ['{"errors": "x"}', "{}", '"x"', "0", "true", "[null]", "[[]]", '[{"Workflow": []}]'])
def test_what_is_no_list_of_workflows_is_not_an_empty_one(filled, pulled, command, said: str) -> None:
    """A pull would remove the files here, and a mend would say that every node is as it should be."""
    answers_with(filled, lambda request, given: answer(said) if "workflows/index" in request.path else given)
    for arguments in (["pull", pulled], ["mend"], ["diff", pulled], ["push", pulled / FILE, "--replace"], ["undo"]):
        done = command(*arguments)
        assert done.exit_code == (1 if arguments == ["undo"] and "can be undone" in done.output else 2), done.output
    assert (pulled / FILE).exists()


def test_whoever_has_no_version_is_no_misp(filled, pulled, command) -> None:
    answers_with(filled, lambda *_: answer([]))
    done = command("pull", pulled)
    assert done.exit_code == 2
    assert "What answers is no MISP, for it has no version" in done.output
    assert (pulled / FILE).exists()
