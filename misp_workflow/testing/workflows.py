"""Running workflows in tests: a file, an event, and what came of it.

def test_red_events_stay(workflow):
    result = workflow("publish.json").answer(slack_message="ok").run("red-event.json")
    assert result.end == "blocked"
    assert "tlp:red" in result.reason
    assert result.requests("slack_message") == []
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from misp_workflow.errors import InputError, did_you_mean
from misp_workflow.installed import FOLDER, own_actions
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules.moduleapi import TEMPLATE_MODULE, LocalServer, ModuleServer, Scripted, parse_answer
from misp_workflow.runner.walk.walk import Run, Step, run
from misp_workflow.trial.server import TrialServer

ACTIONS = FOLDER


class Result:
    """What a run came to. `run` is the whole record."""

    def __init__(self, done: Run) -> None:
        self.run = done

    @property
    def end(self) -> str:
        """success, blocked, failure, crash or not started."""
        return self.run.end

    @property
    def success(self) -> bool:
        """Whether MISP goes on with what triggered the workflow."""
        return self.run.success

    @property
    def reason(self) -> str:
        """Why the run did not succeed; "" when it did."""
        if self.run.crash is not None:
            return str(self.run.crash)
        step = self.run.blocked_by
        return "; ".join(map(str, step.errors)) if step is not None else self.run.reason

    @property
    def path(self) -> list[str]:
        """The modules in the order in which they were visited, background jobs last."""
        return [step.node.module for step in self.steps()]

    def steps(self, module: str | None = None) -> list[Step]:
        """The visits of a module, or all of them."""
        walks = [self.run, *self.run.job_runs]
        return [step for walk in walks for step in walk.steps if module in (None, step.node.module)]

    def step(self, module: str) -> Step:
        """The only visit of a module; AssertionError when there is none, or more than one."""
        found = self.steps(module)
        assert len(found) == 1, f"{module} was visited {len(found)} times on the way {' → '.join(self.path)}"
        return found[0]

    def requests(self, module: str) -> list[dict[str, Any]]:
        """The requests that a Python module was sent, decoded, as they were on the wire."""
        return [json.loads(one.body()) for step in self.steps(module) for one in step.exchanges if one.module == module]

    def answers(self, module: str) -> list[Any]:
        """What the module answered, decoded; false where MISP could make nothing of it."""
        return [one.result for step in self.steps(module) for one in step.exchanges if one.module == module]


class WorkflowUnderTest:
    """A workflow, ready to be run on events. Its actions run in this process, through JSON as in misp-modules."""

    def __init__(self, workflow: Workflow, folder: Path, actions: Iterable[Path] | None = None) -> None:
        self.workflow = workflow
        self._folder = folder
        self._actions = own_actions() if actions is None else list(actions)
        self._script: dict[str, list[dict[str, Any]]] = {}

    def answer(self, **answers: str | Iterable[str]) -> WorkflowUnderTest:
        """Let modules give answers instead of being asked: ok, error:TEXT, timeout, down, raises, http500, badjson."""
        for module, given in answers.items():
            texts = [given] if isinstance(given, str) else list(given)
            self._script[module] = [parse_answer(f"{module}={text}")[1] for text in texts]
        return self

    def run(self, event: Any, *, trigger: str | None = None, world: World | None = None, send: bool = False) -> Result:
        """Run on an event: MISP's data, a PyMISP object, or the name of a JSON file beside the test.

        Dry unless `send`: nothing is sent, asked, changed in MISP, kept or remembered, whatever settings are in force.
        """
        return Result(run(self.workflow, self._data(event), self._server(send), world=world, trigger=trigger))

    def _server(self, send: bool) -> ModuleServer:
        local = LocalServer(self._actions) if send else TrialServer(self._actions)
        if not self._script:
            return local
        known = [str(one.get("name")) for one in local.modules()]
        known += [node.module for node in self.workflow.graph.nodes.values()] + ["http", TEMPLATE_MODULE]
        for name in self._script.keys() - set(known):
            raise InputError(
                f"An answer is scripted for “{name}”, and nothing is called so{did_you_mean(name, known)}."
            )
        return Scripted(local.modules(), self._script, local)

    def _data(self, event: Any) -> Any:
        if isinstance(event, (str, Path)):
            event = json.loads((self._folder / event).read_bytes())
        elif hasattr(event, "to_json"):
            event = {"Event": json.loads(event.to_json())}
        if isinstance(event, dict) and isinstance(event.get("data"), dict) and "params" in event:
            return event["data"]  # a captured request
        return event


def workflow_under_test(
    source: str | Path | dict[str, Any] | Workflow, folder: Path, actions: Iterable[str | Path] | None = None
) -> WorkflowUnderTest:
    """Read a workflow: a file beside the test, MISP's export as data, or a Workflow; `actions` are folders."""
    if isinstance(source, (str, Path)):
        source = load((folder / source).read_bytes())
    elif isinstance(source, dict):
        source = load(source)
    return WorkflowUnderTest(source, folder, [folder / one for one in actions] if actions else None)
