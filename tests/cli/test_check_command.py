"""`misp-workflow check` uses what this installation knows: settings, formats, templates; files, folders, blueprints."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from misp_workflow import installed
from misp_workflow.cli import main
from misp_workflow.cli.house_rules import LOCAL_UNSAID
from misp_workflow.delivery.guard import of_unknown_home
from misp_workflow.runner.graph.build import workflow

ROOT = Path(__file__).resolve().parents[2]
EVENT = str(ROOT / "tests" / "captures" / "event-publish.json")
CHAT = {"webhook_url": "https://hooks.example.org/x"}


@pytest.fixture
def settings(rules) -> None:
    rules(
        "[destinations.soc-chat]\nactions = ['slack_message']\n"
        "[destinations.soc-chat.parameters]\nwebhook_url = 'env:HOOK'\n[destinations.bare]\n"
    )


def call(*arguments: object) -> Result:
    separate = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}  # click before 8.2
    return CliRunner(**separate).invoke(main, list(map(str, arguments)), catch_exceptions=False)


def findings(tmp_path: Path, module: str, params: dict[str, Any], trigger: str = "event-publish") -> dict[str, str]:
    """Return rule -> "level: why" of a workflow with one node."""
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow("one", trigger, {2: (module, params)}, [(1, 2)])))
    told = json.loads(call("check", "--json", file).stdout)[str(file)]
    return {
        one["rule"]: f"{one['level']}: {one['why']}" for one in told if one["rule"] not in ("fails-open", "overhead")
    }


@pytest.mark.parametrize(("said", "finds"), [(False, 1), ("0", 1), (True, 0), (None, 0)])
def test_a_file_that_says_it_is_disabled_is_a_finding_for_check_and_run(
    said: object, finds: int, tmp_path: Path
) -> None:
    row = json.loads((ROOT / "examples" / "workflows" / "publish-gate.json").read_text())["Workflow"]
    row.pop("enabled")
    file = tmp_path / "w.json"
    file.write_text(json.dumps({"Workflow": row if said is None else {**row, "enabled": said}}))
    told = json.loads(call("check", "--json", file).stdout)[str(file)]
    assert [one["rule"] for one in told].count("disabled") == finds
    assert call("run", file, "--event", EVENT, "--offline").stderr.count("is disabled") == finds


@pytest.mark.parametrize(
    ("module", "params", "rule", "said"),
    [
        ("slack_message", {"destination": "soc-chat"}, "", ""),
        ("slack_message", {"destination": "soc-chta"}, "destination", "the nearest name is “soc-chat”"),
        ("mattermost_message", {"destination": "soc-chat"}, "destination", "is not for mattermost_message"),
        ("http_request", {"destination": "bare"}, "missing-parameter", "'url' is set neither here nor by"),
        ("slack_message", {"webhook_url": "hooks.example.org/x"}, "value", "must be a whole address that begins with"),
        ("publish_gate", {"exactly_one_tlp": "maybe"}, "value", "'exactly_one_tlp' must be true or false"),
        ("publish_gate", {"minimum_attributes": "-1"}, "value", "must be at least 0"),
        ("publish_gate", {"exactly_one_tlp": "true", "tag_scope": "all"}, "value", "must be one of: event, attribute, any"),
        ("publish_gate", {"exactly_one_tpl": "true"}, "unknown-parameter", "the nearest name is “exactly_one_tlp”"),
        ("publish_gate", {"approval_tag": "x"}, "no-rule", "None of the gate's rules is set"),
        ("publish_gate", {"minimum_attributes": "0", "required_tags": " , "}, "no-rule", "None of the gate's rules"),
        ("publish_gate", {"condition": "Evnt.info"}, "template-name", "there is no 'Evnt'; the nearest name is “Event”"),
        ("publish_gate", {"condition": "event.inf|length > 3"}, "template-name", "the nearest name is “info”"),
        ("publish_gate", {"condition": "event.info ="}, "template", "'condition': line 1: "),
        ("misp_attribute_edit", {"comment": "{{ attribute.value }}"}, "", ""),
        ("redis_stream", {"address": "redis://h.example", "stream": "{{ attribute.type }}"}, "", ""),
        ("slack_message", {**CHAT, "mention": "here", "mention_when": "high"}, "", ""),
        ("slack_message", {**CHAT, "mention": "here", "mention_when": "hihg"}, "template-name", "there is no 'hihg'"),
        ("slack_message", {**CHAT, "message": "{{ attribute.value }}"}, "template-name", "there is no 'attribute'"),
        ("slack_message", {**CHAT, "message": "{{ Evnt.info }}"}, "template-name", "there is no 'Evnt'"),
        ("slack_message", {**CHAT, "message": "{{ user.email }}"}, "template-name", "event-publish hands over no user"),
        ("slack_message", {**CHAT, "message": "{{ event.info|deafng }}"}, "template", "there is no filter 'deafng'"),
    ],
)  # fmt: skip
def test_what_this_installation_knows_is_used(module, params, rule, said, tmp_path, settings):
    found = findings(tmp_path, module, params)
    found.pop("secret-in-node", None)
    if rule:
        assert said in found[rule], found
    else:
        assert found == {}


@pytest.mark.parametrize(
    "message",
    [
        "{{ event.info }} {{ event.Orgc.name }} {% for x in attributes(to_ids=true) %}{{ x.value }}{% endfor %}",
        "{% set Event = event %}{{ Event.info }}{{ event.items()|list|length }} {{ event.new_in_this_misp }}",
        "{{ extra if extra is defined }}{{ range(3)|list }}",
    ],
)
def test_templates_that_are_right_have_no_finding(message, tmp_path):
    assert set(findings(tmp_path, "slack_message", {**CHAT, "message": message})) == {"secret-in-node"}


def test_names_are_held_against_the_trigger(tmp_path):
    told = findings(tmp_path, "slack_message", {**CHAT, "message": "{{ event.info }}"}, "user-after-save")
    assert "user-after-save hands over no event" in told["template-name"]
    assert "template-name" not in findings(
        tmp_path, "slack_message", {**CHAT, "message": "{{ log.title }}"}, "log-after-save"
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('types = ["ip-scr"]', "'types': “ip-scr” is no attribute type"),
        ('sharing_groups = ["Partners"]', "'sharing_groups': “Partners” is neither the number nor the uuid"),
        ('types = ["ip-*"]\nsharing_groups = ["7", "1F4B6A1C-0000-4000-8000-000000000003"]', ""),
    ],
)
def test_a_line_of_a_route_that_never_holds_is_found(condition: str, said: str, tmp_path: Path, rules) -> None:
    rules(
        "[destinations.soc]\n[destinations.soc.parameters]\nwebhook_url = 'env:HOOK'\n"
        f"[[routes]]\nname = 'security'\nto = ['soc']\n{condition}\n"
    )
    found = findings(tmp_path, "slack_message", {"destination": "route:security"})
    assert set(found) == ({"route"} if said else set())
    assert found.get("route", "").startswith(f"warning: Of the route “security”, {said}" if said else "")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"denied_modules": "virustotal, viruttotal"}, "'denied_modules' has “viruttotal”"),
        ({"local_modules": "mmdb-lookup"}, "the nearest name is “mmdb_lookup”"),
        ({"allowed_modules": "dns\nmmdb*"}, ""),
    ],
)
def test_an_enrichment_module_that_nobody_has_is_found(params: dict[str, str], said: str, tmp_path: Path) -> None:
    found = findings(tmp_path, "enrichment_guard", params, "enrichment-before-query")
    assert said in found["enrichment"] if said else "enrichment" not in found


def test_settings_without_any_destination_may_be_those_of_another_machine(tmp_path):
    assert findings(tmp_path, "slack_message", {"destination": "any"})["destination"].startswith("warning")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (["--param", "requred_tags=tlp:*"], "no parameter 'requred_tags'; the nearest name is “required_tags”"),
        ([], "None of the gate's rules is set"),
        (["--param", "exactly_one_tlp=true"], ""),
    ],
)
def test_run_and_module_warn_of_what_a_gate_does_not_judge(params, said, tmp_path):
    given = dict(text.split("=") for text in params[1::2])
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow("one", "event-publish", {2: ("publish_gate", given)}, [(1, 2)])))
    for done in (call("run", file, "--event", EVENT), call("module", "publish_gate", *params, "--event", EVENT)):
        warned = done.stderr if said else ""
        assert said in warned and ("Warning" in done.stderr) == bool(said)
        assert (done.exit_code == 0) == (not said), "a gate without a rule lets nothing pass"


def blueprint(folder: Path, description: str) -> Path:
    nodes = workflow("b", "event-publish", {2: ("publish_gate", {"tlp_onse": "1"})}, [(1, 2)])["Workflow"]["data"]
    file = folder / "blueprint.json"
    row = {"name": "b", "description": description, "data": [nodes["2"]]}
    file.write_text(json.dumps({"WorkflowBlueprint": row}))
    return file


def test_a_folder_of_nothing_but_events_is_no_clean_check(tmp_path):
    (tmp_path / "event.json").write_text('{"Event": {"info": "x"}}')
    done = call("check", tmp_path)
    assert done.exit_code == 2 and "None of these files is a workflow" in done.stderr


def test_folders_are_searched_for_workflows(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.json").write_text(
        json.dumps(workflow("w", "event-publish", {2: ("stop-execution", {})}, [(1, 2)]))
    )
    (tmp_path / "event.json").write_text('{"Event": {"info": "x"}}')
    (tmp_path / "notes.txt").write_text("no JSON")
    blueprint(tmp_path, "")
    done = call("check", "--json", tmp_path)
    assert {Path(name).name for name in json.loads(done.stdout)} == {"w.json", "blueprint.json"}
    assert "event.json is no workflow and passed over" in done.stderr and done.exit_code == 1
    (tmp_path / "broken.json").write_text('{"Workflow": {"data": 7}}')
    assert call("check", tmp_path).exit_code == 2
    (tmp_path / "empty").mkdir()
    assert call("check", tmp_path / "empty").exit_code == 2, "nothing was checked"


@pytest.mark.parametrize("said", ["[user-before-save]\r\nwhatever", "For user-before-save. Whatever."])
def test_a_blueprint_is_checked_behind_its_trigger(tmp_path, said):
    file = blueprint(tmp_path, said)
    for arguments, trigger in (
        [["--blueprint", file], "user"],
        [[file], "user"],
        [["--trigger", "log-after-save", file], "log"],
    ):
        told = json.loads(call("check", "--json", *arguments).stdout)[str(file)]
        rules = {one["rule"] for one in told}
        assert "unknown-parameter" in rules and ("fails-open" in rules) == (trigger == "user")
    assert call("check").exit_code == 2


def test_a_client_library_that_is_missing_is_said_with_what_to_install(tmp_path, monkeypatch):
    _without(monkeypatch, "confluent-kafka", "misp-stix")
    broker = {"address": "kafka://kafka.example.org"}
    told = findings(tmp_path, "kafka_record", broker)["extra"]
    assert told.startswith("warning") and "confluent-kafka" in told
    assert "extra" not in findings(tmp_path, "mqtt_message", {"address": "mqtt://mqtt.example.org"})
    told = findings(tmp_path, "mqtt_message", {"address": "mqtt://mqtt.example.org", "layout": "stix21"})["extra"]
    assert "misp-stix" in told, "a layout may need what the action does not"


def _without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let these packages not be installed, as far as anybody asks for their version."""
    real = installed.version

    def version(name: str) -> str:
        if name in names:
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(installed, "version", version)


