"""What a hash path's text says: its parts, the keys that a part matches, the conditions in brackets."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from itertools import compress
from operator import itemgetter
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.php import pcre

Test = Callable[[Any], bool]

MISSING = object()

_TRIMMED = " \t\n\r\0\x0b"
_SELECTOR = re.compile(
    r"\[(?P<attr>[^=><!]+?)(?:\s*(?P<op>[><!]?=|[><])\s*(?P<val>/.*?/|[^\]]+))?\]",
    re.ASCII,
)


def tokenize(text: str) -> list[str]:
    """Split at the dots outside of brackets, and trim; a stray "]" keeps every later dot, as CakePHP does."""
    tokens, start, depth = [], 0, 0
    for position, char in enumerate(text):
        if char == "." and depth == 0:
            tokens.append(text[start:position])
            start = position + 1
        else:
            depth += (char == "[") - (char == "]")
    tokens.append(text[start:])
    return [token.strip(_TRIMMED) for token in tokens]


def split(token: str) -> tuple[str, str]:
    """The key that a part asks for, and its conditions, brackets included."""
    name, bracket, conditions = token.partition("[")
    return name, bracket + conditions


def token_matches(key: str, name: str) -> bool:
    """Tell whether a part without conditions matches an array's key."""
    if name == "{n}":
        return php.is_numeric(key)
    if name == "{s}":
        return php.int_key(key) is None
    if name == "{*}":
        return True
    return number_matches(key, name) if php.is_numeric(name) else key == name


def number_matches(key: str, name: str) -> bool:
    """The same for a part that is a number: compared as PHP's == does, so that "07" matches the key 7."""
    number = php.int_key(key)
    return php.loose_equal(key if number is None else number, name)


@functools.lru_cache(maxsize=1024)
def test_of(conditions: str) -> Test:
    """What `[a][b=1]` asks of an array. Brackets that hold no condition PHP can read ask nothing."""
    tests = [_condition(found["attr"], found["op"], found["val"]) for found in _SELECTOR.finditer(conditions)]
    if len(tests) == 1:
        return tests[0]
    return lambda item: all(test(item) for test in tests)


def _condition(attr: str, op: str | None, val: str | None) -> Test:
    if op is None or val is None:
        return lambda item: php.item(item, attr) is not None
    if op == "=" and val[0] == "/":
        return _ValueTest(attr, _PatternTest(val))
    numeric = php.is_numeric(val)
    if op in ("=", "!="):
        equal, wanted = php.equal_to(val), op == "="
        return _ValueTest(attr, lambda value: equal(_comparable(value, numeric)) is wanted)
    ordered = _ORDER[op]
    return _ValueTest(attr, lambda value: ordered(_comparable(value, numeric), val))


class _ValueTest:
    """A test of the attribute's value; an attribute that is missing fails, one that is null does not by itself."""

    def __init__(self, attr: str, test: Test) -> None:
        self._attr, self._value, self._test = attr, itemgetter(attr), test

    def __call__(self, item: Any) -> bool:
        value = php.item(item, self._attr, MISSING)
        return value is not MISSING and self._test(value)

    def kept(self, rows: list[dict[str, Any]]) -> list[Any] | None:
        """Those of the rows that pass, asked for all at once; None where not all are rows."""
        try:
            values = list(map(self._value, rows))
        except TypeError:
            return None
        except KeyError:
            if not {dict}.issuperset(map(type, rows)):
                return None
            rows = [row for row in rows if self._attr in row]
            values = list(map(self._value, rows))
        return list(compress(rows, php.verdicts(self._test, values)))


def kept(items: list[Any], test: Test) -> list[Any]:
    """The arrays among the items that fulfil the test."""
    found = test.kept(items) if isinstance(test, _ValueTest) else None
    if found is not None:
        return found
    return [item for item in items if isinstance(item, (dict, list)) and test(item)]


def _comparable(value: Any, numeric: bool) -> Any:
    """Booleans compare as "1" and "0" with a number, else as "true" and "false"; numbers as text."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return ("1" if value else "0") if numeric else ("true" if value else "false")
    return php.to_string(value) if isinstance(value, (int, float)) else value


_ORDER: dict[str, Callable[[Any, str], bool]] = {
    ">": lambda value, other: php.compare(value, other) > 0,
    ">=": lambda value, other: php.compare(value, other) >= 0,
    "<": lambda value, other: php.compare(other, value) > 0,
    "<=": lambda value, other: php.compare(other, value) >= 0,
}


class _PatternTest:
    """Whether a regular expression is found in a value."""

    def __init__(self, pattern: str) -> None:
        self._matches = pcre.matcher(pattern)
        self.among = getattr(self._matches, "among", None)
        self.each = getattr(self._matches, "each", None)

    def __call__(self, value: Any) -> bool:
        if type(value) is str:
            return self._matches(value)
        if php.is_array(value):
            raise PhpCrash("TypeError", "preg_match(): Argument #2 ($subject) must be of type string, array given")
        return self._matches(php.to_string(_comparable(value, False)))
