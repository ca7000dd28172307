"""A MISP stand-in that the settings name, and the command line put to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from misp_workflow import settings
from misp_workflow.cli import main
from misp_workflow.remote.client import Misp
from misp_workflow.testing.misp import MispStandIn

DESTINATIONS = ("soc-chat", "admins", "partners", "on-call", "soc-room", "hashlookup")


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules) -> Iterator[MispStandIn]:
    """MISP's workflow API with a memory, named by the settings in force."""
    with MispStandIn() as misp:
        named = "".join(f"[destinations.{name}]\n" for name in DESTINATIONS)
        rules(f'[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n{named}')
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
        yield misp


@pytest.fixture
def misp(standin: MispStandIn) -> Misp:
    return Misp(settings.current())


@pytest.fixture
def command(standin: MispStandIn) -> Callable[..., Result]:
    """Run misp-workflow with these arguments; errors that are no exit status are raised."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)

    return run


@pytest.fixture
def pulled(standin: MispStandIn, command: Callable[..., Result], tmp_path: Path) -> Path:
    """A folder with one workflow in it, that of event-publish, as it was pulled."""
    standin.add_workflow("event-publish", json.loads(recorded_graph()), "Recorded")
    folder = tmp_path / "pulled"
    assert command("pull", folder).exit_code == 0
    return folder


def recorded_graph() -> str:
    """The graph that was sent to a real MISP, as text, on another trigger."""
    exchanges = json.loads((Path(__file__).parent / "workflows.json").read_text())
    sent = next(one for one in exchanges if one["call"] == "edit with own keys in nodes and in Workflow")
    return sent["request"]["body"]["Workflow"]["data"].replace("event-after-save-new-from-pull", "event-publish")
