"""Before the first node and after the last: the trigger's data, its refusals, and what is not established or too large.

Mirrors the beginning of Workflow::executeWorkflow.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import profiles, triggers, wire
from misp_workflow.runner.data.profiles import JOBS_GO_BY_FILE
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.modules.catalogue import Module
from misp_workflow.runner.modules.execution import Surroundings
from misp_workflow.runner.walk.records import Run

LARGEST_ARGUMENT = 128 * 1024
"""Bytes of one argument of a process on Linux."""


class NotEstablishedError(Exception):
    """Ends a strict run."""


def in_doubt(module_id: str, params: Mapping[str, Any], world: World) -> str:
    """The sentence on what is not established here. Raises NotEstablishedError where the run is strict."""
    sentence = profiles.doubt(module_id, params, world.misp)
    if sentence and world.strict:
        raise NotEstablishedError(f"{module_id}: {sentence}")
    return sentence


def note_size(done: Run, around: Surroundings) -> None:
    """Say where the data is too large for this MISP to hand to its background worker."""
    if JOBS_GO_BY_FILE in around.world.misp:
        return
    sizes = {f"the job of node {job.node_id}": len(job.data) for job in done.jobs}
    if not done.blocking and done.end != "not started":
        with contextlib.suppress(wire.EncodingError):
            sizes["the trigger, which runs in the background,"] = len(around.encoder.encode(done.data))
    done.notes += [
        f"MISP {around.world.misp.version} loses the data of {what} which is {size // 1024} KiB: above "
        f"{LARGEST_ARGUMENT // 1024} KiB its worker cannot be started, and nothing runs. "
        f"{JOBS_GO_BY_FILE.since} hands it over as a file."
        for what, size in sizes.items()
        if size > LARGEST_ARGUMENT
    ]


def note_block(done: Run, around: Surroundings) -> None:
    """Say where this MISP may go on though the workflow blocked."""
    if done.blocked_by is not None and done.blocking:
        done.notes += filter(None, [profiles.block_in_doubt(done.trigger or "", around.world.misp)])


def plain_data(data: Any) -> Any:
    """A PyMISP event as MISP core format; anything else as it is."""
    if not hasattr(data, "to_json"):
        return data
    event = json.loads(data.to_json())
    return event if "Event" in event else {"Event": event}


def started(done: Run, data: Any, around: Surroundings) -> Node | None:
    """The node to start from, or None with the reason noted. Raises PhpCrash where MISP dies before the first node."""
    workflow = done.workflow
    assert workflow is not None, "a run has its workflow"
    node = workflow.trigger
    module = around.modules.get("trigger", node.module) if node else None
    if node is None or module is None:
        done.notes += filter(None, [triggers.lacking(node.module, around.world.misp) if node else ""])
        raise PhpCrash(
            "TriggerNotFoundException", f"Unknown module `{node.module if node else ''}` for module type `trigger`"
        )
    if not module.enabled or node.module in around.world.disabled_triggers:
        raise PhpCrash("TypeError", "Workflow::executeWorkflow(): Return value must be of type array, bool returned")
    done.blocking = module.blocking
    done.doubt = in_doubt(node.module, node.params, around.world)
    refusal = _refusal(node, module, data)
    if workflow.listed_for not in (None, node.module):
        # MISP looks for the node of the trigger that it knows this workflow by.
        refusal = "Invalid start node `-1`"
    elif str(node.id) not in workflow.graph.nodes:
        raise PhpCrash("Exception", f"Could not find start node {node.id}")
    if not refusal:
        try:
            done.data = triggers.normalize(node.module, data, around.world.rows, around.world.misp)
            refusal = "Error while normalizing data for trigger. Invalid input." if done.data is False else ""
        except PhpCrash as crash:
            refusal = f"Error while normalizing data for trigger. Error:\n{crash.message}"
    if refusal:
        done.success, done.end, done.reason, done.data = False, "not started", refusal, None
        return None
    return workflow.graph.nodes[str(node.id)]  # in a graph stored as a list that is another node


def _refusal(node: Node, module: Module, data: Any) -> str:
    """The one trigger with conditions of its own looks at which tag was attached to what."""
    if module.id != "tag-attached-after-save":
        return ""
    tag = php.item(data, "Tag")
    given = {param.id: node.params.get(param.id) for param in module.params}
    chosen = {param.id: param.default if given[param.id] is None else given[param.id] for param in module.params}
    other_scope = "event" if php.truthy(php.item(tag, "attribute_id")) else "attribute"
    other_locality = "global" if php.truthy(php.item(tag, "local")) else "local"
    refused = (
        php.loose_equal(chosen["scope"], other_scope)
        or php.loose_equal(chosen["locality"], other_locality)
        or not (php.empty(chosen["tag"]) or php.loose_equal(chosen["tag"], php.item(tag, "name")))
    )
    return "Conditions on the trigger are not satisfied to continue the execution" if refused else ""
