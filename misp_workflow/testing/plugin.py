"""The pytest plugin: fixtures for tests of actions and workflows.

`receiver`             a fresh local HTTP receiver (`misp_workflow.testing.Receiver`)
`own_state`            settings, outbox and ledger of the test alone, never the user's
`misp_modules_server`  the real misp-modules server with the pack, one for the whole run
`workflow`             runs a workflow file on an event in this process (`misp_workflow.testing.workflows`)
`misp_modules_custom`  override it to serve a folder of your own: its `action_mod/*.py` are loaded as with `-c`

Imports stay inside the fixtures, because pytest loads this file in every project that has the package installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from misp_workflow.testing.receiver import Receiver
    from misp_workflow.testing.server import MispModulesServer
    from misp_workflow.testing.workflows import WorkflowUnderTest


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a free loopback port that answers 200 until told otherwise."""
    from misp_workflow.testing.receiver import Receiver

    with Receiver() as running:
        yield running


@pytest.fixture
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this test's own: empty settings, and what actions send from this process is remembered there only."""
    folder = tmp_path_factory.mktemp("misp-workflow")
    settings = folder / "settings.toml"
    settings.touch(mode=0o600)
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(folder / "state"))
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    yield folder
    if delivery := sys.modules.get("misp_workflow.delivery.deliver"):
        delivery.stop()


@pytest.fixture(scope="session")
def misp_modules_custom() -> Path | None:
    """The folder that the server gets as `-c`: the pack's own, unless misp-modules finds it without."""
    from misp_workflow.testing.server import pack_folder

    return pack_folder()


@pytest.fixture(scope="session")
def misp_modules_server(
    misp_modules_custom: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MispModulesServer]:
    """The real server. Its outbox and settings are in a folder of the test run, never the user's own."""
    pytest.importorskip("misp_modules", reason="misp-modules is not installed: pip install 'misp-modules>=3.1.0'")
    from misp_workflow.testing.server import MispModulesServer

    folder = tmp_path_factory.mktemp("misp-modules")
    settings = folder / "settings.toml"
    settings.touch(mode=0o600)
    settings.write_text("answer_within = 30\n")  # a busy machine must not fail a test
    environment = {"MISP_WORKFLOW_STATE": str(folder / "state"), "MISP_WORKFLOW_CONFIG": str(settings)}
    with MispModulesServer(custom=misp_modules_custom, environment=environment) as server:
        yield server


@pytest.fixture
def workflow(request: pytest.FixtureRequest) -> Callable[..., WorkflowUnderTest]:
    """`workflow("publish.json").run(event)`: a workflow file beside the test, run in this process."""
    from misp_workflow.testing.workflows import workflow_under_test

    folder = request.path.parent
    return lambda source, actions=None: workflow_under_test(source, folder, actions)