@pytest.mark.parametrize(
    ("trigger", "when", "finds"),
    [
        ("event-after-save-new", "", True),
        ("event-after-save", "saved", True),
        ("event-after-save", "", False),
        ("event-publish", "published", False),
    ],
)
def test_a_case_for_a_draft_is_a_finding(trigger: str, when: str, finds: bool, tmp_path: Path) -> None:
    node = {"server_url": "https://rt.example.org", "token": "x", "queue": "q", "open_when": when}
    assert ("draft" in findings(tmp_path, "rt_ticket", node, trigger)) is finds


def test_a_case_behind_published_if_is_none_for_a_draft(tmp_path: Path) -> None:
    file, case = tmp_path / "workflow.json", ("rt_ticket", {"destination": "rt"})
    nodes = {2: ("published-if", {"condition": "equals"}), 3: case}
    file.write_text(json.dumps(workflow("one", "event-after-save-new", nodes, [(1, 2), (2, 3)])))
    assert '"draft"' not in call("check", "--json", file).stdout


SEVERAL = "[misp.hub]\nurl = 'https://hub.example'\n[misp.partners]\nurl = 'https://partners.example'\n"


@pytest.mark.parametrize(
    ("module", "params", "said"),
    [
        (
            "misp_tag",
            {"tags": "seen"},
            "warning: It changes MISP and does not say which of hub, partners.",
        ),
        ("warninglist_check", {}, "warning: It changes MISP"),
        ("publish_gate", {"forbidden_tags": "tlp:red", "approval_tag": "approved"}, "warning: It changes MISP"),
        ("publish_gate", {"forbidden_tags": "tlp:red"}, ""),
        ("slack_message", CHAT, ""),
        ("slack_message", {**CHAT, "misp": "hubb"}, "error: No MISP is called “hubb”"),
        ("misp_tag", {"tags": "seen", "misp": "hub"}, ""),
        ("misp_tag", {"tags": "seen", "destination": "in-hub"}, ""),
    ],
)
def test_a_node_that_changes_one_of_several_misps_says_which(
    module: str, params: dict[str, Any], said: str, tmp_path: Path, rules
) -> None:
    rules(SEVERAL + "[destinations.in-hub.parameters]\nmisp = 'hub'\n")
    found = findings(tmp_path, module, params).get("misp", "")
    assert found.startswith(said) and bool(found) is bool(said)


