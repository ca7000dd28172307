"""MISP's own actions that speak to people: notes on what MISP holds, and a message on somebody's screen.

Mirrors Module_add_analyst_data and Module_notify_user_toast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.runner.modules.execution import Call, Exec, Outcome

_COMMON = ("target", "distribution", "sharing_group_id", "author")
_FIELDS = {
    "Note": ("language", "note"),
    "Opinion": ("opinion", "comment"),
    "Relationship": ("relationship_type", "related_object_type", "related_object_uuid"),
}
_PARTS = {**{name: name for name in ("EventReport", "Object", "GalaxyCluster")}, "Attribute": "_AttributeFlattened"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SHARING_GROUP = 4


def add_analyst_data(call: Call) -> Outcome:
    """Note what would be saved for each item. One with a uuid is enough for success, also when saving fails.

    Raises PhpCrash where the event has no list of the target.
    """
    values = call.values()
    kind = php.to_string(values["analyst_data_type"])
    if kind not in _FIELDS:
        return Outcome(False, why=f"{kind} is no kind of analyst data")
    target = php.to_string(values["target"])
    saved = 0
    for item in _items(call, target, kind):
        uuid = php.item(item, "uuid")
        if not isinstance(uuid, str) or not _UUID.fullmatch(uuid):
            continue
        entry = {name: values[name] for name in (*_COMMON, *_FIELDS[kind])}
        if php.loose_equal(values["distribution"], _SHARING_GROUP):
            # Turned round in MISP: the group goes missing just where it counts.
            entry["sharing_group_id"] = 0
        call.change(f"{kind}.captureAnalystData", {kind: {**entry, "object_type": target, "object_uuid": uuid}})
        saved += 1
    return Outcome(saved > 0, why=f"{kind} on {saved} items of {target or 'the event'}")


def _items(call: Call, target: str, kind: str) -> list[Any]:
    event = php.item(call.data(), "Event")
    whole = php.item(event, _PARTS[target]) if target in _PARTS else [event]
    items = call.matching() if call.has_filter else whole
    php.require_array(items, f"Module_add_analyst_data::__add{kind}s(): Argument #1 ($matchingItems)")
    return php.values(items)


def notify_user_toast(call: Call) -> Outcome:
    values = call.values()
    header, body = values["toast_header"], values["toast_body"]
    if php.empty(header) and php.empty(body):
        return Outcome(False, ["The toast text is empty."])
    toast = {"variant": values["variant"], "header": f"[{call.module.id}] {php.to_string(header)}", "body": body}
    shown = call.change("User.createNotificationToast", call.around.world.user_id, toast)
    return Outcome(shown, why="noted, shown to nobody")


ACTIONS: Mapping[str, Exec] = {
    "add_analyst_data": add_analyst_data,
    "notify-user-toast": notify_user_toast,
}
