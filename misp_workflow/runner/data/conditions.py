"""What a workflow's conditions and filters decide. Mirrors MISP's `WorkflowBaseModule`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.runner.data.profiles import MATCHES_RENUMBERED, OLDEST, ORDER_OPERATORS, Profile, profile

_FIRST = profile(OLDEST)
Test = Callable[[Any], bool]


def holds(data: Any, operator: Any, value: Any, misp: Profile = _FIRST) -> bool:
    """Tell whether `data operator value`, compared as PHP 8 does (`evaluateCondition`).

    `equals` and `not_equals` want data that is no array, `in` and `not_in` look for the value in the data, the four set
    operators (`in_or`, `in_and`, `not_in_or`, `not_in_and`) want two arrays. Anything else, `any_value` too, is false.
    """
    return _test(operator, value, misp)(data)


def _test(operator: Any, value: Any, misp: Profile) -> Test:
    make = _TESTS.get(operator) if isinstance(operator, str) else None
    if make is None and ORDER_OPERATORS in misp and isinstance(operator, str):
        make = _ORDERS.get(operator)
    return make(value) if make else _never


def _never(data: Any) -> bool:
    return False


def _equality(wanted: bool) -> Callable[[Any], Test]:
    def make(value: Any) -> Test:
        equal = php.equal_to(value)
        return lambda data: not isinstance(data, (list, dict)) and equal(data) is wanted

    return make


def _membership(wanted: bool) -> Callable[[Any], Test]:
    def make(value: Any) -> Test:
        equal = php.equal_to(value)
        return lambda data: isinstance(data, (list, dict)) and any(map(equal, php.each(data))) is wanted

    return make


def _both(decide: Callable[[list[Any], Any], bool]) -> Callable[[Any], Test]:
    """A test on what data and value have in common, in the order of the data and as often as it is there."""

    def make(value: Any) -> Test:
        if not php.is_array(value):
            return _never
        wanted = php.equal_to_any(value)

        def test(data: Any) -> bool:
            if not isinstance(data, (list, dict)):
                return False
            return decide([entry for entry in php.each(data) if wanted(entry)], value)

        return test

    return make


_TESTS: dict[str, Callable[[Any], Test]] = {
    "equals": _equality(True),
    "not_equals": _equality(False),
    "in": _membership(True),
    "not_in": _membership(False),
    "in_or": _both(lambda common, value: bool(common)),
    "not_in_or": _both(lambda common, value: not common),
    # Both sides are sorted, so that order does not matter; doubles do.
    "in_and": _both(
        lambda common, value: len(common) == len(value) and php.loose_equal(php.sort(common), php.sort(value))
    ),
    "not_in_and": _both(lambda common, value: not php.loose_equal(common, php.values(value))),
}


def _order(holds: Callable[[int], bool]) -> Callable[[Any], Test]:
    def make(value: Any) -> Test:
        return lambda data: not isinstance(data, (list, dict)) and holds(php.compare(data, value))

    return make


_ORDERS: dict[str, Callable[[Any], Test]] = {
    "greater": _order(lambda order: order > 0),
    "greater_equals": _order(lambda order: order >= 0),
    "less": _order(lambda order: order < 0),
    "less_equals": _order(lambda order: order <= 0),
}

OPERATORS = frozenset({*_TESTS, "any_value"})
"""What MISP knows to compare with."""


def matching(items: Any, value: Any, operator: Any, path: Any, misp: Profile = _FIRST) -> Any:
    """Keep the items whose value at `path` fulfils the condition (`getItemsMatchingCondition`).

    Keys stay, so that gaps turn a list into a dict keyed "0", "3", …. Items that are no array come back as they are.
    Later than 2.5.1 all is numbered anew, and raises PhpCrash for what is no array.
    `equals` and `not_equals` look at the first value found only; `any_value` wants that there is one.
    """
    if not php.is_array(items):
        if MATCHES_RENUMBERED in misp:
            php.require_array(items, "array_values(): Argument #1 ($array)")
        return items
    find = _finder(path)
    test = php.truthy if operator == "any_value" else _test(operator, value, misp)
    if operator in ("equals", "not_equals", *_ORDERS):
        kept = [place for place, item in enumerate(php.each(items)) if test(_first(find(item)))]
    else:
        kept = [place for place, item in enumerate(php.each(items)) if test(find(item))]
    found = php.at_places(items, kept)
    return php.values(found) if MATCHES_RENUMBERED in misp else found


def _first(found: Any) -> Any:
    """$found[0] where something was found: of a text its first byte, null where there is no such key."""
    if type(found) is list:
        return found[0] if found else found
    if isinstance(found, str):
        return found if php.empty(found) else found[0]
    return php.item(found, "0") if php.truthy(found) else found


def extract_data(data: Any, path: Any) -> Any:
    """What the hash path finds in the data; an empty path gives the data (`extractData`).

    MISP would answer false to an Exception here, but PHP's hash paths only ever throw an Error, which escapes.
    """
    return _finder(path)(data)


def _finder(path: Any) -> Callable[[Any], Any]:
    if php.empty(path):
        return lambda data: data
    return hashpath.compile(path).extract if isinstance(path, str) else lambda data: hashpath.extract(data, path)
