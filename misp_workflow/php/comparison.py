"""PHP 8's comparison. Source: the PHP manual, "Comparison operators"."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

from misp_workflow.errors import RunnerError
from misp_workflow.php.arrays import TOO_DEEP, each, is_array, pairs, values
from misp_workflow.php.scalars import bounded, is_numeric, numeric_string, to_string, truthy, type_name

_NUMBER_STARTS = frozenset("0123456789+-. \t\n\r\v\f")


def loose_equal(left: object, right: object) -> bool:
    """PHP 8's ==."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or _numeric_strings_equal(left, right)
    if isinstance(left, (list, dict)) and isinstance(right, (list, dict)):
        return _arrays_equal(left, right)
    return compare(left, right) == 0


def equal_to(value: object) -> Callable[[object], bool]:
    """A test for == `value`, for many comparisons with one value."""
    if isinstance(value, str) and not is_numeric(value):
        return lambda other: other == value if type(other) is str else loose_equal(other, value)
    return lambda other: loose_equal(other, value)


def equal_to_any(candidates: Any) -> Callable[[object], bool]:
    """A test for == one of the values of this array, for many comparisons."""
    texts = frozenset(entry for entry in each(candidates) if isinstance(entry, str) and not is_numeric(entry))
    others = [equal_to(entry) for entry in each(candidates) if not (isinstance(entry, str) and entry in texts)]

    def test(value: object) -> bool:
        if type(value) is str:
            return value in texts or any(equal(value) for equal in others)
        return any(loose_equal(value, entry) for entry in each(candidates))

    return test


_ALONE = frozenset((str, type(None)))
_TOLD_APART = _ALONE | {bool}
_SAMPLE = 64


def passing(test: Callable[[Any], bool], values: Collection[Any]) -> set[Any] | None:
    """Those of the values of which the test holds. Many values are often the same few, of which each is asked once.

    None, and nothing is asked, where some are such that Python takes them for one and PHP does not (1, 1.0 and true),
    or cannot be in a set.
    """
    try:
        different = set(values)
    except TypeError:
        return None
    kinds = set(map(type, different))
    # No number hides behind a text or null, as 1 does behind true: where there is nothing else, the few speak for all.
    if not _ALONE.issuperset(kinds) and not (
        _TOLD_APART.issuperset(kinds) and _TOLD_APART.issuperset(map(type, values))
    ):
        return None
    among = getattr(test, "among", None) if kinds == {str} else None  # some tests ask many texts in fewer steps
    return among(different) if among else {value for value in different if test(value)}


def asked_once(test: Callable[[Any], bool], values: Collection[Any]) -> Callable[[Any], bool]:
    """The same test, for these values only."""
    found = passing(test, values)
    return test if found is None else found.__contains__


def verdicts(test: Callable[[Any], bool], values: list[Any]) -> Iterable[object]:
    """Something true for each value of which the test holds. Of texts that mostly differ none is looked for twice."""
    at_once = getattr(test, "each", None)  # some tests ask many texts in fewer steps
    if at_once and {str}.issuperset(map(type, values)) and len(set(values[:_SAMPLE])) > _SAMPLE // 2:
        found: Iterable[object] = at_once(values)
        return found
    return map(asked_once(test, values), values)


def _numeric_strings_equal(left: str, right: str) -> bool:
    # Most texts do not begin like a number at all: leave them without the cost of a parse.
    if not left or not right or left[0] not in _NUMBER_STARTS or right[0] not in _NUMBER_STARTS:
        return False
    return _compare_strings(left, right) == 0


def _arrays_equal(left: list[Any] | dict[str, Any], right: list[Any] | dict[str, Any]) -> bool:
    if len(left) != len(right):
        return False
    try:
        if isinstance(left, list) and isinstance(right, list):
            return all(map(loose_equal, left, right))
        other = dict(pairs(right))
        return all(key in other and loose_equal(item, other[key]) for key, item in pairs(left))
    except RecursionError:
        raise RunnerError(TOO_DEEP) from None


def strict_equal(left: object, right: object) -> bool:
    """PHP's ===: same type and value; arrays with the same pairs in the same order."""
    if is_array(left) and is_array(right):
        one, two = list(pairs(left)), list(pairs(right))
        return len(one) == len(two) and all(
            a[0] == b[0] and strict_equal(a[1], b[1]) for a, b in zip(one, two, strict=True)
        )
    return type_name(left) == type_name(right) and left == right


def compare(left: object, right: object) -> int:
    """PHP 8's <=>: -1, 0 or 1. What cannot be compared (arrays with different keys, NAN) is 1, as in PHP."""
    if isinstance(left, str) and isinstance(right, str):
        return _compare_strings(left, right)
    if left is None and isinstance(right, str):
        return -1 if right else 0
    if isinstance(left, str) and right is None:
        return 1 if left else 0
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return int(truthy(left)) - int(truthy(right))
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return _compare_arrays(left, right)
    if isinstance(left, str):
        # NAN is never less, whichever side it stands on
        return 1 if right != right else -_compare_number_to_string(right, left)
    if isinstance(right, str):
        return _compare_number_to_string(left, right)
    return _threeway(left, right)


def _threeway(left: Any, right: Any) -> int:
    if isinstance(left, float) or isinstance(right, float):
        left, right = _as_float(left), _as_float(right)
    if left == right:
        return 0
    return -1 if left < right else 1


def _as_float(number: int | float) -> float:
    return float(bounded(number))


def _compare_strings(left: str, right: str) -> int:
    one, two = numeric_string(left), numeric_string(right)
    if one is None or two is None:
        return _compare_bytes(left, right)
    if one.overflow and one.overflow == two.overflow and one.value == two.value:
        return _compare_bytes(left, right)
    if isinstance(one.value, int) and isinstance(two.value, int):
        return _threeway(one.value, two.value)
    if isinstance(one.value, int) and two.overflow:
        return -two.overflow
    if isinstance(two.value, int) and one.overflow:
        return one.overflow
    if one.value == two.value and not math.isfinite(one.value):
        return _compare_bytes(left, right)
    return _threeway(one.value, two.value)


def _compare_bytes(left: str, right: str) -> int:
    # UTF-8 sorts as its code points do, so that no encoding is needed.
    return (left > right) - (left < right)


def _compare_number_to_string(number: Any, text: str) -> int:
    parsed = numeric_string(text)
    if parsed is None:
        return _compare_bytes(to_string(number), text)
    return _threeway(number, parsed.value)


def _compare_arrays(left: object, right: object) -> int:
    if not isinstance(left, (list, dict)):
        return -1
    if not isinstance(right, (list, dict)):
        return 1
    if len(left) != len(right):
        return -1 if len(left) < len(right) else 1
    other = dict(pairs(right))
    try:
        for key, item in pairs(left):
            if key not in other:
                return 1
            if difference := compare(item, other[key]):
                return difference
    except RecursionError:
        raise RunnerError(TOO_DEEP) from None
    return 0


def in_array(needle: object, haystack: Any) -> bool:
    """in_array() without its strict flag."""
    return any(map(equal_to(needle), each(haystack)))


def sort(array: Any) -> list[Any]:
    """sort(): a new list in PHP's order, stable.

    Mixed types have no total order in PHP, so the result depends on how it sorts: up to sixteen entries it inserts.
    """
    entries = values(array)
    if len(entries) > 16:
        return sorted(entries, key=functools.cmp_to_key(compare))
    done: list[Any] = []
    for entry in entries:
        place = len(done)
        while place and compare(done[place - 1], entry) > 0:
            place -= 1
        done.insert(place, entry)
    return done
