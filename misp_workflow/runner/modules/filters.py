"""The modules that narrow the data for what follows, and the one that lifts their filters.

Mirrors Module_generic_filter_data, Module_generic_filter_reset, Module_filter_tag and Module_filter_timestamp.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data.profiles import FILTER_LABELS_BY_PREFIX
from misp_workflow.runner.data.roaming import FILTERS, SNAPSHOT
from misp_workflow.runner.graph.graph import FILTER, FILTER_RESET, FILTER_TAG, FILTER_TIMESTAMP
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.runner.modules.texts import short, value_for, wanted_tags

Condition = dict[str, Any]


def _set(call: Call, conditions: Mapping[str, Condition]) -> Outcome:
    """Put filters under their labels; the data as it was before the first filter is kept beside."""
    data = call.data()
    changed = dict(php.pairs(data))
    if php.empty(changed.get(SNAPSHOT)):
        changed[SNAPSHOT] = data
    if conditions:
        in_force = changed.get(FILTERS)
        known = dict(php.pairs(in_force)) if php.is_array(in_force) else {}
        changed[FILTERS] = {**known, **conditions}
    call.roaming.set(changed)
    return Outcome(
        True, why="; ".join(f"filter {label}: {_said(condition)}" for label, condition in conditions.items())
    )


def _said(condition: Condition) -> str:
    path, value = condition["path"] or "it", short(condition["value"])
    return f"{condition['selector']} where {path} {condition['operator']} {value}"


def generic_filter_data(call: Call) -> Outcome:
    values = call.values()
    condition = {
        "selector": values["selector"],
        "path": values["hash_path"],
        "operator": values["operator"],
        "value": value_for(values),
    }
    return _set(call, {php.array_key(values["filtering-label"]): condition})


def generic_filter_reset(call: Call) -> Outcome:
    """Go back to the data from before the first filter. Raises PhpCrash for one label when there never was a filter."""
    label = call.values()["filtering-label"]
    restored = php.item(call.data(), SNAPSHOT)
    if label == "all":
        restored = {**dict(php.pairs(restored if php.is_array(restored) else {})), FILTERS: []}
    elif php.is_array(restored) and php.is_array(php.item(restored, FILTERS)):
        by_prefix = FILTER_LABELS_BY_PREFIX in call.misp
        kept = {key: condition for key, condition in php.pairs(restored[FILTERS]) if not _means(label, key, by_prefix)}
        restored = {**restored, FILTERS: php.from_pairs(kept)}
    call.roaming.set(restored)
    return Outcome(True, why=f"filters removed: {label}")


def _means(label: Any, key: str, by_prefix: bool) -> bool:
    return key.startswith(php.to_string(label)) if by_prefix else key == php.array_key(label)


# --- by tag ----------------------------------------------------------------------------------------------------------

_ATTRIBUTES = ("Event._AttributeFlattened", "Event.Attribute")
_REPORTS = ("Event.EventReport",)
_TAGS_OF = {
    "attribute": (_ATTRIBUTES, "Tag.{n}.name"),
    "event_attribute": (_ATTRIBUTES, "_allTags.{n}.name"),
    "event_report": (_REPORTS, "Tag.{n}.name"),
    "inherited_report": (_REPORTS, "_allTags.{n}.name"),
}


def filter_tag(call: Call) -> Outcome:
    """Keep what bears the tags. Attributes stay in their objects; an unknown scope filters nothing."""
    values = call.values()
    wanted = wanted_tags(values)
    selectors, path = _TAGS_OF.get(php.to_string(values["scope"]), ((), ""))
    return _set(call, _twice(values["filtering-label"], selectors, path, values["condition"], wanted))


def _twice(label: Any, selectors: Any, path: str, operator: Any, value: Any) -> dict[str, Condition]:
    """The same condition on each selector: the second one under a label of its own."""
    labels = (php.array_key(label), f"{php.to_string(label)}_2")
    return {
        name: {"selector": selector, "path": path, "operator": operator, "value": value}
        for name, selector in zip(labels, selectors, strict=False)
    }


# --- by time ---------------------------------------------------------------------------------------------------------

_TIMES_OF: Mapping[str, tuple[str | None, ...]] = {
    "attribute": _ATTRIBUTES,
    "object": ("Event.Object",),
    "event_report": _REPORTS,
}
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def filter_timestamp(call: Call) -> Outcome:
    values = call.values()
    value, operator = values["value"], values["operator"]
    if operator == "since":
        if not php.is_numeric(value):
            return Outcome(False, why=f"{short(value)} is no timestamp, so that nothing is filtered")
        operator = "greater"
    since = point_in_time(value, call.around.world.clock())
    selectors = _TIMES_OF.get(php.to_string(values["target"]), (None,))
    return _set(call, _twice(values["filtering-label"], selectors, "timestamp", operator, since))


def point_in_time(value: Any, now: int) -> Any:
    """The second that MISP reads in a text: a number, "3d" before now, a date; one second ahead of now in any other.

    A list of two is kept, each of them read, the earlier first. Raises PhpCrash for other lists.
    """
    if php.is_array(value):
        if len(value) != 2:
            raise PhpCrash("Exception", "Invalid input. Timestamps can be a single value or an array of two values")
        return sorted(point_in_time(entry, now) for entry in php.values(value))
    if php.is_numeric(value):
        return php.to_int(value)
    text = php.to_string(value)
    if ago := re.fullmatch(r"(-?\d+)([dhms])", text, re.ASCII):
        return now - int(ago[1]) * _SECONDS[ago[2]]
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return now + 1


FILTERS_BY_ID: Mapping[str, Exec] = {
    FILTER: generic_filter_data,
    FILTER_RESET: generic_filter_reset,
    FILTER_TAG: filter_tag,
    FILTER_TIMESTAMP: filter_timestamp,
}
