"""Update blocklist: the values of attributes in a file that MISP serves. The file is written in the run's own folder.

Mirrors Module_blocklist_action.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import Any

from misp_workflow import php
from misp_workflow.runner.modules.execution import Call, Exec, Outcome

FOLDER = "app/webroot/misp-export"
HEADER = "type=regex"
LONGEST = 255

Attribute = Mapping[str, Any]
_ENTRY = ("id", "uuid", "value", "event_id")


def blocklist(call: Call) -> Outcome:
    """Add, remove and leave values; what was added or there already is all that travels on, with a `_blocklistDelta`.

    Raises PhpCrash for types that are no list.
    """
    values = call.values()
    name = PurePosixPath(php.to_string(values["blocklist"])).name
    if not name:
        return Outcome(False, ["Blocklist filename is empty or invalid."])
    php.require_array(
        values["attributeTypesToInclude"],
        "Module_blocklist_action::extractAttributes(): Argument #2 ($attribute_types_to_include)",
    )
    wanted = _by_value(call.data(), php.values(values["attributeTypesToInclude"]))
    if not wanted:
        return Outcome(True, why="no attribute of these types has its IDS flag set")
    kind = php.to_string(values["exportFormat"])
    listed = _read(call.around.files.get(name, ""), kind)
    delta = _delta(wanted, listed, values)
    gone = {entry["value"] for entry in delta["removed"]}
    changes = bool(gone or delta["added"])
    kept = [value for value in listed if value not in gone] + [entry["value"] for entry in delta["added"]]
    written = changes and _write(call, name, kept, kind)
    snapshot = _snapshot(call, name, values) if written and values["createSnapshot"] == "yes" else None
    _tags(call, delta, values)
    call.change("User.createNotificationToast", call.around.world.user_id, name)
    path = f"{FOLDER}/{name}"
    told: dict[str, Any] = {"blocklist": path, "export_format": kind, **delta, "snapshot": snapshot, "written": written}
    call.roaming.set(_narrowed(call.data(), told))
    if written or not changes:
        return Outcome(True, why=f"{len(delta['added'])} values added, {len(gone)} removed")
    info = php.to_string(php.item(php.item(call.data(), "Event"), "info"))
    return Outcome(False, [f'Failed to write blocklist "{path}" from event "{info}".'])


def _by_value(data: Any, types: list[Any]) -> dict[str, Attribute]:
    """The attributes that are meant, by value; of two with one value the later."""
    flattened = php.values(php.to_array(php.item(php.item(data, "Event"), "_AttributeFlattened")))
    return {
        _bare(php.to_string(attribute.get("value")).strip()): attribute
        for attribute in flattened
        if isinstance(attribute, dict)
        and php.loose_equal(attribute.get("to_ids"), 1)
        and php.in_array(attribute.get("type"), types)
    }


def _bare(value: str) -> str:
    return value.removeprefix("http://") if value.startswith("http://") else value.removeprefix("https://")


# --- the file --------------------------------------------------------------------------------------------------------


def _read(text: str, kind: str) -> list[str]:
    """The values of a file in this format; one of another format is read as it stands."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if kind == "regex":
        lines = [line for line in lines if line != HEADER]
        return [line[1:-1] if len(line) > 1 and line[0] == line[-1] == "*" else line for line in lines]
    return [line.removeprefix("*") for line in lines] if kind == "paloalto" else lines


_LINES: Mapping[str, Callable[[str], str]] = {
    "regex": lambda value: f"*{value}*",
    "paloalto": lambda value: f"*{value}"[:LONGEST],
    "firewall": lambda value: value,
}


def _write(call: Call, name: str, values: Iterable[str], kind: str) -> bool:
    if kind not in _LINES:
        return False
    ordered = php.sort(list(dict.fromkeys(values)))
    lines = [*([HEADER] if kind == "regex" else []), *(_LINES[kind](_bare(value)) for value in ordered)]
    files = call.around.files
    if name in files:
        files[f"{name}.previous"] = files[name]
    files[name] = "".join(f"{line}\n" for line in lines)
    return True


