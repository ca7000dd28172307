"""What a workflow's conditions and filters decide. Mirrors MISP's `WorkflowBaseModule`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import chain, compress, count
from operator import itemgetter
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.runner.data.profiles import MATCHES_RENUMBERED, OLDEST, ORDER_OPERATORS, Profile, profile

_FIRST = profile(OLDEST)
Test = Callable[[Any], bool]

_MANY = 32
"""Entries from which on it is quicker to ask about each different one once."""


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


def _equality(wanted: bool, value: Any) -> Test:
    equal = php.equal_to(value)
    return lambda data: not isinstance(data, (list, dict)) and equal(data) is wanted


class _Contains:
    """Whether data is an array with an entry that passes; `wanted` false: whether it is one without."""

    def __init__(self, passes: Test, wanted: bool) -> None:
        self._passes, self._wanted = passes, wanted

    def __call__(self, data: Any) -> bool:
        return isinstance(data, (list, dict)) and any(_asked(self._passes, data)) is self._wanted

    def of_each(self, found: list[Any]) -> Iterable[bool]:
        """The same for many, which often are the same few objects."""
        places = list(map(id, found))
        different = dict(zip(places, found, strict=True))
        if {list}.issuperset(map(type, different.values())):
            passing = php.passing(self._passes, list(chain.from_iterable(different.values())))
            if passing is not None:
                verdicts = {key: passing.isdisjoint(entries) is not self._wanted for key, entries in different.items()}
                return map(verdicts.__getitem__, places)
        return map(self, found)


def _asked(test: Test, array: Any) -> Iterable[bool]:
    """What the test says of each value of an array."""
    values = php.each(array)
    return map(php.asked_once(test, values) if len(values) > _MANY else test, values)


def _membership(wanted: bool, value: Any) -> Test:
    return _Contains(php.equal_to(value), wanted)


def _overlap(wanted: bool, value: Any) -> Test:
    return _Contains(php.equal_to_any(value), wanted) if php.is_array(value) else _never


def _both(decide: Callable[[list[Any], Any], bool], value: Any) -> Test:
    """A test on what data and value have in common, in the order of the data and as often as it is there."""
    if not php.is_array(value):
        return _never
    wanted = php.equal_to_any(value)

    def test(data: Any) -> bool:
        if not isinstance(data, (list, dict)):
            return False
        return decide(list(compress(php.each(data), _asked(wanted, data))), value)

    return test


def _order(holds: Callable[[int], bool], value: Any) -> Test:
    return lambda data: not isinstance(data, (list, dict)) and holds(php.compare(data, value))


_TESTS: dict[str, Callable[[Any], Test]] = {
    "equals": partial(_equality, True),
    "not_equals": partial(_equality, False),
    "in": partial(_membership, True),
    "not_in": partial(_membership, False),
    "in_or": partial(_overlap, True),
    "not_in_or": partial(_overlap, False),
    # Both sides are sorted, so that order does not matter; doubles do.
    "in_and": partial(
        _both, lambda common, value: len(common) == len(value) and php.loose_equal(php.sort(common), php.sort(value))
    ),
    "not_in_and": partial(_both, lambda common, value: not php.loose_equal(common, php.values(value))),
}

_ORDERS: dict[str, Callable[[Any], Test]] = {
    "greater": partial(_order, lambda order: order > 0),
    "greater_equals": partial(_order, lambda order: order >= 0),
    "less": partial(_order, lambda order: order < 0),
    "less_equals": partial(_order, lambda order: order <= 0),
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
    test = php.truthy if operator == "any_value" else _test(operator, value, misp)
    if operator in ("equals", "not_equals", *_ORDERS):
        test = _of_first(test)
    verdicts = _verdicts(php.each(items), path, test)
    if MATCHES_RENUMBERED in misp:
        return list(compress(php.each(items), verdicts))
    return php.at_places(items, list(compress(count(), verdicts)))


def _verdicts(items: Collection[Any], path: Any, test: Test) -> Iterable[bool]:
    """What the test says of what the path finds in each item."""
    if not isinstance(path, str) or php.empty(path):
        return map(test, map(_finder(path), items))
    compiled = hashpath.compile(path)
    values = _values(items, path) if compiled.name is not None else None
    if values is not None:
        return map(php.asked_once(lambda value: test(php.to_array(value)), values), values)
    found = compiled.each(items)
    return test.of_each(found) if isinstance(test, _Contains) else map(test, found)


def _values(rows: Collection[Any], name: str) -> list[Any] | None:
    """What each row has under this name; None where not all are rows."""
    try:
        return list(map(itemgetter(name), rows))
    except (KeyError, TypeError):
        return [row.get(name) for row in rows] if {dict}.issuperset(map(type, rows)) else None


def _of_first(test: Test) -> Test:
    return lambda found: test(_first(found))


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
