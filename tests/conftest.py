"""What every test has: isolation from the user's own settings and outbox, and real peers or a reason to skip."""

from __future__ import annotations

import gc
import itertools
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from brokers import Brokers

CAPTURES = Path(__file__).parent / "captures"
_COUNT = itertools.count()

# The suite starts Python hundreds of times: unless compiled modules are kept, each start compiles all it needs anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How long an example takes depends on the machine, never on whether the code is right.
hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.register_profile("quick", deadline=None, max_examples=10)
# Where nobody reads which example failed, none is made smaller (`make mutants`).
hypothesis_settings.register_profile(
    "mutants", deadline=None, max_examples=10, database=None, phases=[Phase.explicit, Phase.generate]
)
hypothesis_settings.load_profile("house")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers run the tests: begin with those that mostly wait."""
    waiting = [item for item in items if item.get_closest_marker("waits")]
    if waiting and (workers := getattr(config, "workerinput", {}).get("workercount", 1)) > 1:
        from order import ordered  # here, because a copy of this file serves the tests of one's own actions

        waiting.sort(
            key=lambda item: not {"rabbitmq", "amqp"} & set(re.split(r"\W", item.nodeid))
        )  # it is started once
        items[:] = ordered(waiting, [item for item in items if not item.get_closest_marker("waits")], workers)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is collected is garbage: to look for some takes each worker a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Twelve thousand tests stay as they are: nobody who looks for garbage need look through them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the operator's settings, whatever the machine it runs on."""
    folder = tmp_path_factory.mktemp("misp-workflow")
    settings = folder / "settings.toml"
    patch = pytest.MonkeyPatch()
    patch.setenv("MISP_WORKFLOW_STATE", str(folder / "state"))
    patch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    patch.setattr("misp_workflow.settings.file.LOOK_EVERY", 0.0)  # what a test writes, it wants to be read
    # A busy machine must not fail a test: those of deadlines set their own.
    settings.touch(mode=0o600)
    patch.setattr("misp_workflow.settings.model.Settings.answer_within", 30.0)
    patch.setattr("misp_workflow.runner.modules.moduleapi.LIST_TIMEOUT", 60.0)
    patch.setattr("misp_workflow.delivery.warninglists.PATIENCE", 120.0)
    patch.setattr("misp_workflow.delivery.ledger.background.PATIENCE", 60.0)
    patch.setattr("misp_workflow.template.limits.MAX_TIME", 120.0)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _own_outbox(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test finds what another one sent or left waiting; what it started itself is stopped."""
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path_factory.getbasetemp() / f"state-{next(_COUNT)}"))
    yield
    if delivery := sys.modules.get("misp_workflow.delivery.deliver"):
        delivery.stop()


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts settings in force for this test, from their text; returns the file."""
    path = tmp_path / "settings.toml"

    def write(text: str) -> Path:
        path.write_text(text)
        path.chmod(0o600)
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(path))
        return path

    return write


@pytest.fixture(autouse=True)
def _nothing_kept_between_mutants() -> None:
    """What a function has kept would speak for it where a mutation of what it calls is tried (`make mutants`)."""
    if "MUTANT_UNDER_TEST" in os.environ:
        for name in [name for name in sys.modules if name.startswith("misp_workflow.")]:
            for value in vars(sys.modules[name]).values():
                if clear := getattr(value, "cache_clear", None):
                    clear()


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Return the path of a program that a test needs; skip the test, with the reason, where it is missing.

    Continuous integration installs them all and sets MISP_WORKFLOW_TEST_PEERS=required: there it is a failure.
    """

    def find(name: str) -> str:
        if path := shutil.which(
            name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
        ):
            return path
        reason = f"{name} is not installed here"
        if os.environ.get("MISP_WORKFLOW_TEST_PEERS") == "required":
            pytest.fail(f"{reason}; add its package to .ci/run")
        pytest.skip(reason)

    return find


@pytest.fixture(scope="session")
def brokers(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """Real brokers: `with brokers("redis") as broker`, or "rabbitmq"."""
    from brokers import Brokers  # here, because a copy of this file serves the tests of one's own actions

    found = Brokers(program, tmp_path_factory)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def captures() -> dict[str, Any]:
    """The request bodies that a real MISP sent, by trigger or variant: {"event-publish": {"module": …, "data": …}}."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(CAPTURES.glob("*.json"))}


@pytest.fixture(scope="session")
def misp_stix() -> None:
    """misp-stix, loaded, so that no test waits for it; skips where it is not installed."""
    from misp_workflow.delivery import stix

    try:
        assert stix.ready(time.monotonic() + 120)
    except stix.StixMissingError as error:
        pytest.skip(str(error))
