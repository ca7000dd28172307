"""The logic modules: conditions and concurrent tasks. Filters stand in filters.py.

Mirrors Module_generic_if, Module_tag_if, Module_organisation_if, Module_distribution_if, Module_published_if,
Module_threat_level_if, Module_count_if and Module_concurrent_task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import conditions, wire
from misp_workflow.runner.data.profiles import DISTRIBUTION_IF_TURNED
from misp_workflow.runner.graph.graph import CONCURRENT_TASK
from misp_workflow.runner.modules import aggregate, filters
from misp_workflow.runner.modules.execution import Call, Exec, Job, Outcome
from misp_workflow.runner.modules.texts import short, value_for, wanted_tags

NODE_TO_RUN = "__node_id_to_exec"

_INHERIT, _SHARING_GROUP, _ALL = 5, 4, 3
_LEVELS = range(_SHARING_GROUP + 1)


def generic_if(call: Call) -> Outcome:
    values = call.values()
    operator, value = values["operator"], value_for(values)
    found = conditions.extract_data(call.data(), values["hash_path"])
    if operator in ("equals", "not_equals"):
        found = _named(call.data(), values["hash_path"], found)
    holds = php.truthy(found) if operator == "any_value" else conditions.holds(found, operator, value)
    return Outcome(holds, why=f"{values['hash_path']} is {short(found)}; asked: {operator} {short(value)}")


def _named(data: Any, path: Any, found: Any) -> Any:
    """The value that a path of names only leads to. What a pattern finds is a list, also of one, and equals nothing."""
    if php.empty(path) or not hashpath.compile(php.to_string(path)).simple:
        return found
    value = hashpath.get(data, path)
    return found if value is None or php.is_array(value) else value


_TAG_PATHS = {
    "event": "Event.Tag.{n}.name",
    "attribute": "Event._AttributeFlattened.{n}.Tag.{n}.name",
    "event_attribute": "Event._AttributeFlattened.{n}._allTags.{n}.name",
    "event_report": "Event.EventReport.{n}.Tag.{n}.name",
    "inherited_report": "Event.EventReport.{n}._allTags.{n}.name",
}


def tag_if(call: Call) -> Outcome:
    values = call.values()
    tags = wanted_tags(values)
    names = conditions.extract_data(call.data(), _TAG_PATHS.get(str(values["scope"]), _TAG_PATHS["event"]))
    holds = conditions.holds(names, values["condition"], tags)
    return Outcome(holds, why=f"tags are {short(names)}; asked: {values['condition']} {short(tags)}")


def organisation_if(call: Call) -> Outcome:
    values = call.values()
    name = "orgc_id" if php.loose_equal(values["org_type"], "orgc") else "org_id"
    owner = php.item(_event(call.data()), name)
    chosen = values["org_id"]
    wanted = php.to_array(chosen) if php.truthy(chosen) else []
    condition = {"equals": "in", "not_equals": "not_in"}.get(php.to_string(values["condition"]), values["condition"])
    holds = conditions.holds(wanted, condition, php.to_int(owner))
    return Outcome(holds, why=f"Event.{name} is {short(owner)}; asked: {values['condition']} {short(wanted)}")


def published_if(call: Call) -> Outcome:
    values = call.values()
    published = php.item(_event(call.data()), "published")
    state = php.truthy(published)
    holds = {"equals": state, "not_equals": not state}.get(php.to_string(values["condition"]), False)
    return Outcome(holds, why=f"Event.published is {short(published)}; asked: {values['condition']}")


def threat_level_if(call: Call) -> Outcome:
    values = call.values()
    event, wanted = _event(call.data()), values["threatlevel"]
    if isinstance(event, str):
        raise PhpCrash("TypeError", "Cannot access offset of type string on string")
    level = php.item(event, "threat_level_id")
    # A higher threat has the lower number.
    holds = {
        "equals": php.loose_equal(level, wanted),
        "not_equals": not php.loose_equal(level, wanted),
        "greater_or_equal_than": php.compare(level, wanted) <= 0,
        "less_or_equal_than": php.compare(wanted, level) <= 0,
    }.get(php.to_string(values["condition"]), False)
    return Outcome(holds, why=f"Event.threat_level_id is {short(level)}; asked: {values['condition']} {short(wanted)}")


def count_if(call: Call) -> Outcome:
    values = call.values()
    found = conditions.extract_data(call.data(), values["selector"])
    count, wanted = len(found), values["value"]
    holds = {
        "equals": php.loose_equal(count, wanted),
        "not_equals": not php.loose_equal(count, wanted),
        "greater": php.compare(wanted, count) < 0,
        "greater_equals": php.compare(wanted, count) <= 0,
        "less": php.compare(count, wanted) < 0,
        "less_equals": php.compare(count, wanted) <= 0,
    }.get(php.to_string(values["operator"]), False)
    return Outcome(holds, why=f"{values['selector']} finds {count} items; asked: {values['operator']} {short(wanted)}")


def _event(data: Any) -> Any:
    return php.item(data, "Event")


# --- distribution ----------------------------------------------------------------------------------------------------


def distribution_if(call: Call) -> Outcome:
    values = call.values()
    condition, wanted = values["condition"], php.to_int(values["distribution"])
    turned = DISTRIBUTION_IF_TURNED in call.misp
    event = _event(call.data())
    if turned and php.loose_equal(values["scope"], "attribute") and php.item(event, "Attribute") in ([], {}):
        return Outcome(False, why="the event has no attributes")
    parts = _distributing_parts(event, values["scope"])
    actual = _propagated(parts)
    asked = f"the distribution that holds is {actual}; asked: {condition} {wanted}"
    if actual not in _LEVELS:
        return Outcome(False, ["Distribution level not supported"], asked)
    if php.loose_equal(values["distribution"], _SHARING_GROUP) and (not turned or actual == _SHARING_GROUP):
        groups = _sharing_groups(call)
        if condition not in ("equals", "not_equals"):
            return Outcome(False, ["Condition operator not supported for that distribution level"], asked)
        return _groups_match(groups, condition, values["sharing_group_id"], turned)
    holds = {
        "equals": actual == wanted,
        "not_equals": actual != wanted,
        # range() as PHP has it, also downwards: what all communities see counts for more than what a group sees.
        "more_permisive_or_equal_than": _between(actual, wanted, _ALL),
        "more_restrictive_or_equal_than": _between(actual, 0, wanted),
    }.get(php.to_string(condition), False)
    return Outcome(holds, why=asked)


def _between(level: int, start: int, end: int) -> bool:
    return min(start, end) <= level <= max(start, end)


def _distributing_parts(event: Any, scope: Any) -> list[Any]:
    """The event, and for the attribute scope the object and the first attribute: each can narrow the distribution."""
    where = "Module_distribution_if::__getPropagatedDistribution(): Argument"
    php.require_array(event, f"{where} #1 ($event)")
    if not php.loose_equal(scope, "attribute"):
        return [event]
    attribute = php.item(php.item(event, "Attribute"), "0")
    php.require_array(attribute, f"{where} #3 ($attribute)")
    found = php.item(attribute, "Object", [])
    php.require_array(found, f"{where} #2 ($object)")
    return [event, found, attribute]


def _propagated(parts: list[Any]) -> int:
    levels = [_distribution(part) for part in parts]
    own = [level for level in levels if level is not None and level != _INHERIT]
    if 0 in own:
        return 0
    # A sharing group counts for the narrowest of all that share something.
    return _SHARING_GROUP if _SHARING_GROUP in own else min(own, default=levels[0] or 0)


def _distribution(part: Any) -> int | None:
    """The part's own level; None for the object of an attribute that is in none."""
    return php.to_int(php.item(part, "distribution")) if php.truthy(part) else None


