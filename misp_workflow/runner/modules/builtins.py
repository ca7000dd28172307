"""MISP's own actions. What they would do outside of the data in hand is noted as an effect, and done by nobody.

Mirrors MISP's WorkflowModules/action: Module_stop_execution, Module_push_zmq, Module_webhook, Module_publish_event,
Module_reload_full_event and the others that stand neither in attributes.py nor in tags.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import conditions, coreformat
from misp_workflow.runner.data.asrows import as_read, stored_row
from misp_workflow.runner.data.profiles import ENRICH_EVENT_RELOADS, SPLUNK_SENDS
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.modules import analyst, attributes, blocklist, changes, enriched, tags, webhooks
from misp_workflow.runner.modules.execution import Call, Exec, Outcome

_NOTHING: Mapping[str, str] = {}
_NO_URL = "URL not provided."


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
    if published:
        call.around.changes.append(("Event.publish", [event_id, True]))
    return Outcome(published, why="the event would be published" if published else "MISP did not publish the event")


def reload_full_event(call: Call) -> Outcome:
    """Take the event from MISP's database anew: the world's row, or else the event as the run began.

    Either way with what MISP's own actions changed in this run. Only when the trigger's node says `misp_core_format` in
    the stored graph, as the editor writes it there; else nothing is reloaded, and the action succeeds all the same.
    Raises PhpCrash for an event that is gone from the database.
    """
    if not _says_core_format(call.around.trigger):
        return Outcome(True, why="nothing was reloaded: the trigger's node in the stored graph lacks misp_core_format")
    return read_anew(call)


def _says_core_format(trigger: Node | None) -> bool:
    # A module on its own runs in no graph, and so is told nothing by one.
    return trigger is None or php.truthy(php.item(php.item(trigger.raw, "data"), "misp_core_format"))


def read_anew(call: Call) -> Outcome:
    """Put the event in place of the data in hand, in core format, as MISP's database has it now; filters are gone.

    Where the data names no event MISP reads the first one that it has.
    """
    event_id = php.item(php.item(call.data(), "Event"), "id")
    if event_id is None:
        event_id = _first_event(call.around.world.rows)
        if event_id is None and call.around.world.fetched_events is None:
            return Outcome(
                True, why="no event is in hand: MISP reads the first one that it has, which is not known here"
            )
    row = call.around.fetch(event_id)
    if row is not None:
        data = coreformat.convert(row, "event", call.around.world.rows, call.misp)
        source = "the row given"
    elif call.around.start_data is not None:
        data, source = _event_alone(call.around.start_data), "the event as the run began"
    else:
        return Outcome(True, why=f"event {event_id} is not among the rows given; the data stays")
    call.roaming.set(changes.after(data, call.around.changes, call.misp, call.around.world.clock()))
    return Outcome(True, why=f"event {event_id} read anew: {source}, with the changes that this run made")


def _event_alone(data: Any) -> Any:
    """The event as MISP reads it, without what a trigger hands over beside it."""
    event = php.item(data, "Event")
    return {"Event": as_read(event)} if isinstance(event, dict) else data


def _first_event(rows: Mapping[str, Any]) -> str | None:
    known = php.to_array(rows.get("events"))
    return min((str(key) for key, _ in php.pairs(known)), key=lambda key: (php.to_int(key), key), default=None)


def enrich_event(call: Call) -> Outcome:
    """Have MISP enrich the whole event. What it finds is not known here; how the data travels on is."""
    event_id = php.item(php.item(call.data(), "Event"), "id")
    values = call.values()
    if php.empty(values["modules"]):
        return Outcome(False, [attributes.NO_MODULE], "no module is chosen")
    if php.empty(call.matching()):
        return Outcome(True, why="the node's filter leaves nothing to enrich")
    if not call.change("Event.enrichment", event_id, values):
        return Outcome(False, why="MISP enriched nothing")
    if ENRICH_EVENT_RELOADS in call.misp:
        return read_anew(call)
    if call.around.world.model_returns.get("Event.enrichment") is True:
        return Outcome(True, why="no expansion module is enabled in this MISP: the data stays")
    # How many attributes were found, a 0 too, is more than true; then the row travels on as the database gave it.
    row = call.around.fetch(event_id)
    if row is None:
        start = call.around.start_data if call.around.start_data is not None else call.data()
        now = changes.after(_event_alone(start), call.around.changes, call.misp, call.around.world.clock())
        row = stored_row(now)
    call.roaming.set(row)
    return Outcome(True, why="what follows gets MISP's row: `Attribute` and `EventTag` stand beside `Event`")


_LEVELS = ("0", "1", "2", "3", "4")


def event_distribution(call: Call) -> Outcome:
    """Set the event's distribution, in MISP and in the data; a level that no event can have fails without an error.

    For an event without attributes, or under a filter that selects nothing, it does nothing. Raises PhpCrash for a
    sharing group that is no number: the database refuses it, and MISP takes that for a failure of the node.
    """
    values = call.values()
    level, group = values["distribution"], values["sharing_group_id"]
    event = php.item(call.data(), "Event")
    concerned = call.matching() if call.has_filter else php.item(event, "_AttributeFlattened")
    if php.empty(concerned) or php.empty(event):
        return Outcome(True, why="there is nothing to distribute")
    if php.is_array(level) or php.to_string(level) not in _LEVELS:
        return Outcome(False, why="no event can have this distribution")
    shared = {"sharing_group_id": group} if php.loose_equal(level, 4) else {}
    if shared and not php.is_numeric(group):
        raise PhpCrash("Exception", _refused_group(group))
    event_id = php.item(event, "id")
    if not call.change("Event.distribution", event_id, values, possible=event_id is not None):
        return Outcome(False, why="MISP did not save the event")
    distributed = {**dict(php.pairs(event)), "distribution": level, **shared}
    call.roaming.set({**dict(php.pairs(call.data())), "Event": distributed})
    return Outcome(True, why="the event's distribution")


def _refused_group(group: Any) -> str:
    """What the database says, where it is not given the number of a sharing group."""
    if not php.is_array(group):
        return (
            f"SQLSTATE[22007]: Invalid datetime format: 1366 Incorrect integer value: '{php.to_string(group)}' "
            "for column `misp`.`events`.`sharing_group_id` at row 1"
        )
    if group:
        return "SQLSTATE[42S22]: Column not found: 1054 Unknown column 'Array' in 'SET'"
    return "SQLSTATE[23000]: Integrity constraint violation: 1048 Column 'sharing_group_id' cannot be null"


def add_to_warninglist(call: Call) -> Outcome:
    """Note what would go on a list. Raises PhpCrash for a list that is not named by its number, or that is MISP's own.

    So does MISP die, and of a number that it does not know; of the world's lists, where any are given.
    """
    chosen = call.values()["warninglist"]
    lists = [php.item(row, "Warninglist") for row in call.around.world.warninglists]
    named = [one for one in lists if php.loose_equal(php.item(one, "id"), chosen)]
    editable = not lists or any(not php.truthy(php.item(one, "default")) for one in named)
    if not php.empty(chosen):
        call.matching()  # which can be MISP's death, too
    if not php.empty(chosen) and not (php.is_numeric(chosen) and editable):
        raise PhpCrash("TypeError", "Unsupported operand types: null + array")
    return _noted("database", "WarninglistEntry.add", {"warninglist": "No warninglist selected"})(call)


def proposals(call: Call) -> Outcome:
    """Accept or discard proposals, of new attributes, of edits or of any kind, and read the event anew after the first.

    Whatever is not "accept" discards; the default kind, "all", is none of the three, and does nothing. So does a filter
    of the node: what it selects is no event.
    """
    values = call.values()
    event = php.item(call.matching(), "Event")
    done = _noted("database", "ShadowAttribute.action")(call)
    found = [*_proposals(event, values["proposal_type"])] if done.success else []
    if not found:
        return done
    verdict = changes.ACCEPTED if values["action"] == "accept" else changes.DISCARDED
    call.around.changes += [(verdict, [php.item(event, "id"), *one]) for one in found]
    return read_anew(call)


def _proposals(event: Any, kind: Any) -> Iterator[tuple[Any, Any]]:
    """The proposals of this kind, each behind the id of the attribute that it is of, null for a new one."""
    of_attributes = php.values(php.to_array(php.item(event, "_AttributeFlattened"))) if kind in ("edit", "any") else []
    rows = [*([event] if kind in ("new", "any") else []), *of_attributes]
    for row in rows:
        for proposal in php.values(php.to_array(php.item(row, "ShadowAttribute"))):
            if isinstance(proposal, dict):
                yield (None if row is event else php.item(row, "id")), proposal


def splunk(call: Call) -> Outcome:
    """Note what would go to Splunk. Raises PhpCrash where MISP dies of it before it asks anybody."""
    needs = {"url": _NO_URL, "hec_token": "Authorization token not provided."}
    values = call.values()
    if SPLUNK_SENDS not in call.misp and not any(php.empty(values[name]) for name in needs):
        raise PhpCrash("Error", "Call to a member function isOk() on null")
    return _noted("webhook", "Splunk HEC", needs)(call)


def _mail(name: str) -> Exec:
    """A mail by MISP. Raises PhpCrash for recipients that are no list."""
    needs = {"recipients": "No recipient set.", "mail_template_subject": "The mail template is empty."}

    def mail(call: Call) -> Outcome:
        noted = _noted("mail", name, needs)(call)
        recipients = call.node.params.get("recipients")
        if noted.success and recipients is not None:
            php.require_array(recipients, "in_array(): Argument #2 ($haystack)")
        return noted

    return mail


# --- what is only noted ----------------------------------------------------------------------------------------------


def _noted(kind: str, name: str, needs: Mapping[str, str] = _NOTHING) -> Exec:
    """An action whose deed is noted with its parameters and the data's event; it succeeds.

    needs: what MISP says of each parameter without which it does nothing and fails, in the order in which it looks.
    """

    def noted(call: Call) -> Outcome:
        values = call.values()
        for name_of_param, missed in needs.items():
            if php.empty(values[name_of_param]):
                return Outcome(False, [missed], f"nothing stands in {name_of_param}")
        event_id = php.item(php.item(call.data(), "Event"), "id")
        if kind == "database":
            return Outcome(call.change(name, event_id, values), why="noted, done by nobody")
        call.effect(kind, name, {"event_id": event_id, "params": values})
        return Outcome(True, why="noted, done by nobody")

    return noted


ACTIONS: Mapping[str, Exec] = {
    **attributes.ACTIONS,
    **tags.ACTIONS,
    **analyst.ACTIONS,
    **blocklist.ACTIONS,
    **enriched.ACTIONS,
    "Module_event_distribution_operation": event_distribution,
    "add_eventblocklist_entry": _noted("database", "EventBlocklist.add"),
    "add_to_warninglist": add_to_warninglist,
    "blueprint-action-module": blueprint,
    "enrich-event": enrich_event,
    "ai-extract-indicators": _noted("message", "ai_connector"),
    "flowintel-create-case": _noted("webhook", "Flowintel"),
    "send-report-to-cti-info-extractor": _noted("message", "ai_connector"),
    "ms-teams-webhook": _noted("webhook", "MS Teams", {"url": _NO_URL}),
    "proposal-action": proposals,
    "publish-event": publish_event,
    "push-zmq": push_zmq,
    "reload-full-event": reload_full_event,
    "send-log-mail": _mail("log mail"),
    "send-mail": _mail("mail"),
    "splunk-hec-export": splunk,
    "stop-execution": stop_execution,
    "telegram-send-alert": _noted("message", "Telegram"),
    "webhook": webhooks.webhook,
}
