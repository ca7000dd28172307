"""The engine in the terms of the recorded cases: `evaluate(op, case_input)` answers what the recordings call `expected`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import adapter_data

from misp_workflow import php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import profiles, wire
from misp_workflow.runner.data.triggers import TRIGGERS
from misp_workflow.runner.data.world import SYSTEM_USER, World
from misp_workflow.runner.graph import graph as graphs
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules import catalogue as module_list
from misp_workflow.runner.modules.execution import Exchange, Job, Record
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk import single
from misp_workflow.runner.walk.walk import NO_DATA, JobRun, Run, Walk, run, run_job

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
    except InputError as error:  # a module that nobody knows: PHP calls a method on null
        return {"exception": {"class": "Error", "message": str(error)}}


def _world(case: Case) -> World:
    given = case.get("world") or {}
    return World(
        misp=_profile(case.get("misp_version", "2.5.1")),
        rows={"events": {}, **given},
        disabled_modules=frozenset(given.get("disabled_modules") or ()),
        disabled_triggers=frozenset(given.get("disabled_triggers") or ()),
        disabled_services=frozenset(given.get("services_disabled") or ()),
        arbitrary_urls=given.get("arbitrary_urls", True),
        now=given.get("now", 1700000000),
        baseurl=given.get("baseurl", "https://misp.example.test"),
        user_id=given.get("current_user_id", 0),
        background_jobs=given.get("background_jobs", True),
        adhoc_workflows=given.get("adhoc_workflows") or [],
        rest_search=given.get("rest_search") or [],
        fetched_events=given.get("fetched_events"),
        known_tags=frozenset(given.get("known_tags") or ()),
        countries=frozenset(given["countries"]) if "countries" in given else None,
        files=given.get("files") or {},
        enrichment_modules=given.get("enrichment_modules") or [],
        warninglists=given.get("warninglists") or [],
        user=given.get("user", RECORDERS_USER) or SYSTEM_USER,
        model_returns=given.get("model_returns", YES if case.get("misp_version", "2.5.1") == "2.5.1" else {}) or {},
    )


RECORDERS_USER = {
    "email": "SYSTEM",
    "id": 0,
    "org_id": 1,
    "Role": {"perm_site_admin": True, "perm_add": True, "perm_publish": True, "perm_tagger": True},
    "Organisation": {"id": 1, "name": "ORGNAME", "uuid": "00000000-0000-4000-8000-000000000001"},
}
"""Who modules were told to be asked by in the first recordings; a running MISP says more of its system user."""

YES = {
    "Event.attachTagsToEventAndTouch": True,
    "Event.detachTagsFromEventAndTouch": True,
    "Attribute.attachTagsFromAttributeAndTouch": True,
    "Attribute.detachTagsFromAttributeAndTouch": True,
    "Attribute.editAttribute": True,
    "Event.enrichment": True,
}
"""The first recorder's database said yes to whatever it was asked; cases of a running MISP bear a world without."""


def _profile(version: str) -> profiles.Profile:
    """The profile of "2.5.19", or of a version with single later files, which no release holds."""
    number, _, later = version.partition(" ")
    if not later:
        return profiles.profile(number)
    later_files = (profiles.THREAT_LEVEL_BY_KEY, profiles.EVENT_WITHOUT_TAGS_TAKES_TAGS)
    return profiles.profile(number).having(*later_files, modules_of=profiles.NEWEST)


def _server(case: Case) -> Scripted:
    down = (case.get("world") or {}).get("modules_down")
    return Scripted(None if down else case.get("modules") or [], case.get("responses") or {})


# --- what is recorded of a walk ---------------------------------------------------------------------------------------


def _query(exchange: Exchange) -> dict[str, Any]:
    timeout = int(exchange.timeout)
    return {
        "family": exchange.family,
        "timeout": timeout,
        "module": exchange.module,
        "body": json.loads(exchange.body()),
    }


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


def _workflow(row: Case) -> Workflow:
    return Workflow(
        id=row["id"],
        name=row["name"],
        graph=graphs.Graph.parse(row["data"]),
        debug=php.truthy(row.get("debug_enabled")),
    )


