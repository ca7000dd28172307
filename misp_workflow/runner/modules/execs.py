"""What executes each module: logic, MISP's own actions, Python ones."""

from __future__ import annotations

from collections.abc import Mapping

from misp_workflow.runner.modules import adhoc, builtins, misp_module
from misp_workflow.runner.modules.catalogue import Module
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.runner.modules.logic import LOGIC

ACTIONS: Mapping[str, Exec] = {**builtins.ACTIONS, **adhoc.ACTIONS}


def exec_of(module: Module | None) -> Exec | None:
    """What executes a module; None for one that is not known."""
    if module is None:
        return None
    if module.type == "trigger":
        return _trigger
    if module.type == "logic":
        return LOGIC.get(module.id)
    if module.is_python:
        return misp_module.run
    return ACTIONS.get(module.id)


def _trigger(call: Call) -> Outcome:
    del call
    return Outcome(True, why="a trigger does nothing by itself")