@pytest.mark.parametrize(
    ("said", "module", "params", "warned"),
    [
        ("", "slack_message", CHAT, True),
        ("", "slack_message", {**CHAT, "destination": "chat"}, True),
        ("", "slack_message", {**CHAT, "destination": "route:r"}, True),
        ("", "slack_message", {**CHAT, "destination": "team"}, False),
        ("", "misp_tag", {"tags": "seen"}, False),
        ("[misp]\nurl = 'https://hub.example'\n", "slack_message", CHAT, False),
        (SEVERAL, "slack_message", CHAT, False),
    ],
)
def test_local_tags_that_go_out_are_warned_of(
    said: str, module: str, params: dict[str, Any], warned: bool, tmp_path: Path, rules
) -> None:
    places = (
        "[destinations.chat]\n[destinations.team]\nlocal_tags = true\n[[routes]]\nname = 'r'\nto = ['chat', 'team']\n"
    )
    rules(said + places)
    told = findings(tmp_path, module, params, "attribute-after-save").get("local-tags", "")
    assert bool(told) is warned
    assert "local-tags" not in findings(tmp_path, module, params, "event-publish")


def test_the_triggers_that_do_not_say_which_tags_are_local_are_those_recorded(captures: dict[str, Any]) -> None:
    silent = {name for name, sent in captures.items() if of_unknown_home(sent["data"])}
    assert {name for name in silent if not name.startswith("variant-")} == LOCAL_UNSAID


def test_the_only_misp_needs_no_name(tmp_path: Path, rules) -> None:
    rules("[misp]\nurl = 'https://hub.example'\n")
    assert "misp" not in findings(tmp_path, "misp_tag", {"tags": "seen"})