def walk(case: Case) -> Any:
    done = run(_workflow(case["workflow"]), case["trigger_data"], _server(case), world=_world(case), with_jobs=False)
    jobs, job_runs = _jobs(done, run_them=bool(case.get("run_jobs")))
    if done.crash is not None:
        found = {"crash": {"class": done.crash.kind}, "errors": done.errors, **_recorded(done)}
    elif done.end == "not started":
        found = {"success": False, "outcomeText": _outcome_text(done), "not_walked": True}
        if done.reason == NO_DATA:
            found |= {"outcomeText": None, "message_": NO_DATA}
    else:
        found = {**_walked(done), "outcomeText": _outcome_text(done)}
    files = _files(done.around.files) if done.around else {}
    return {**found, "files": files, "jobs": jobs, "job_runs": job_runs}


def _jobs(done: Run, run_them: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The jobs and what they did, as the recorder saw them.

    It numbered the jobs of each process from 1 and kept them by number: a later job took the place of an earlier one of
    the same number, also of one that had not run yet. Real jobs have numbers of their own.
    """
    queue: list[tuple[int, Job]] = []

    def put(jobs: list[Job]) -> None:
        for number, job in enumerate(jobs, 1):
            queue[:] = [(known, job if known == number else old) for known, old in queue]
            queue.append((number, job))

    put(done.jobs)
    runs = []
    while run_them and len(runs) < len(queue):
        number, job = queue[len(runs)]
        did = run_job(done, job)
        runs.append({"job_id": number, "node_id": job.node_id, **_job_run(did)})
        put(did.jobs)
    return [_job(number, job) for number, job in queue], runs


def _job_run(did: JobRun) -> dict[str, Any]:
    if did.crash is None:
        return _walked(did)
    nothing: dict[str, Any] = {"errors": [], "executed_nodes": [], "blocking_nodes": [], "blocked_paths": []}
    return {"crash": {"class": did.crash.kind}, **nothing, **_recorded(did)}


def _job(number: int, job: Job) -> dict[str, Any]:
    return {
        "job_id": number,
        "type": "workflowParallelTask",
        "cmd": "walkGraph",
        "node_id": job.node_id,
        "path_type": "non-blocking",
        "data": json.loads(job.data),
    }


# --- a trigger fires --------------------------------------------------------------------------------------------------


def trigger_router(case: Case) -> Any:
    """A trigger that is unknown, disabled or without workflow is a success; a non-blocking one goes to a job."""
    trigger, world = case["trigger_id"], _world(case)
    known = TRIGGERS.get(trigger)
    if known is None or trigger in world.disabled_triggers or not case["workflows"]:
        return {"success": True, "errors": []}
    inline = not world.background_jobs and profiles.TRIGGERS_RUN_INLINE in world.misp
    if not known.blocking and not inline:
        return {"success": True, "errors": [], "jobs": [_router_job(case)]}
    row = case["workflows"][0]
    done = run(replace(_workflow(row), listed_for=trigger), case["data"], _server(case), world=world, with_jobs=False)
    if done.crash is not None:
        raise done.crash
    jobs = [_parallel_job(job, row["id"]) for job in done.jobs]
    errors = [done.reason] if done.end == "not started" else done.errors
    return {"success": done.success, "errors": errors, "jobs": jobs, **_recorded(done)}


def _router_job(case: Case) -> dict[str, Any]:
    trigger = case["trigger_id"]
    data, logging = (wire.encode(wire.as_php(case.get(key) or [])).decode() for key in ("data", "logging"))
    return {
        "job_id": 1,
        "user": "SYSTEM",
        "type": "executeWorkflowForTrigger",
        "input": f"Workflow for trigger `{trigger}`",
        "queue": "prio",
        "command": "workflow",
        "args": ["executeWorkflowForTrigger", trigger, data, logging, 1, None],
    }


# --- one module -------------------------------------------------------------------------------------------------------


def module_exec(case: Case) -> Any:
    data = case["data"]
    if levels := case.get("deep_levels"):
        data = {**data, "data": {"deep": _nested(levels)}}
    before = wire.as_php(data)
    done = single.execute(
        case["module_id"],
        data,
        graphs.as_mapping(case.get("indexed_params")),
        _server(case),
        world=_world(case),
        convert=False,
        module_type=case["module_type"],
        filters=graphs.as_mapping(case.get("saved_filters")),
        workflow_id=1,
    )
    found = {"success": done.success, "errors": done.errors, "queries": _queries([done.record])}
    if not case.get("no_data"):
        after = done.roaming.raw
        found["data_changed"] = wire.encode(before) != wire.encode(after)
        if found["data_changed"]:
            found["data_after"] = after
    if case.get("with_effective"):
        found["effective_data"] = done.roaming.get()
    return {**found, "files": _files(done.files), "jobs": [_parallel_job(job, 1) for job in done.record.jobs]}


def _files(files: Mapping[str, str]) -> dict[str, str]:
    """The files by name, where a name says when it was made as the recordings write it."""
    return {
        re.sub(r"snapshot-[0-9-]+-[0-9a-f]+$", "snapshot-<when>-<random>", name): text for name, text in files.items()
    }


def _nested(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"a": value}
    return value


def stateless(case: Case) -> Any:
    done = single.execute(
        case["module_id"],
        case["input_data"],
        case["param_data"],
        _server(case),
        world=_world(case),
        convert=case["convert_data"],
    )
    jobs = [_parallel_job(job, None) for job in done.record.jobs]
    found = {"success": done.success, "errors": done.errors, "queries": _queries([done.record]), "jobs": jobs}
    return found if done.filtered is None else {**found, "filtered_data": done.filtered}


def _parallel_job(job: Job, workflow_id: int | None) -> dict[str, Any]:
    return {
        "job_id": job.number,
        "user": "SYSTEM",
        "type": "workflowParallelTask",
        "input": f"Workflow ID: {'' if workflow_id is None else workflow_id}",
        "queue": "prio",
        "command": "workflow",
        "args": ["walkGraph", workflow_id, job.node_id, job.data.decode(), "non-blocking", job.number],
    }


# --- graphs and modules -----------------------------------------------------------------------------------------------


def graph(case: Case) -> Any:
    stored, world = graphs.Graph.parse(case["graph"]), _world(case)
    modules = module_list.load(_server(case), world)
    cycle = graphs.cycle(stored)
    multiple = graphs.multiple_connections(stored)
    warnings = graphs.path_warnings(stored, lambda node: _blocks(modules, node))
    triggers = [node.module for node in stored.triggers]
    return {
        "acyclic": {"is_acyclic": not cycle, "cycles": [[start.id, end.id, "Cycle"] for start, end in cycle]},
        "multiple_output_connection": {
            "has": bool(multiple),
            "edges": {key: [int(target) for target in targets] for key, targets in multiple.items()},
        },
        "has_one_trigger": len(triggers) == 1,
        "has_acyclic_graph": not cycle,
        "satisfies_multiple_connection_condition": not multiple,
        "path_warnings": {
            "has": bool(warnings),
            "edges": [
                [
                    warning.source,
                    warning.target,
                    graphs.BLOCKING_AFTER_CONCURRENT,
                    True,
                    warning.blocking_node.module,
                    warning.blocking_node.id,
                ]
                for warning in warnings
            ],
        },
        "trigger": triggers[0] if triggers else None,
        "triggers": triggers,
        "concurrent_nodes": [node.id for node in stored.find(graphs.CONCURRENT_TASK)],
        "filter_nodes": [node.id for node in stored.nodes.values() if node.module in graphs.SETTING_FILTERS],
        "connection_labels": _or_crash(lambda: graphs.filter_labels(stored)),
        "notifications": _or_crash(lambda: module_list.notices(stored, modules, world)),
    }


def _blocks(modules: module_list.Modules, node: graphs.Node) -> bool:
    module = modules.get(node.type, node.module)
    return module is not None and module.blocking


def _or_crash(compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except PhpCrash as crash:
        return {"crash": crash.kind}


def module_config(case: Case) -> Any:
    return module_list.config_of(module_list.load(_server(case), _world(case)), case["module_type"], case["module_id"])


def list_modules(case: Case) -> Any:
    return module_list.list_of(module_list.load(_server(case), _world(case)), case["module_type"])


OPERATIONS: dict[str, Callable[[Case], Any]] = {
    "graph": graph,
    "list_modules": list_modules,
    "module_config": module_config,
    "module_exec": module_exec,
    "stateless": stateless,
    "trigger_router": trigger_router,
    "walk": walk,
}
