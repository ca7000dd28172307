"""CakePHP 2 hash paths (`Event.Tag.{n}[name=tlp:red].id`): compiled once, then extract, get, insert and remove.

    {n}  any numeric key        {s}  any string key        {*}  any key        name, 3  that key
    [attr]  has it, not null    [attr=v] [attr!=v] [attr>v] [attr>=v] [attr<v] [attr<=v]    [attr=/regex/]

Mirrors `Hash` of CakePHP 2.10; source: the CakePHP book, "Hash", and recorded behaviour.

Nothing here changes what it is given. `insert` and `remove` answer new data: containers on the way are copied, all the
rest is shared with the old data. So treat data as values, as PHP does: never change a container in place.

Data that is no array, and a few paths, make PHP throw: `errors.PhpCrash`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from misp_workflow import pcre, php
from misp_workflow.errors import PhpCrash, RunnerError

Extractor = Callable[[Any], Any]
Step = Callable[[list[Any]], list[Any]]
Test = Callable[[Any], bool]

MAX_TOKENS = 128  # of a path with patterns, when inserting or removing

_MISSING = object()
_TRIMMED = " \t\n\r\0\x0b"
_SELECTOR = re.compile(
    r"\[(?P<attr>[^=><!]+?)(?:\s*(?P<op>[><!]?=|[><])\s*(?P<val>/.*?/|[^\]]+))?\]",
    re.ASCII,
)


class Path:
    """A compiled path. `text` is what it was made from, `tokens` its parts, `simple` whether it is names only.

    `extract(data)` gives everything the path finds, as a list; a path of names only that ends at an array gives that
    array. An empty path (also "0", which PHP takes for empty) gives the data itself. Nothing found is [].
    """

    __slots__ = ("_rest", "extract", "simple", "text", "tokens")

    extract: Extractor

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokenize(text) if "[" in text else text.split(".")
        self.simple = "{" not in text and "[" not in text
        self.extract = _extractor(text, self.tokens, self.simple)
        self._rest: Path | None = None

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def get(self, data: Any, default: Any = None) -> Any:
        """The one value at a path of names; the default when it is missing or null. Patterns are plain names here."""
        php.require_array(data, "Hash::get(): Argument #1 ($data)")
        names = self.tokens if self.simple else self.text.split(".")
        return _walk(data, names, default) if data else default

    def insert(self, data: Any, value: Any) -> Any:
        """New data with the value at every place that the path matches; see the module about sharing.

        Names that are missing are made. Where the path ends in a pattern the value's pairs are merged into each match.
        """
        php.require_array(data, "Hash::insert(): Argument #1 ($data)")
        if self.simple:
            return _insert_simple(data, self.tokens, value)
        name, test = self._head()
        changed: dict[str, Any] = {}
        for key, item in php.pairs(data):
            if not _token_matches(key, name) or (test and not test(_tested(item))):
                continue
            if self._rest_text() not in ("", "0"):
                changed[key] = self._next().insert(item, value)
            else:
                php.require_array(item, "array_merge(): Argument #1")
                changed[key] = php.array_merge(item, php.to_array(value))
        return _replaced(data, changed)

    def remove(self, data: Any) -> Any:
        """New data without what the path matches; an array that this leaves empty goes too."""
        php.require_array(data, "Hash::remove(): Argument #1 ($data)")
        if self.simple:
            return _remove_simple(data, self.tokens)
        name, test = self._head()
        last = self._rest_text() == ""
        changed: dict[str, Any] = {}
        for key, item in php.pairs(data):
            if not _token_matches(key, name):
                continue
            if php.is_array(item):
                if test is None or (not last and test(item)):
                    item = self._next().remove(item)
                elif last and test(item):
                    item = _MISSING
                changed[key] = item if item is not _MISSING and item else _MISSING
            elif last:
                changed[key] = _MISSING
        return _replaced(data, changed)

    def _head(self) -> tuple[str, Test | None]:
        name, conditions = _split(self.tokens[0])
        return name, _test(conditions) if conditions else None

    def _rest_text(self) -> str:
        return ".".join(self.tokens[1:])

    def _next(self) -> Path:
        if len(self.tokens) > MAX_TOKENS:
            raise RunnerError(
                f"The hash path has more than {MAX_TOKENS} parts, which is more than this engine inserts at."
            )
        if self._rest is None:
            self._rest = compile(self._rest_text())
        return self._rest


@functools.lru_cache(maxsize=1024)
def compile(path: str) -> Path:
    """The path, made ready once."""
    return Path(path)


def extract(data: Any, path: Any) -> Any:
    """Hash::extract() with a path of any type: null, false, 0, [] and "" give the data itself."""
    php.require_array(data, "Hash::extract(): Argument #1 ($data)")
    if isinstance(path, str):
        return compile(path).extract(data)
    if php.empty(path):
        return data
    return compile(_path_text(path, "preg_match(): Argument #2 ($subject)")).extract(data)


def get(data: Any, path: Any, default: Any = None) -> Any:
    """Hash::get() with a path of any type; a list is taken as the keys themselves."""
    php.require_array(data, "Hash::get(): Argument #1 ($data)")
    if not data or path is None:
        return default
    if isinstance(path, str):
        return compile(path).get(data, default)
    if php.is_array(path):
        return _walk(data, php.values(path), default)
    return _walk(data, [php.array_key(path)] if isinstance(path, bool) else php.to_string(path).split("."), default)


def insert(data: Any, path: Any, value: Any = None) -> Any:
    """Hash::insert(); see Path.insert."""
    php.require_array(data, "Hash::insert(): Argument #1 ($data)")
    return compile(_path_text(path, "strpos(): Argument #1 ($haystack)")).insert(data, value)


def remove(data: Any, path: Any) -> Any:
    """Hash::remove(); see Path.remove."""
    php.require_array(data, "Hash::remove(): Argument #1 ($data)")
    return compile(_path_text(path, "strpos(): Argument #1 ($haystack)")).remove(data)


def _path_text(path: Any, where: str) -> str:
    if php.is_array(path):
        raise PhpCrash("TypeError", f"{where} must be of type string, array given")
    return php.to_string(path)


# ── reading the path ─────────────────────────────────────────────────────────────────────────────────────────────────


def _tokenize(text: str) -> list[str]:
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


def _split(token: str) -> tuple[str, str]:
    name, bracket, conditions = token.partition("[")
    return name, bracket + conditions


def _token_matches(key: str, name: str) -> bool:
    if name == "{n}":
        return php.is_numeric(key)
    if name == "{s}":
        return php.int_key(key) is None
    if name == "{*}":
        return True
    return _number_matches(key, name) if php.is_numeric(name) else key == name


def _number_matches(key: str, name: str) -> bool:
    number = php.int_key(key)
    return php.loose_equal(key if number is None else number, name)


# ── extract: one step per token, each from a list of items to the list of what they hold ─────────────────────────────


def _extractor(text: str, tokens: list[str], simple: bool) -> Extractor:
    if not text or text == "0":
        return _checked
    if not simple:
        return _through(_steps(tokens))
    return _single(tokens[0]) if len(tokens) == 1 else lambda data: php.to_array(_walk(_checked(data), tokens, None))


def _checked(data: Any) -> Any:
    php.require_array(data, "Hash::extract(): Argument #1 ($data)")
    return data


def _single(name: str) -> Extractor:
    def extract(data: Any) -> Any:
        value = data.get(name) if type(data) is dict else php.item(_checked(data), name)
        if value is None:
            return []
        return value if isinstance(value, (list, dict)) else [value]

    return extract


def _through(steps: list[Step]) -> Extractor:
    def extract(data: Any) -> Any:
        found = [_checked(data)]
        for step in steps:
            found = step(found)
        return found

    return extract


def _steps(tokens: list[str]) -> list[Step]:
    steps: list[Step] = []
    for token in tokens:
        name, conditions = _split(token)
        steps.append(_step(name))
        if conditions:
            steps.append(_filter(_test(conditions)))
    return steps


def _step(name: str) -> Step:
    if name == "{n}":
        return _each_numeric
    if name == "{s}":
        return _each_named
    if name == "{*}":
        return _each
    return _numbered(name) if php.is_numeric(name) else _named(name)


def _named(name: str) -> Step:
    def step(items: list[Any]) -> list[Any]:
        return [item[name] for item in items if type(item) is dict and name in item]

    return step


def _numbered(name: str) -> Step:
    def step(items: list[Any]) -> list[Any]:
        found: list[Any] = []
        for item in items:
            found.extend(entry for key, entry in php.pairs(php.to_array(item)) if _number_matches(key, name))
        return found

    return step


def _each_numeric(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if type(item) is list:
            found.extend(item)
        elif type(item) is dict:
            found.extend([entry for key, entry in item.items() if php.is_numeric(key)])
        elif item is not None:
            found.append(item)
    return found


def _each_named(items: list[Any]) -> list[Any]:
    return [entry for item in items if type(item) is dict for key, entry in item.items() if php.int_key(key) is None]


def _each(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if type(item) is dict:
            found.extend(item.values())
        elif type(item) is list:
            found.extend(item)
        elif item is not None:
            found.append(item)
    return found


# ── conditions in brackets ───────────────────────────────────────────────────────────────────────────────────────────


def _filter(test: Test) -> Step:
    def step(items: list[Any]) -> list[Any]:
        return [item for item in items if isinstance(item, (dict, list)) and test(item)]

    return step


@functools.lru_cache(maxsize=1024)
def _test(conditions: str) -> Test:
    """What `[a][b=1]` asks of an array. Brackets that hold no condition PHP can read ask nothing."""
    tests = [_condition(found["attr"], found["op"], found["val"]) for found in _SELECTOR.finditer(conditions)]
    if len(tests) == 1:
        return tests[0]
    return lambda item: all(test(item) for test in tests)


def _tested(item: Any) -> Any:
    php.require_array(item, "Hash::_matches(): Argument #1 ($data)")
    return item


def _condition(attr: str, op: str | None, val: str | None) -> Test:
    if op is None or val is None:
        return lambda item: php.item(item, attr) is not None
    if op == "=" and val[0] == "/":
        return _value_test(attr, _pattern_test(val))
    numeric = php.is_numeric(val)
    if op in ("=", "!="):
        equal, wanted = php.equal_to(val), op == "="
        if not numeric:
            return _value_test(attr, lambda value: equal(_comparable(value, False)) is wanted)
        return _value_test(attr, lambda value: equal(_comparable(value, True)) is wanted)
    ordered = _ORDER[op]
    return _value_test(attr, lambda value: ordered(_comparable(value, numeric), val))


def _value_test(attr: str, test: Test) -> Test:
    """A test of the attribute's value; an attribute that is missing fails, one that is null does not by itself."""

    def tested(item: Any) -> bool:
        value = item.get(attr, _MISSING) if type(item) is dict else php.item(item, attr, _MISSING)
        return value is not _MISSING and test(value)

    return tested


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


