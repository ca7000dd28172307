"""What MISP sends to an action of misp-modules, and what it makes of the answer. Mirrors Module_misp_module."""

from __future__ import annotations

from typing import Any

from misp_workflow import php
from misp_workflow.runner.data import conditions
from misp_workflow.runner.modules import moduleapi
from misp_workflow.runner.modules.execution import Call, Outcome

FAMILY = "Action"


def request(call: Call) -> dict[str, Any]:
    """The request's fields in MISP's order: module, data, [filteredItems], params, [matchingData]."""
    values = call.values()
    data = call.data()
    fields: dict[str, Any] = {"module": call.module.name, "data": data}
    if call.module.supports_filters:
        # A filter that selects nothing makes MISP send everything.
        kept = call.matching()
        fields["filteredItems"] = data if php.empty(kept) else kept
    # A parameter with a number for a name gets lost on MISP's side.
    fields["params"] = {name: value for name, value in values.items() if php.int_key(name) is None} or []
    paths = [param for param in call.module.params if param.hash_path]
    if paths:
        found = {param.label: conditions.extract_data(data, values[param.id]) for param in paths}
        fields["matchingData"] = php.from_pairs(found)
    return fields


def run(call: Call) -> Outcome:
    """Ask the module. Only a truthy "error" in a readable answer is a failure; silence is a success."""
    fields = request(call)
    result = call.ask(FAMILY, call.module.name, call.around.world.action_timeout, fields)
    for name, arguments in call.around.server.changes(fields["data"]):
        call.change(name, *arguments)
    error = moduleapi.error_of(result)
    why = call.record.exchanges[-1].reading
    return Outcome(True, why=why) if error is None else Outcome(False, [error], why)
