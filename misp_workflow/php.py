"""The PHP 8.2 habits that MISP's behaviour rests on, in one place.

Data is plain JSON. PHP has one array type, Python has two: a list is a PHP list, a dict is a PHP array whose keys are
strings here, and a key that looks like a PHP integer ("5", "-1", not "05") counts as that integer. A list with holes is
a dict with "0", "3", … keys. `[]` and `{}` are the same empty array.

Source: the PHP manual, "Type juggling", "Comparison operators", "Numeric strings" and "Arrays".
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Collection, ItemsView, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from misp_workflow.errors import PhpCrash, RunnerError

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
PRECISION = 14  # php.ini's `precision`, which decides how a float becomes text

_TOO_DEEP = "The data is nested too deep to be compared; MISP itself reads no JSON beyond 512 levels."

_LONGEST_INT = 20  # digits that no integer of PHP's has

_CANONICAL_INT = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z")
_NUMBER = r"[ \t\n\r\v\f]*(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_LEADING_NUMBER = re.compile(_NUMBER)
_NUMERIC = re.compile(_NUMBER + r"[ \t\n\r\v\f]*\Z")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")


class _Number(NamedTuple):
    """A numeric string's value; `overflow` is -1 or 1 when it is an integer that PHP has no room for."""

    value: int | float
    overflow: int


# ── kinds of values ──────────────────────────────────────────────────────────────────────────────────────────────────


def is_array(value: object) -> bool:
    """Tell whether PHP would hold this value as an array."""
    return isinstance(value, (list, dict))


def type_name(value: object) -> str:
    """Name the type as PHP's own error messages do."""
    if value is None:
        return "null"
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(value, kind):
            return name
    return "array"


def require_array(value: object, where: str) -> None:
    """Crash as PHP does when `where` (say `Hash::get(): Argument #1 ($data)`) is given something else than an array."""
    if not isinstance(value, (list, dict)):
        raise PhpCrash("TypeError", f"{where} must be of type array, {type_name(value)} given")


def truthy(value: object) -> bool:
    """PHP's (bool): "", "0", 0, 0.0, null and the empty array are false, everything else is true."""
    return value != "0" and bool(value)


def empty(value: object) -> bool:
    """PHP's empty() for a variable that exists."""
    return not truthy(value)


# ── numbers and text ─────────────────────────────────────────────────────────────────────────────────────────────────


def is_numeric(value: object) -> bool:
    """PHP's is_numeric(): numbers, and strings that hold one with any white space around it."""
    if isinstance(value, str):
        return _NUMERIC.match(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numeric_string(text: str) -> _Number | None:
    # The same short texts are compared over and over; long ones would only fill the cache.
    return _remembered(text) if len(text) <= 32 else _parsed(text)


def _parsed(text: str) -> _Number | None:
    found = _NUMERIC.match(text)
    if found is None:
        return None
    digits = found["number"]
    if not _INTEGER.match(digits):
        return _Number(float(digits), 0)
    sign, digits = ("-" if digits[0] == "-" else ""), digits.lstrip("+-").lstrip("0") or "0"
    if len(digits) < _LONGEST_INT and INT_MIN <= (whole := int(sign + digits)) <= INT_MAX:
        return _Number(whole, 0)
    return _Number(float(sign + digits), -1 if sign else 1)


_remembered = functools.lru_cache(maxsize=4096)(_parsed)


def _bounded(number: int | float) -> int | float:
    """An integer that PHP has no room for is a float there."""
    if isinstance(number, int) and not INT_MIN <= number <= INT_MAX:
        try:
            return float(number)
        except OverflowError:
            return math.inf if number > 0 else -math.inf
    return number


def to_number(value: object) -> int | float:
    """PHP's numeric conversion in arithmetic and casts: leading digits count, everything else is 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return _bounded(value)
    if isinstance(value, str):
        found = _LEADING_NUMBER.match(value)
        number = _numeric_string(found["number"]) if found else None
        return number.value if number else 0
    return 1 if truthy(value) else 0


def to_int(value: object) -> int:
    """PHP's (int)."""
    number = to_number(value)
    if isinstance(number, int):
        return number
    if not math.isfinite(number):
        return 0
    wrapped = int(number) & (2**64 - 1)
    return wrapped - 2**64 if wrapped > INT_MAX else wrapped


def to_string(value: object) -> str:
    """PHP's (string). An array gives "Array" (PHP warns)."""
    if isinstance(value, str):
        return value
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, (int, float)):
        number = _bounded(value)
        return str(number) if isinstance(number, int) else _float_text(number)
    return "Array"