def _pattern_test(pattern: str) -> Test:
    matches = pcre.matcher(pattern)

    def test(value: Any) -> bool:
        if php.is_array(value):
            raise PhpCrash("TypeError", "preg_match(): Argument #2 ($subject) must be of type string, array given")
        return matches(php.to_string(_comparable(value, False)))

    return test


# ── names only ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _walk(data: Any, names: list[Any], default: Any) -> Any:
    for name in names:
        if type(data) is dict:
            data = data.get(name if isinstance(name, str) else php.array_key(name))
        elif type(data) is list:
            data = php.item(data, name if isinstance(name, str) else php.array_key(name))
        else:
            return default
        if data is None:
            return default
    return data


def _simple_key(name: str) -> str:
    """Insert and remove read "5 " and "1e3" as the integers 5 and 1000, but nothing that begins with 0."""
    if php.is_numeric(name) and php.to_int(name) > 0 and not name.startswith("0"):
        return str(php.to_int(name))
    return name


def _insert_simple(data: Any, names: list[str], value: Any) -> Any:
    keys = [_simple_key(name) for name in names]
    containers = [data]
    for key in keys[:-1]:
        inner = php.item(containers[-1], key)
        containers.append(inner if php.is_array(inner) else [])
    for key, container in zip(reversed(keys), reversed(containers), strict=True):
        value = _with(container, key, value)
    return value


def _remove_simple(data: Any, names: list[str]) -> Any:
    keys = [_simple_key(name) for name in names]
    containers = [data]
    for key in keys[:-1]:
        inner = php.item(containers[-1], key)
        if not php.is_array(inner):
            return data
        containers.append(inner)
    left = _replaced(containers.pop(), {keys.pop(): _MISSING})
    for key, container in zip(reversed(keys), reversed(containers), strict=True):
        left = _with(container, key, left)
    return left


def _with(array: Any, key: str, value: Any) -> Any:
    """A copy of the array with one pair set."""
    if isinstance(array, dict):
        return php.from_pairs({**array, key: value})
    position = php.int_key(key)
    if position is not None and 0 <= position < len(array):
        return [*array[:position], value, *array[position + 1 :]]
    if position == len(array):
        return [*array, value]
    return {**dict(php.pairs(array)), key: value}


def _replaced(array: Any, changed: dict[str, Any]) -> Any:
    """A copy of the array with some values changed, or taken out where they are _MISSING."""
    if not changed:
        return array
    kept = {key: entry for key, old in php.pairs(array) if (entry := changed.get(key, old)) is not _MISSING}
    return php.from_pairs(kept)
