"""Ad-hoc workflows: what they are run on, and the action that runs them.

Mirrors Module_run_workflow and the AdHocTrigger's way of collecting data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import wire
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.modules import moduleapi
from misp_workflow.runner.modules.builtins import read_anew
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.words import counted

_SEPARATOR = " :: "


def run_workflow(call: Call) -> Outcome:
    """Run each chosen workflow with what is passed on; what becomes of them does not matter to the caller.

    Raises PhpCrash for a workflow that is disabled, and for an event that is gone afterwards.
    """
    values = call.values()
    chosen = [name for name in php.values(php.to_array(values["workflows"])) if isinstance(name, str) and name]
    if not chosen:
        return Outcome(False, ["No workflow selected"])
    payload = _payload(call, values["input_data"])
    try:
        for name in chosen:
            call.around.run_adhoc(call.around, name.partition(_SEPARATOR)[0], payload, call.record.nested)
    finally:  # what was done stays done, also where MISP dies of the next
        for done in call.record.nested:
            call.record.exchanges += done.exchanges
            call.record.effects += done.effects
            call.record.jobs += done.jobs
    read_anew(call)
    return Outcome(True, why=f"ran {', '.join(chosen)}, {counted(len(call.record.nested), 'time')} in all")


def _payload(call: Call, kind: Any) -> Any:
    if kind == "roaming_data":
        return call.data()
    if kind != "event_ids":
        return []
    if not call.has_filter:
        return {"eventid": [php.item(php.item(call.data(), "Event"), "uuid")]}
    found = call.matching()
    return {"eventid": hashpath.extract(found, "{n}.uuid") if php.truthy(found) else True}


def inputs(trigger: Node, payload: Any, world: World) -> list[Any]:
    """The data that an ad-hoc workflow runs on, one run each, as its trigger's parameters say.

    Raises PhpCrash for filters that are no JSON. What a search would find must be given.
    """
    scope = trigger.params.get("scope", "events")
    if scope == "passed_roaming_data":
        return [payload]
    if scope == "passed_event_ids":
        return [] if php.item(payload, "Event") is not None else list(world.rest_search)
    if scope != "events":
        return []
    filters = moduleapi.render(php.to_string(trigger.params.get("filters")), payload or {})
    try:
        wire.decode(filters.encode("utf-8", "surrogatepass"))
    except InputError as error:
        raise PhpCrash("Exception", "Syntax error") from error
    return list(world.rest_search)


def of_search(trigger: Node, found: list[Any]) -> list[str]:
    """What to say of a search whose outcome is not known here."""
    scope = trigger.params.get("scope", "events")
    if scope == "passed_roaming_data":
        return []
    said = "what this run was given stands for what it finds" if found else "it found none here, and does nothing"
    return [f"{trigger.module} looks for events itself (scope {scope}): {said}."]


ACTIONS: Mapping[str, Exec] = {"run-workflow": run_workflow}