def _sharing_groups(call: Call) -> list[Any]:
    """The groups of the event, the object and the first attribute, whatever the scope."""
    event = _event(call.data())
    alone = DISTRIBUTION_IF_TURNED in call.misp and not php.item(event, "Attribute")
    parts = _distributing_parts(event, "event" if alone else "attribute")
    shared = [part for part in parts if php.loose_equal(php.item(part, "distribution"), _SHARING_GROUP)]
    return [php.item(part, "sharing_group_id") for part in shared]


def _groups_match(groups: list[Any], condition: Any, wanted: Any, turned: bool) -> Outcome:
    """Whether all groups, or none, are among those wanted; where none is wanted, whether there is any, or none."""
    if php.truthy(wanted) and not php.is_array(wanted):
        raise PhpCrash("TypeError", f"array_diff(): Argument #2 must be of type array, {php.type_name(wanted)} given")
    if php.truthy(wanted):
        chosen = [php.in_array(group, wanted) for group in groups]
        holds = all(chosen) if condition == "equals" else not any(chosen)
    else:
        holds = (bool(groups) is (condition == "equals")) is not turned
    return Outcome(holds, why=f"sharing groups are {short(groups)}; asked: {condition} {short(wanted)}")


# --- concurrent tasks ------------------------------------------------------------------------------------------------


def concurrent_task(call: Call) -> Outcome:
    """Put one branch aside for a background job. Which one, the walk has left in the data.

    Filters are applied at each step, as in MISP: those whose selector finds lists in lists nest the data deeper each
    time.
    """
    data = call.data()
    node_id = php.to_int(php.item(data, NODE_TO_RUN))
    data = php.from_pairs({key: value for key, value in php.pairs(data) if key != NODE_TO_RUN})
    call.roaming.set(data)
    try:
        text = bytes(call.around.encoder.encode(call.data()))
    except wire.EncodingError as error:
        raise PhpCrash("JsonException", str(error)) from error
    call.around.jobs_made += 1
    call.record.jobs.append(Job(call.around.jobs_made, node_id, text))
    return Outcome(True, why=f"node {node_id} and what follows go to a background job")


def blueprint(call: Call) -> Outcome:
    return Outcome(True, why="the template of logic modules is always true")


LOGIC: Mapping[str, Exec] = {
    **filters.FILTERS_BY_ID,
    "aggregate_comparator_if": aggregate.aggregate_comparator_if,
    "blueprint-logic-module": blueprint,
    CONCURRENT_TASK: concurrent_task,
    "count-if": count_if,
    "distribution-if": distribution_if,
    "generic-if": generic_if,
    "organisation-if": organisation_if,
    "published-if": published_if,
    "tag-if": tag_if,
    "threat-level-if": threat_level_if,
}
