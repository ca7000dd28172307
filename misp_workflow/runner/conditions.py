"""What a workflow's conditions and filters decide. Mirrors MISP's `WorkflowBaseModule`."""

from __future__ import annotations

from typing import Any

from misp_workflow import hashpath, php

_SET_OPERATORS = ("in_or", "in_and", "not_in_or", "not_in_and")


def holds(data: Any, operator: Any, value: Any) -> bool:
    """Tell whether `data operator value`, compared as PHP 8 does (`evaluateCondition`).

    `equals` and `not_equals` want data that is no array, `in` and `not_in` look for the value in the data, the four set
    operators want two arrays. Anything else, `any_value` too, is false.
    """
    if operator == "equals":
        return not php.is_array(data) and php.loose_equal(data, value)
    if operator == "not_equals":
        return not php.is_array(data) and not php.loose_equal(data, value)
    if operator == "in":
        return php.is_array(data) and php.in_array(value, data)
    if operator == "not_in":
        return php.is_array(data) and not php.in_array(value, data)
    if operator in _SET_OPERATORS and php.is_array(data) and php.is_array(value):
        return _sets_hold(data, operator, value)
    return False


def _sets_hold(data: Any, operator: str, value: Any) -> bool:
    both = [entry for entry in php.values(data) if php.in_array(entry, value)]
    if operator == "in_or":
        return bool(both)
    if operator == "not_in_or":
        return not both
    if operator == "in_and":
        # Sorted on both sides, so that order does not matter; doubles still do.
        return php.loose_equal(php.sort(both), php.sort(value))
    return not php.loose_equal(both, php.values(value))


def matching(items: Any, value: Any, operator: Any, path: Any) -> Any:
    """Keep the items whose value at `path` fulfils the condition (`getItemsMatchingCondition`).

    Keys stay, so that gaps turn a list into a dict keyed "0", "3", …. Items that are no array come back as they are.
    `equals` and `not_equals` look at the first value found only; `any_value` wants that there is one.
    """
    if not php.is_array(items):
        return items
    kept = {key: item for key, item in php.pairs(items) if _item_matches(item, value, operator, path)}
    return items if len(kept) == len(items) else php.from_pairs(kept)


def _item_matches(item: Any, value: Any, operator: Any, path: Any) -> bool:
    found = extract_data(item, path)
    if operator in ("equals", "not_equals") and php.truthy(found):
        found = _first(found)
    if operator == "any_value":
        return php.truthy(found)
    return holds(found, operator, value)


def _first(found: Any) -> Any:
    """$found[0]: of a text its first byte, null where there is no such key."""
    if isinstance(found, str):
        return found[0]
    return php.item(found, "0")


def extract_data(data: Any, path: Any) -> Any:
    """What the hash path finds in the data; an empty path gives the data (`extractData`).

    MISP would answer false to an Exception here, but PHP's hash paths only ever throw an Error, which escapes.
    """
    return data if php.empty(path) else hashpath.extract(data, path)
