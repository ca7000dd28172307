"""MISP's own actions. What they would do outside of the data in hand is noted as an effect, and done by nobody.

Mirrors MISP's WorkflowModules/action: Module_stop_execution, Module_push_zmq, Module_webhook, Module_publish_event,
Module_reload_full_event and the others that stand neither in attributes.py nor in tags.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import conditions, coreformat, wire
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.modules import attributes, changes, moduleapi, tags
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.runner.modules.moduleapi import NoAnswerError


def stop_execution(call: Call) -> Outcome:
    message = call.values()["message"]
    return Outcome(False, ["Execution stopped" if php.empty(message) else message], "it always stops")


def blueprint(call: Call) -> Outcome:
    """The template for actions of one's own, a copy of stop-execution that is not blocking."""
    del call
    return Outcome(False, ["Execution stopped"], "the template of actions always fails")


def push_zmq(call: Call) -> Outcome:
    found = conditions.extract_data(call.data(), call.values()["data_extraction_path"])
    call.effect("zmq", "misp_json_workflow", found)
    return Outcome(True, why="pushed to ZeroMQ")


def publish_event(call: Call) -> Outcome:
    event_id = php.item(php.item(call.data(), "Event"), "id")
    call.effect("database", "Event.publish", [event_id])
    # Anything but true is taken for a failure, and nobody is told.
    published = call.around.world.model_returns.get("Event.publish", True) is True
    return Outcome(published, why="the event would be published" if published else "MISP did not publish the event")


def reload_full_event(call: Call) -> Outcome:
    """Take the event from MISP's database anew: the world's row, or else the event as the run began.

    Either way with what MISP's own actions changed in this run. Only when the trigger's node says `misp_core_format` in
    the stored graph, as the editor writes it there; else nothing is reloaded, and the action succeeds all the same.
    Raises PhpCrash for an event that is gone from the database.
    """
    if not _says_core_format(call.around.trigger):
        return Outcome(True, why="nothing was reloaded: the trigger's node in the stored graph lacks misp_core_format")
    event_id = php.item(php.item(call.data(), "Event"), "id")
    rows = call.around.world.rows
    row = coreformat.find_row(rows, "events", event_id)
    if row is not None:
        data = coreformat.convert(row, "event", rows)
        source = "the row given"
    elif rows.get("events"):
        raise PhpCrash(
            "TypeError", "WorkflowFormatConverterTool::convert(): Argument #1 ($data) must be of type array, null given"
        )
    elif call.around.start_data is not None:
        data, source = call.around.start_data, "the event as the run began"
    else:
        return Outcome(True, why=f"event {event_id} is not among the rows given; the data stays")
    call.roaming.set(changes.after(data, call.around.changes))
    return Outcome(True, why=f"event {event_id} read anew: {source}, with the changes that this run made")


def _says_core_format(trigger: Node | None) -> bool:
    # A module on its own runs in no graph, and so is told nothing by one.
    return trigger is None or php.truthy(php.item(php.item(trigger.raw, "data"), "misp_core_format"))


# --- webhooks --------------------------------------------------------------------------------------------------------

_METHODS = ("get", "post", "put", "delete")
_CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
_NOT_ALLOWED = (401, 403)
_USER_AGENT = "MISP 2.5.1"


def webhook(call: Call) -> Outcome:
    """Note the request. Nobody sends it; where the world scripts an answer, it is read as MISP reads it."""
    values = call.values()
    if not call.around.world.arbitrary_urls:
        return Outcome(False, ["`Security.rest_client_enable_arbitrary_urls` is turned off"])
    if php.empty(values["url"]):
        return Outcome(False, ["URL not provided."])
    method = values["request_method"]
    if method not in _METHODS:
        raise PhpCrash("Error", "Call to a member function isOk() on null")
    as_form = values["content_type"] == "form"
    request = {
        "method": method.upper(),
        "url": values["url"],
        "data": _payload(values["payload"], call.data(), as_form),
        "headers": {
            "Accept": "application/json",
            "Content-Type": _CONTENT_TYPES["form" if as_form else "json"],
            "User-Agent": _USER_AGENT,
            **_headers(values["headers"]),
        },
    }
    return _sent(call, request)


def _sent(call: Call, request: dict[str, Any]) -> Outcome:
    call.effect("webhook", f"{request['method']} {request['url']}", request)
    try:
        answer = call.around.server.webhook(request)
    except NoAnswerError as error:
        return Outcome(False, [f"Something went wrong while sending the request. Error returned: {error}"])
    if answer is not None and answer.status in _NOT_ALLOWED:
        return Outcome(False, ["Authentication failed."])
    if answer is not None and answer.status not in moduleapi.OK_CODES:
        body = answer.body.decode("utf-8", "replace")
        return Outcome(
            False, [f"Something went wrong with the request or the remote side is having issues. Body returned: {body}"]
        )
    return Outcome(True, why="nobody sent it" if answer is None else f"HTTP {answer.status}")


def _payload(payload: Any, data: Any, as_form: bool) -> Any:
    """A form as it is; JSON re-encoded, text that is none as a JSON string; without a payload the data itself."""
    if as_form:
        return data if php.empty(payload) else payload
    if php.empty(payload):
        content = data
    else:
        try:
            content = wire.decode(payload.encode("utf-8", "surrogatepass"))
        except (InputError, AttributeError):
            content = payload
    try:
        return wire.encode(content).decode()
    except wire.EncodingError as error:
        raise PhpCrash("JsonException", str(error)) from error


def _headers(text: Any) -> dict[str, str]:
    lines = text.splitlines() if isinstance(text, str) else []
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


# --- what is only noted ----------------------------------------------------------------------------------------------


def _noted(kind: str, name: str) -> Exec:
    """An action whose deed is noted with its parameters and the data's event; it succeeds."""

    def noted(call: Call) -> Outcome:
        values = call.values()
        event_id = php.item(php.item(call.data(), "Event"), "id")
        if kind == "database":
            return Outcome(call.change(name, event_id, values), why="noted, done by nobody")
        call.effect(kind, name, {"event_id": event_id, "params": values})
        return Outcome(True, why="noted, done by nobody")

    return noted


ACTIONS: Mapping[str, Exec] = {
    **attributes.ACTIONS,
    **tags.ACTIONS,
    "Module_event_distribution_operation": _noted("database", "Event.distribution"),
    "add_eventblocklist_entry": _noted("database", "EventBlocklist.add"),
    "add_to_warninglist": _noted("database", "WarninglistEntry.add"),
    "attach-decay-score": _noted("database", "DecayingModel.attachScores"),
    "blueprint-action-module": blueprint,
    "enrich-event": _noted("database", "Event.enrichment"),
    "ms-teams-webhook": _noted("webhook", "MS Teams"),
    "proposal-action": _noted("database", "ShadowAttribute.action"),
    "publish-event": publish_event,
    "push-zmq": push_zmq,
    "reload-full-event": reload_full_event,
    "send-log-mail": _noted("mail", "log mail"),
    "send-mail": _noted("mail", "mail"),
    "splunk-hec-export": _noted("webhook", "Splunk HEC"),
    "stop-execution": stop_execution,
    "telegram-send-alert": _noted("message", "Telegram"),
    "webhook": webhook,
}
