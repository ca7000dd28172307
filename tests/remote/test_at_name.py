"""--at NAME: which of several MISPs in the settings a command speaks with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli import main
from misp_workflow.testing.misp import MispStandIn

WORKFLOW = Path(__file__).parents[2] / "examples" / "workflows" / "notify-on-tlp.json"


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules) -> Iterator[dict[str, MispStandIn]]:
    with MispStandIn() as hub, MispStandIn() as partners:
        hub.key, partners.key = "h" * 40, "p" * 40
        found = {"hub": hub, "partners": partners}
        tables = [f'[misp.{name}]\nurl = "{one.url}"\nkey = "{one.key}"\n' for name, one in found.items()]
        rules("".join([*tables, "[destinations.soc-chat]\n"]))
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
        yield found


@pytest.fixture
def command(two: dict[str, MispStandIn]) -> Callable[..., Result]:
    return lambda *given: CliRunner().invoke(main, [*map(str, given)])


COMMANDS = (
    ["pull", "{folder}"],
    ["diff", "{there}"],
    ["push", "{file}"],
    ["install", "notify-on-tlp"],
    ["undo"],
    ["mend", "--dry-run"],
    ["backtest", "{file}", "--last", "7d"],
    ["debug"],
)


@pytest.mark.parametrize("given", COMMANDS, ids=lambda given: given[0])
def test_each_command_wants_to_know_which(two, command, tmp_path: Path, given: list[str]):
    file = shutil.copy(WORKFLOW, tmp_path)
    said = command(*(one.format(folder=tmp_path / "ours", there=tmp_path, file=file) for one in given))
    assert said.exit_code == 2, said.output
    assert "Which MISP? The settings name hub, partners: say it with --at NAME." in said.output
    assert not two["hub"].requests
    assert not two["partners"].requests


def test_a_workflow_goes_to_the_one_that_is_named_and_back(two, command, tmp_path: Path):
    file = shutil.copy(WORKFLOW, tmp_path)
    said = command("push", file, "--at", "partners")
    assert said.exit_code == 0, said.output
    assert "misp-workflow undo" in said.output
    assert "--at partners" in said.output.split("misp-workflow undo", 1)[1]
    assert not two["hub"].requests
    theirs = tmp_path / "theirs"
    assert command("pull", theirs, "--at", "partners").exit_code == 0
    assert json.loads((theirs / "misp.json").read_text())["misp"]["url"] == two["partners"].url
    assert command("diff", theirs, "--at", "partners").exit_code == 0
    assert command("diff", theirs, "--at", "hub").exit_code == 1
    assert command("undo", "--at", "hub").exit_code == 2, "nothing was pushed there"
    assert command("undo", "--at", "partners").exit_code == 0


def test_an_example_says_in_its_nodes_which_misp_asks(two, command):
    assert (
        command("install", "hold-below-community", "--at", "hub", "--set", "publish_gate.misp=partners").exit_code == 0
    )
    assert command("install", "notify-on-tlp", "--at", "partners").exit_code == 0
    found = {name: {} for name in two}
    for name, one in two.items():
        for row in one.ask("GET", "workflows/index"):
            for node in row["Workflow"]["data"].values():
                found[name][node["data"]["id"]] = (node["data"].get("indexed_params") or {}).get("misp")
    assert found["partners"]["slack_message"] == "partners"
    assert found["hub"]["publish_gate"] == "partners", "what was said of a node holds"
    assert found["partners"]["tag-if"] is None


def test_an_address_of_the_settings_needs_no_key_of_its_own(two, command, tmp_path: Path):
    assert command("pull", tmp_path / "a", "--misp-url", two["hub"].url).exit_code == 0
    assert two["hub"].requests
    assert not two["partners"].requests


def test_an_unknown_name_and_both_at_once_are_refused(two, command, tmp_path: Path):
    said = command("pull", tmp_path / "a", "--at", "partner")
    assert said.exit_code == 2
    assert "the nearest name is “partners”" in said.output
    said = command("pull", tmp_path / "a", "--at", "hub", "--misp-url", "https://other.example")
    assert "give one of them" in said.output


def test_modules_says_that_nobody_was_asked(command):
    said = command("modules", "mail", "--server", "http://127.0.0.1:9")
    assert "say which of hub, partners with --at NAME" in " ".join(said.output.split())
