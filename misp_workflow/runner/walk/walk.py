"""One run of a workflow, from the trigger's data to its end, recorded step by step.

Mirrors Workflow::executeWorkflow, Workflow::walkGraph, Workflow::executeNode and what WorkflowShell does with the jobs
that concurrent tasks put aside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from misp_workflow import php
from misp_workflow.errors import GraphError, PhpCrash
from misp_workflow.runner.data import wire
from misp_workflow.runner.data.profiles import DISABLED_FILTER_ENDS_PATH
from misp_workflow.runner.data.roaming import RoamingData
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import (
    CONCURRENT_TASK,
    FILTER_RESET,
    MAX_STEPS,
    SETTING_FILTERS,
    Edge,
    Node,
    Path,
    Visit,
    walk,
)
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules import adhoc
from misp_workflow.runner.modules import catalogue as module_list
from misp_workflow.runner.modules.catalogue import Module, Modules
from misp_workflow.runner.modules.execs import exec_of
from misp_workflow.runner.modules.execution import Call, Exec, Job, Outcome, Surroundings
from misp_workflow.runner.modules.logic import LOGIC, NODE_TO_RUN
from misp_workflow.runner.modules.moduleapi import ModuleServer
from misp_workflow.runner.walk.records import End, JobRun, Run, Step, Walk
from misp_workflow.runner.walk.start import NotEstablishedError, in_doubt, note_block, note_size, plain_data, started

STOP_EXECUTION = "stop-execution"
CAUGHT = ("Exception", "SocketException")
"""What MISP takes for a failure of the node; any other exception ends the walk."""
THEN, ELSE = "output_1", "output_2"
MAX_JOBS = 1_000
MAX_DEPTH = 20
NO_DATA = "No data collected."

__all__ = ["End", "JobRun", "Run", "Step", "Walk", "run", "run_job"]


def run(
    workflow: Workflow,
    data: Any,
    server: ModuleServer,
    *,
    world: World | None = None,
    trigger: str | None = None,
    with_jobs: bool = True,
    max_steps: int = MAX_STEPS,
    modules: Modules | None = None,
) -> Run:
    """Run a workflow on what starts its trigger, before the trigger's normalisation.

    data: MISP's rows, MISP core format ({"Event": {…}}), or a PyMISP event. trigger: another one in place of the
    workflow's own. max_steps: after how many nodes, those of background jobs included, to give up.
    modules: what `catalogue.load` made of this server and world, where many runs share it.
    What PHP would crash on ends the run with "crash". GraphError is raised for a graph without end, other errors of
    this package for unusable data.
    """
    if trigger is not None and trigger != workflow.trigger_id:
        workflow = workflow.triggered_by(trigger)
    around = Surroundings(Modules({}), server, world or World(), steps_left=max_steps, trigger=workflow.trigger)
    done = Run(workflow=workflow, trigger=workflow.trigger_id, around=around)
    try:
        around.modules = done.modules = modules or module_list.load(server, around.world)
        data, plain = wire.read(plain_data(data))
        around.encoder.plain = plain and not around.world.rows
        around.run_adhoc = _run_adhoc
        if workflow.is_adhoc:
            _walk_all(done, around, data)
        else:
            _walk_once(done, data, around)
            note_size(done, around)
            note_block(done, around)
    except PhpCrash as crash:
        _crashed(done, crash)
    except NotEstablishedError as doubt:
        _given_up(done, doubt)
        return done
    if with_jobs:
        try:
            _run_jobs(done)
        except NotEstablishedError as doubt:
            _given_up(done, doubt)
    done.notes += dict.fromkeys(around.notes)
    return done


def _given_up(done: Run, doubt: NotEstablishedError) -> None:
    done.success, done.end, done.reason = False, "not established", str(doubt)


def _walk_once(done: Run, data: Any, around: Surroundings) -> None:
    start = started(done, data, around)
    around.start_data = done.data
    if start is not None and done.workflow is not None:
        roaming = RoamingData(done.data, around.world.misp, workflow_id=done.workflow.id)
        _Walker(done.workflow, around, done, blocking=done.blocking).walk(start, roaming)


# --- ad-hoc workflows ------------------------------------------------------------------------------------------------


def _walk_each(workflow: Workflow, around: Surroundings, payload: Any, runs: list[Run]) -> None:
    """One run, added to `runs`, for each input that the ad-hoc trigger collects."""
    assert workflow.trigger is not None, "an ad-hoc workflow has its trigger"
    found = adhoc.inputs(workflow.trigger, payload, around.world)
    around.notes += adhoc.of_search(workflow.trigger, found)
    for data in found:
        one = Run(workflow=workflow, trigger=workflow.trigger_id, around=around, modules=around.modules)
        runs.append(one)
        _walk_once(one, data, around)


def _walk_all(done: Run, around: Surroundings, payload: Any) -> None:
    """Run an ad-hoc workflow by itself."""
    assert done.workflow is not None, "a run has its workflow"
    runs: list[Run] = []
    try:
        _walk_each(done.workflow, around, payload, runs)
    finally:  # what was done stays done, also where MISP dies of the next
        if runs:
            _merge(done, runs)
    if not runs:
        done.success, done.end, done.reason = False, "not started", NO_DATA


def _merge(done: Run, runs: list[Run]) -> None:
    """The result is that of the last run; the errors are those of all."""
    last = runs[-1]
    done.steps = [step for one in runs for step in one.steps]
    done.errors = [error for one in runs for error in one.errors]
    done.success, done.end, done.reason, done.blocking = last.success, last.end, last.reason, last.blocking
    done.executed, done.failed, done.blocked_paths = last.executed, last.failed, last.blocked_paths
    done.blocked_by, done.data = last.blocked_by, last.data


def _run_adhoc(around: Surroundings, trigger_id: str, payload: Any, runs: list[Run]) -> None:
    """Run the ad-hoc workflow of this trigger inside of another run."""
    known = [load(row) for row in around.world.adhoc_workflows]
    workflow = next((one for one in known if trigger_id in (one.listed_for, one.trigger_id)), None)
    if workflow is None or not workflow.is_adhoc:
        around.notes.append(f"{trigger_id} is none of the ad-hoc workflows given to this run.")
        raise PhpCrash("Exception", "Invalid workflow")
    if around.depth >= MAX_DEPTH:
        raise GraphError("The run was given up: ad-hoc workflows call each other without end.")
    kept, before = (around.start_data, around.trigger), len(runs)
    around.depth += 1
    around.trigger = workflow.trigger
    try:
        _walk_each(workflow, around, payload, runs)
    finally:
        around.notes += [f"{step.node.module} in {trigger_id}: {step.doubt}"
                         for one in runs[before:] for step in one.steps if step.doubt]  # fmt: skip
        around.start_data, around.trigger = kept
        around.depth -= 1


def _crashed(done: Walk, crash: PhpCrash) -> None:
    done.success, done.end, done.crash = False, "crash", crash


def _run_jobs(done: Run) -> None:
    """Run what concurrent tasks put aside, in the order in which it was, jobs of jobs last."""
    waiting = done.jobs
    while waiting:
        if len(done.job_runs) >= MAX_JOBS:
            done.reason = (
                f"The run was given up after {MAX_JOBS} background jobs; "
                "concurrent tasks in a cycle make new jobs forever."
            )
            return
        did = run_job(done, waiting.pop(0))
        done.job_runs.append(did)
        waiting.extend(did.jobs)


def run_job(done: Run, job: Job) -> JobRun:
    """Run one job that a concurrent task of this run put aside; `run` does so with all of them."""
    workflow, around = job.workflow or done.workflow, done.around
    assert workflow is not None and around is not None, "a run has its workflow and its surroundings"
    did = JobRun(job=job)
    try:
        start = workflow.graph.nodes.get(str(job.node_id))
        if start is None:
            raise PhpCrash("Exception", f"Could not find start node {job.node_id}")
        roaming = RoamingData(wire.decode(job.data), around.world.misp, workflow_id=workflow.id)
        _Walker(workflow, around, did, blocking=False, in_job=True).walk(start, roaming)
    except PhpCrash as crash:
        _crashed(did, crash)
    return did


class _Walker:
    """Walks one graph once and notes everything in `done`."""

    def __init__(
        self, workflow: Workflow, around: Surroundings, done: Walk, *, blocking: bool, in_job: bool = False
    ) -> None:
        self._workflow = workflow
        self._around = around
        self._done = done
        self._blocking = blocking
        self._in_job = in_job
        self._blocked: set[Path] = set()

    def walk(self, start: Node, roaming: RoamingData) -> None:
        self._roaming = roaming
        for visit in walk(self._workflow.graph, start, self._choose, max_steps=self._around.steps_left):
            self._around.steps_left -= 1
            blocked = self._is_blocked(visit)
            if visit.node.type in ("logic", "trigger"):
                continue  # logic is evaluated when the walk asks where to go on, a trigger is passed by
            if blocked:
                self._done.blocked_paths.append(visit.path)
                self._done.steps.append(
                    Step(visit.node, visit.path, "skipped", why="a node before it failed", on_blocked_path=True)
                )
            elif not self._act(visit):
                return

    def _is_blocked(self, visit: Visit) -> bool:
        if visit.path in self._blocked:
            return True
        if visit.path.before in self._blocked:
            self._blocked.add(visit.path)
        else:
            self._blocked.clear()  # depth first: the walk has left what lies behind the failed node
        return bool(self._blocked)

    # --- actions -----------------------------------------------------------------------------------------------------

    def _act(self, visit: Visit) -> bool:
        """Execute an action. False when the walk ends here."""
        node = visit.node
        module = self._around.modules.get(node.type, node.module)
        self._done.executed.append(node)
        step, outcome = self._execute(visit, module, exec_of(module))
        step.outcome = (
            step.outcome if step.outcome in ("disabled", "unknown") else ("ok" if outcome.success else "error")
        )
        if not outcome.success:
            return self._failed(step, module)
        return True

    def _failed(self, step: Step, module: Module | None) -> bool:
        node = step.node
        self._done.failed.append(node)
        if step.errors:
            text = ", ".join(php.to_string(error) for error in step.errors)
            number = "" if self._workflow.id is None else f" ({self._workflow.id})"
            self._done.errors.append(
                f"Node `{node.module}` ({node.id}) from Workflow `{self._workflow.name}`{number} "
                f"returned the following error: {text}"
            )
        if module is not None and module.blocking:
            self._done.success = False
            self._done.end = "blocked" if node.module == STOP_EXECUTION else "failure"
            self._done.blocked_by = step
            return False
        if not self._blocking:
            self._blocked = {step.path}
        return True

    def _execute(self, visit: Visit, module: Module | None, exec_: Exec | None) -> tuple[Step, Outcome]:
        """Run a module, or say why it does not run. The step is noted before, so that a crash leaves it."""
        node = visit.node
        step = Step(
            node,
            visit.path,
            "skipped",
            data_before=self._roaming.raw,
            filters=self._roaming.filters,
            on_blocked_path=self._is_blocked(visit),
        )
        self._done.steps.append(step)
        step.doubt = in_doubt(node.module, node.params, self._around.world) if module is not None else ""
        step.outcome = "ok"
        started = time.perf_counter()
        try:
            if module is None or exec_ is None:
                step.outcome = "unknown"
                why = module_list.unknown(node.module, self._around.world.misp)
                outcome = Outcome(False, [f"Could not load class for module: {node.module}"], why)
            elif not module.enabled:
                step.outcome = "disabled"
                outcome = Outcome(
                    False, [f"Could not execute disabled module `{node.module}`."], "the module is disabled"
                )
            elif not (isinstance(node.id, bool) or php.is_numeric(node.id)):
                where = "WorkflowRoamingData::setCurrentNode(): Argument #1 ($current_node)"
                raise PhpCrash("TypeError", f"{where} must be of type int, {php.type_name(node.id)} given")
            else:
                outcome = exec_(Call(node, module, self._roaming, self._around, step.record))
        except PhpCrash as crash:
            if crash.kind not in CAUGHT:
                step.outcome = "crash"
                raise
            text = f"Error while executing module {node.module}. Error: {crash.message}"
            step.caught = crash.message
            outcome = Outcome(False, [text], "MISP catches this exception")
        finally:
            step.seconds = time.perf_counter() - started
            step.data_after = self._roaming.raw
        step.why, step.errors = outcome.why, outcome.errors
        if self._in_job and self._workflow.debug and step.outcome != "unknown":
            # In debug mode MISP reports each step, and in a background job that report crashes.
            step.outcome = "crash"
            raise PhpCrash("Error", "Call to a member function createLogEntry() on null")
        return step, outcome

    # --- logic -------------------------------------------------------------------------------------------------------

    def _choose(self, visit: Visit) -> Iterator[Edge]:
        """Which edges to follow from a node; logic modules are evaluated here, also behind a node that failed."""
        node = visit.node
        if node.type != "logic":
            return node.edges()
        module = self._around.modules.get("logic", node.module)
        if node.module == CONCURRENT_TASK:
            self._put_aside(visit, module)
            return iter(())
        step, outcome = self._execute(visit, module, exec_of(module))
        if module is not None and node.module in (*SETTING_FILTERS, FILTER_RESET):
            self._apply_filters(step)
            output = THEN if outcome.success or self._passes_all(node) else ELSE
            step.outcome = "filter" if outcome.success else step.outcome
        else:
            output = THEN if outcome.success else ELSE
            if step.outcome == "ok":
                step.outcome = "then" if outcome.success else "else"
        return iter(node.outputs.get(output, ()))

    def _apply_filters(self, step: Step) -> None:
        """MISP applies filters at once, also where nothing follows; a selector can be its death."""
        try:
            self._roaming.get()
        except PhpCrash:
            step.outcome = "crash"
            raise

    def _passes_all(self, node: Node) -> bool:
        """Whether a filter that does not work lets everything through, or ends its path."""
        if DISABLED_FILTER_ENDS_PATH not in self._around.world.misp:
            return True
        return php.truthy(php.item(php.item(node.raw, "data"), "isFiltering"))

    def _put_aside(self, visit: Visit, module: Module | None) -> None:
        output = php.item(php.item(visit.node.raw, "outputs"), THEN)
        if php.item(output, "connections") is None:
            where = "GraphWalker::_evaluateConcurrentTask(): Argument #3 ($connections)"
            raise PhpCrash("TypeError", f"{where} must be of type array, null given")
        for edge in visit.node.outputs.get(THEN, ()):
            marked = {**dict(php.pairs(self._roaming.get())), NODE_TO_RUN: php.to_int(edge.target)}
            self._roaming.set(marked)
            step, outcome = self._execute(visit, module, LOGIC[CONCURRENT_TASK])
            step.outcome = "queued" if outcome.success else step.outcome
            for job in step.record.jobs:
                job.workflow = self._workflow