def _float_text(number: float) -> str:
    if math.isnan(number):
        return "NAN"
    if math.isinf(number):
        return "INF" if number > 0 else "-INF"
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    mantissa, _, exponent = f"{number:.{PRECISION - 1}e}".partition("e")
    power = int(exponent)
    sign = "-" if mantissa[0] == "-" else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0")
    if power < -4 or power >= PRECISION:
        # PHP writes at least one digit after the point, and the exponent without padding
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{'-' if power < 0 else '+'}{abs(power)}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole = digits[: power + 1].ljust(power + 1, "0")
    fraction = digits[power + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


# ── comparison ───────────────────────────────────────────────────────────────────────────────────────────────────────


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


def _numeric_strings_equal(left: str, right: str) -> bool:
    # Most texts do not begin like a number at all: leave them without the cost of a parse.
    if not left or not right or left[0] not in _NUMBER_STARTS or right[0] not in _NUMBER_STARTS:
        return False
    return _compare_strings(left, right) == 0


_NUMBER_STARTS = frozenset("0123456789+-. \t\n\r\v\f")


def _arrays_equal(left: list[Any] | dict[str, Any], right: list[Any] | dict[str, Any]) -> bool:
    if len(left) != len(right):
        return False
    try:
        if isinstance(left, list) and isinstance(right, list):
            return all(map(loose_equal, left, right))
        other = dict(pairs(right))
        return all(key in other and loose_equal(item, other[key]) for key, item in pairs(left))
    except RecursionError:
        raise RunnerError(_TOO_DEEP) from None


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
    return float(_bounded(number))


def _compare_strings(left: str, right: str) -> int:
    one, two = _numeric_string(left), _numeric_string(right)
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
    parsed = _numeric_string(text)
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
        raise RunnerError(_TOO_DEEP) from None
    return 0


# ── arrays ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def int_key(key: str) -> int | None:
    """The integer that PHP makes of this array key, or None when it stays a string ("5" is 5, "05" stays)."""
    if _CANONICAL_INT.match(key) is None:
        return None
    number = int(key)
    return number if INT_MIN <= number <= INT_MAX else None


def array_key(value: object) -> str:
    """The array key that PHP makes of a value, in this module's spelling (a string)."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        raise PhpCrash("TypeError", "Illegal offset type")
    return str(to_int(value))


def pairs(array: Any) -> Iterable[tuple[str, Any]]:
    """The (key, value) pairs of a PHP array, keys as strings."""
    if isinstance(array, dict):
        items: ItemsView[str, Any] = array.items()
        return items
    return _list_pairs(array)


def _list_pairs(array: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(position), item) for position, item in enumerate(array))


def values(array: Any) -> list[Any]:
    """array_values(): the values, renumbered."""
    return list(array.values()) if isinstance(array, dict) else list(array)


def each(array: Any) -> Collection[Any]:
    """The values of a PHP array to go through, without a copy."""
    found: Collection[Any] = array.values() if isinstance(array, dict) else array
    return found


def at_places(array: Any, places: list[int]) -> Any:
    """The pairs at these places (0 is the first pair), in order, with the keys that they had."""
    if len(places) == len(array):
        return array
    if isinstance(array, dict):
        entries = list(array.items())
        return from_pairs({entries[place][0]: entries[place][1] for place in places})
    if not places or places[-1] == len(places) - 1:
        return array[: len(places)]
    return {str(place): array[place] for place in places}


def keys(array: Any) -> list[str]:
    """array_keys(), as strings."""
    return list(array) if isinstance(array, dict) else [str(position) for position in range(len(array))]


def is_list(array: Any) -> bool:
    """array_is_list(): keys 0, 1, 2 … in this order. Such an array is a JSON list on the wire."""
    if isinstance(array, list):
        return True
    return isinstance(array, dict) and all(key == str(position) for position, key in enumerate(array))


def from_pairs(items: dict[str, Any]) -> list[Any] | dict[str, Any]:
    """The array with these pairs: a list when the keys are those of a list, else the dict itself."""
    return list(items.values()) if is_list(items) else items


def canonical(value: Any) -> Any:
    """The same value with every list-like dict inside turned into a list. Copies; for data from outside."""
    try:
        if isinstance(value, dict):
            return from_pairs({key: canonical(entry) for key, entry in value.items()})
        return [canonical(entry) for entry in value] if isinstance(value, list) else value
    except RecursionError:
        raise RunnerError(_TOO_DEEP) from None


def item(array: Any, key: str, default: Any = None) -> Any:
    """$array[$key] ?? $default, except that a null that is there is returned too."""
    if isinstance(array, dict):
        return array.get(key, default)
    position = int_key(key) if isinstance(array, list) else None
    return array[position] if position is not None and 0 <= position < len(array) else default


def to_array(value: Any) -> Any:
    """PHP's (array): null is empty, a scalar becomes a list of one."""
    if isinstance(value, (list, dict)):
        return value
    return [] if value is None else [value]


def in_array(needle: object, haystack: Any) -> bool:
    """in_array() without its strict flag."""
    return any(map(equal_to(needle), each(haystack)))


def array_merge(first: Any, second: Any) -> Any:
    """array_merge(): string keys of the second win, integer keys are renumbered."""
    if isinstance(first, list) and isinstance(second, list):
        return first + second
    merged: dict[str, Any] = {}
    position = 0
    for array in (first, second):
        for key, entry in pairs(array):
            if int_key(key) is None:
                merged[key] = entry
            else:
                merged[str(position)] = entry
                position += 1
    return from_pairs(merged)


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