def _snapshot(call: Call, name: str, values: Mapping[str, Any]) -> str:
    """Keep a copy under the time, and as many of them as are wanted."""
    files = call.around.files
    when = datetime.fromtimestamp(call.around.world.clock(), timezone.utc)
    snapshot = f"{name}.snapshot-{when:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    files[snapshot] = files[name]
    known = sorted(file for file in files if file.startswith(f"{name}.snapshot-"))
    for old in known[: max(len(known) - php.to_int(values["snapshotRetention"]), 0)]:
        del files[old]
    return f"{FOLDER}/{snapshot}"


# --- what becomes of an attribute ------------------------------------------------------------------------------------


def _delta(wanted: Mapping[str, Attribute], listed: list[str], values: Mapping[str, Any]) -> dict[str, list[Any]]:
    delta: dict[str, list[Any]] = {"added": [], "removed": [], "already_present": [], "skipped_warninglist": []}
    unwanted = {*_names(values["removalTag"]), *_names(values["tagAttributeRemovedFromBlocklist"])}
    known = set(listed)
    for value, attribute in wanted.items():
        entry = {**{name: attribute.get(name) for name in _ENTRY}, "value": value}
        entry |= {"Tag": attribute.get("Tag") or [], "_allTags": attribute.get("_allTags") or []}
        entry["warnings"] = php.truthy(attribute.get("warnings"))
        if unwanted & _tag_names(attribute):
            if value in known:
                delta["removed"].append(entry)
        elif value in known:
            delta["already_present"].append(entry)
        elif entry["warnings"] and values["excludeWarninglist"] == "yes":
            delta["skipped_warninglist"].append(entry)
        else:
            delta["added"].append(entry)
    return delta


def _names(tags: Any) -> set[str]:
    return {name.lower() for name in php.values(php.to_array(tags)) if isinstance(name, str) and name}


def _tag_names(row: Attribute) -> set[str]:
    """Own and inherited ones, in small letters."""
    tags = [tag for key in ("Tag", "_allTags") for tag in php.values(php.to_array(row.get(key)))]
    return {php.to_string(php.item(tag, "name")).lower() for tag in tags}


def _tags(call: Call, delta: Mapping[str, list[Any]], values: Mapping[str, Any]) -> None:
    """Note the tags that say what became of an attribute; they do not show in the data in hand."""
    inside, gone = values["tagAttributeInBlocklist"], values["tagAttributeRemovedFromBlocklist"]
    for entry in delta["already_present"]:
        if _names(inside) - _tag_names(entry):
            _tag(call, "attachTagsToAttributeAndTouch", entry, inside)
    for entry in delta["removed"]:
        leaving = [*php.values(php.to_array(inside)), *php.values(php.to_array(values["removalTag"]))]
        _tag(call, "detachTagsFromAttributeAndTouch", entry, leaving, local=None)
        if _names(gone):
            _tag(call, "attachTagsToAttributeAndTouch", entry, gone)


def _tag(call: Call, method: str, entry: Mapping[str, Any], tags: Any, local: bool | None = True) -> None:
    """Attached they are local; what is taken off goes in any locality."""
    options = {"tags": php.values(php.to_array(tags)), "local": local, "relationship_type": ""}
    call.change(f"Attribute.{method}", entry["id"], entry["event_id"], options)


def _narrowed(data: Any, delta: Mapping[str, Any]) -> Any:
    event = php.item(data, "Event")
    stay = {php.to_string(entry["id"]) for entry in (*delta["added"], *delta["already_present"])}

    def left(attributes: Any) -> Any:
        entries = php.values(attributes) if php.is_array(attributes) else []
        return [attribute for attribute in entries if php.to_string(php.item(attribute, "id")) in stay]

    lists = {name: left(event[name]) for name in ("Attribute", "_AttributeFlattened") if name in event}
    return {**data, "Event": {**event, **lists, "_blocklistDelta": dict(delta)}}


ACTIONS: Mapping[str, Exec] = {"blocklist-action-module": blocklist}
