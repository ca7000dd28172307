"""PHP's types, numbers and texts. Source: the PHP manual, "Type juggling" and "Numeric strings"."""

from __future__ import annotations

import functools
import math
import re
from typing import NamedTuple

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
PRECISION = 14  # php.ini's `precision`, which decides how a float becomes text

_LONGEST_INT = 20  # digits that no integer of PHP's has

_NUMBER = r"[ \t\n\r\v\f]*(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
_LEADING_NUMBER = re.compile(_NUMBER)
_NUMERIC = re.compile(_NUMBER + r"[ \t\n\r\v\f]*\Z")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")


class Number(NamedTuple):
    """A numeric string's value; `overflow` is -1 or 1 when it is an integer that PHP has no room for."""

    value: int | float
    overflow: int


def type_name(value: object) -> str:
    """Name the type as PHP's own error messages do."""
    if value is None:
        return "null"
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(value, kind):
            return name
    return "array"


def truthy(value: object) -> bool:
    """PHP's (bool): "", "0", 0, 0.0, null and the empty array are false, everything else is true."""
    return value != "0" and bool(value)


def empty(value: object) -> bool:
    """PHP's empty() for a variable that exists."""
    return not truthy(value)


def is_numeric(value: object) -> bool:
    """PHP's is_numeric(): numbers, and strings that hold one with any white space around it."""
    if isinstance(value, str):
        return _NUMERIC.match(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def numeric_string(text: str) -> Number | None:
    """The number that the whole text stands for, white space around it allowed, or None."""
    # The same short texts are compared over and over; long ones would only fill the cache.
    return _remembered(text) if len(text) <= 32 else _parsed(text)


def _parsed(text: str) -> Number | None:
    found = _NUMERIC.match(text)
    if found is None:
        return None
    digits = found["number"]
    if not _INTEGER.match(digits):
        return Number(float(digits), 0)
    sign, digits = ("-" if digits[0] == "-" else ""), digits.lstrip("+-").lstrip("0") or "0"
    if len(digits) < _LONGEST_INT and INT_MIN <= (whole := int(sign + digits)) <= INT_MAX:
        return Number(whole, 0)
    return Number(float(sign + digits), -1 if sign else 1)


_remembered = functools.lru_cache(maxsize=4096)(_parsed)


def bounded(number: int | float) -> int | float:
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
        return bounded(value)
    if isinstance(value, str):
        found = _LEADING_NUMBER.match(value)
        number = numeric_string(found["number"]) if found else None
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
        number = bounded(value)
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
