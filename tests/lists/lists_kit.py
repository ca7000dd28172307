"""What the tests of the lists share: settings that keep lists, and calls of the action as MISP makes them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from misp_workflow import settings
from misp_workflow.delivery.lists import Shelf, shelf_of
from misp_workflow.testing.contract import ActionFile

ACTION = Path(__file__).parents[2] / "misp_modules/modules/action_mod/blocklist_file.py"
EVENT = "11111111-2222-4333-8444-555555555555"


def write_settings(folder: Path, lists: Mapping[str, Mapping[str, Any]], **house: Any) -> Path:
    """Write settings with these lists, and return the file; documentation addresses may stand in them."""
    lines = ["[lists]", f"folder = {json.dumps(str(folder / 'lists'))}"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in house.items()]
    for name, rules in lists.items():
        lines += [f"[destinations.{name}]", 'tlp = "red"', f"[destinations.{name}.list]"]
        given = {"reserved": True, "warninglists": [], **rules}
        lines += [f"{key} = {json.dumps(value)}" for key, value in given.items()]
    file = folder / "settings.toml"
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return file


def attribute(kind: str, value: str, **more: Any) -> dict[str, Any]:
    """Return an attribute for detection; equal ones have equal uuids."""
    row = {"uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {value}")), "type": kind, "value": value, "to_ids": True}
    return {**row, **more}


def event(rows: Iterable[dict[str, Any]], whole: bool = True, **more: Any) -> dict[str, Any]:
    """Return the data of a call about an event: all of it, or only these attributes."""
    told = {"id": "7", "uuid": EVENT, "info": "lists", "published": True, "Attribute": list(rows), **more}
    return {"Event": {**told, **({"RelatedEvent": []} if whole else {})}}


def ask(data: dict[str, Any], destination: str, selected: Any = None, **params: str) -> dict[str, Any]:
    """Call the action, and return its answer."""
    given = {"destination": destination, "selected_or_all": "all", **params}
    request = {"module": "blocklist_file", "data": data, "params": given, "filteredItems": selected}
    return ActionFile.load(ACTION).module.handler(q=json.dumps(request))


def shelf(name: str) -> Shelf:
    return shelf_of(settings.current(), name)


def lines(name: str) -> list[str]:
    """Return the lines of the published file."""
    return shelf(name).path.read_text().splitlines()
