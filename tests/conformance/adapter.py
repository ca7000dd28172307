"""The engine in the terms of the recorded cases: `evaluate(op, case_input)` answers what the recordings call `expected`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import adapter_data

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner import graph as graphs
from misp_workflow.runner import modules as module_list
from misp_workflow.runner import wire
from misp_workflow.runner.execution import Exchange, Job, Record
from misp_workflow.runner.moduleapi import TEMPLATE_MODULE, Scripted
from misp_workflow.runner.walk import Run, Walk, run
from misp_workflow.runner.workflow import Workflow
from misp_workflow.runner.world import World

Case = dict[str, Any]


def evaluate(op: str, case: Case) -> dict[str, Any]:
    """What we make of the case: {"value": …} or {"exception": {"class": …, "message": …}}."""
    if op not in OPERATIONS:
        answer = adapter_data.evaluate(op, case)
        assert answer is not None, f"no operation {op}"
        return answer
    try:
        return {"value": OPERATIONS[op](case)}
    except PhpCrash as crash:
        return {"exception": {"class": crash.kind, "message": crash.message}}


def _world(case: Case) -> World:
    given = case.get("world") or {}
    return World(
        rows=given,
        disabled_modules=frozenset(given.get("disabled_modules") or ()),
        disabled_triggers=frozenset(given.get("disabled_triggers") or ()),
        arbitrary_urls=given.get("arbitrary_urls", True),
        enrichment_modules=given.get("enrichment_modules") or [],
        warninglists=given.get("warninglists") or [],
        model_returns=given.get("model_returns") or {},
    )


def _server(case: Case) -> Scripted:
    down = (case.get("world") or {}).get("modules_down")
    return Scripted(None if down else case.get("modules") or [], case.get("responses") or {})


# --- what is recorded of a walk ---------------------------------------------------------------------------------------


def _query(exchange: Exchange) -> dict[str, Any]:
    timeout = int(exchange.timeout)
    return {"family": exchange.family, "timeout": timeout, "module": exchange.module, "body": json.loads(exchange.body())}


def _queries(records: list[Record]) -> list[dict[str, Any]]:
    return [_query(exchange) for record in records for exchange in record.exchanges if exchange.size]


def _ids(nodes: list[graphs.Node]) -> list[Any]:
    return [node.id for node in nodes]


def _recorded(walked: Walk) -> dict[str, Any]:
    return {"queries": _queries([step.record for step in walked.steps])}


def _walked(walked: Walk) -> dict[str, Any]:
    return {
        "success": walked.success,
        "errors": walked.errors,
        "executed_nodes": _ids(walked.executed),
        "blocking_nodes": _ids(walked.failed),
        "blocked_paths": [[str(edge) for edge in path] for path in walked.blocked_paths],
        **_recorded(walked),
    }


def _outcome_text(done: Run) -> str:
    return f"failure {done.reason}" if done.end == "not started" else done.end


def walk(case: Case) -> Any:
    row = case["workflow"]
    workflow = Workflow(
        id=row["id"],
        name=row["name"],
        graph=graphs.Graph.parse(row["data"]),
        debug=php.truthy(row.get("debug_enabled")),
    )
    done = run(workflow, case["trigger_data"], _server(case), world=_world(case), with_jobs=bool(case.get("run_jobs")))
    jobs, job_runs = _jobs(done), [_job_run(job_run) for job_run in done.job_runs]
    if done.crash is not None:
        found = {"crash": {"class": done.crash.kind}, "errors": done.errors, **_recorded(done)}
    elif done.end == "not started":
        found = {"success": False, "outcomeText": _outcome_text(done), "not_walked": True}
    else:
        found = {**_walked(done), "outcomeText": _outcome_text(done)}
    return {**found, "jobs": jobs, "job_runs": job_runs}


def _job_run(did: Any) -> dict[str, Any]:
    found = {"job_id": did.job.number, "node_id": did.job.node_id}
    if did.crash is None:
        return {**found, **_walked(did)}
    return {
        **found,
        "crash": {"class": did.crash.kind},
        "errors": [],
        "executed_nodes": [],
        "blocking_nodes": [],
        "blocked_paths": [],
        **_recorded(did),
    }


def _jobs(done: Run) -> list[dict[str, Any]]:
    """The recorder keeps jobs by their number, which starts anew in each job: a later one shows in the earlier's place."""
    jobs = [*done.jobs, *(job for did in done.job_runs for job in did.jobs)]
    return [_job({job.number: job for job in jobs}[job.number]) for job in jobs]


def _job(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.number,
        "type": "workflowParallelTask",
        "cmd": "walkGraph",
        "node_id": job.node_id,
        "path_type": "non-blocking",
        "data": json.loads(job.data),
    }


OPERATIONS: dict[str, Callable[[Case], Any]] = {
    "walk": walk,
}
