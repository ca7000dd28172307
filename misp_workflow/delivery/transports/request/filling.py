"""What is written into a request when its turn comes, because only an answer before it says it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from misp_workflow.effects import Json


def filled(request: Mapping[str, Any], put: Mapping[str, str], value: Callable[[str], Json]) -> dict[str, Any]:
    """Return the request with the value of each name of `put` at its dotted path."""
    whole: dict[str, Any] = json.loads(json.dumps(dict(request)))
    for path, name in put.items():
        holder, key = place(whole, path)
        holder[key] = value(name)
    return whole


def place(values: Any, path: str) -> tuple[Any, Any]:
    """Return what holds the member at a dotted path, and its key there, which may have dots itself."""
    steps = path.split(".")
    for place, step in enumerate(steps):
        rest = ".".join(steps[place:])
        if isinstance(values, list):
            key: Any = int(step)
        else:
            key = rest if rest in values else step
        if place == len(steps) - 1 or key == rest:
            return values, key
        values = values[key]
    raise KeyError(path)
