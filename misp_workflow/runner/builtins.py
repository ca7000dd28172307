"""MISP's own actions (first slice)."""

from __future__ import annotations
from collections.abc import Mapping
from misp_workflow import php
from misp_workflow.runner.execution import Call, Exec, Outcome


def stop_execution(call: Call) -> Outcome:
    message = call.values()["message"]
    return Outcome(False, ["Execution stopped" if php.empty(message) else message])


ACTIONS: Mapping[str, Exec] = {"stop-execution": stop_execution}
