"""What MISP sends to an action of misp-modules, and what it makes of the answer. Mirrors Module_misp_module."""

from __future__ import annotations

from typing import Any

from misp_workflow import php
from misp_workflow.runner.data import conditions
from misp_workflow.runner.data.profiles import REQUESTS_NAME_TIMEOUT
from misp_workflow.runner.modules import moduleapi
from misp_workflow.runner.modules.execution import Call, Outcome

FAMILY = "Action"
APPROVAL = "approval_tag"
"""The parameter of a gate that names the tag which it leaves on the event when it approves."""


def request(call: Call) -> dict[str, Any]:
    """The request's fields in MISP's order: module, data, [filteredItems], params, [matchingData], [timeout]."""
    data = call.data()
    fields: dict[str, Any] = {"module": call.module.name, "data": data}
    if call.module.supports_filters:
        # A filter that selects nothing, or has no operator, makes MISP send everything.
        kept = call.selection()
        fields["filteredItems"] = data if php.empty(kept) else kept
    values = call.values()  # a filter that is MISP's death is so before a template is rendered
    # A parameter with a number for a name gets lost on MISP's side.
    fields["params"] = {name: value for name, value in values.items() if php.int_key(name) is None} or []
    paths = [param for param in call.module.params if param.hash_path]
    if paths:
        found = {param.label: conditions.extract_data(data, values[param.id]) for param in paths}
        fields["matchingData"] = php.from_pairs(found)
    if REQUESTS_NAME_TIMEOUT in call.misp:
        fields["timeout"] = call.around.world.action_timeout
    return fields


def run(call: Call) -> Outcome:
    """Ask the module. Only a truthy "error" in a readable answer is a failure; silence is a success.

    A gate that says yes attaches its approval to the event in MISP, which is part of the yes, also of a scripted one.
    """
    fields = request(call)
    result = call.ask(FAMILY, call.module.name, call.around.world.action_timeout, fields)
    changes = call.around.server.changes(fields["data"])
    for name, arguments in changes:
        call.change(name, *arguments)
    error = moduleapi.error_of(result)
    why = call.record.exchanges[-1].reading
    if error is not None:
        return Outcome(False, [error], why)
    tag = call.node.params.get(APPROVAL)
    if not changes and isinstance(tag, str) and tag.strip() and php.truthy(php.item(result, "data")):
        event = php.item(php.item(fields["data"], "Event"), "id")
        call.around.changes.append(("Event.attachTagsToEventAndTouch", [event, {"tags": [tag.strip()], "local": True}]))
        why = f"{why} Its tag {tag.strip()} counts as attached to the event."
    return Outcome(True, why=why)
