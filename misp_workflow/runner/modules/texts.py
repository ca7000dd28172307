"""What logic modules have in common: which value and which tags a node asks for, and values as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import wire

_CLUSTER_PREFIX = "misp-galaxy:"


def short(value: Any, limit: int = 120) -> str:
    """A value for people: as JSON, cut where it gets long."""
    if isinstance(value, (list, dict)) and len(value) > 8:
        return f"{len(value)} items"
    try:
        text = wire.encode(value).decode()
    except wire.EncodingError:
        text = "a value that JSON cannot hold"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def value_for(values: Mapping[str, Any]) -> Any:
    """The value that a node with a value and a list of values asks for."""
    # The editor offers one operator on lists. The others are known all the same, and get the value that is none.
    return values["value_list"] if values["operator"] == "in_or" else values["value"]


def wanted_tags(values: Mapping[str, Any]) -> list[Any]:
    tags = values["tags"] if php.truthy(values["tags"]) else []
    clusters = values["clusters"] if php.truthy(values["clusters"]) else []
    if not php.is_array(clusters):
        raise PhpCrash(
            "TypeError", f"array_map(): Argument #2 ($array) must be of type array, {php.type_name(clusters)} given"
        )
    if not php.is_array(tags):
        raise PhpCrash("TypeError", f"array_merge(): Argument #1 must be of type array, {php.type_name(tags)} given")
    return [*php.values(tags), *(_CLUSTER_PREFIX + php.to_string(cluster) for cluster in php.values(clusters))]
