"""Extracting: one step per part of the path, each from a list of items to the list of what they hold.

Events hold many rows of one kind. So each step first takes its items for what they usually are, all at once; only where
they are not that it looks at them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain
from operator import itemgetter
from typing import Any

from misp_workflow import php
from misp_workflow.hashpath.names import walk
from misp_workflow.hashpath.tokens import Test, kept, number_matches, split, test_of

Extractor = Callable[[Any], Any]
Step = Callable[[list[Any]], list[Any]]

_LISTS = {list}


def extractor(text: str, tokens: list[str], simple: bool) -> Extractor:
    """What `Path.extract` calls, made for this path."""
    if not text or text == "0":
        return _checked
    if not simple:
        return _through(_steps(tokens))
    return _single(tokens[0]) if len(tokens) == 1 else lambda data: php.to_array(walk(_checked(data), tokens, None))


def _checked(data: Any) -> Any:
    php.require_array(data, "Hash::extract(): Argument #1 ($data)")
    return data


def _single(name: str) -> Extractor:
    def extract(data: Any) -> Any:
        return php.to_array(data.get(name) if type(data) is dict else php.item(_checked(data), name))

    return extract


def _through(steps: list[Step]) -> Extractor:
    def extract(data: Any) -> Any:
        found = [_checked(data)]
        for step in steps:
            found = step(found)
        return found

    return extract


def extractor_of_each(tokens: list[str], extract: Extractor) -> Callable[[Collection[Any]], list[Any]]:
    """What `Path.each` calls: the usual `Tag.{n}.name` for all items at once, other paths item by item."""

    def each(items: Collection[Any]) -> list[Any]:
        return [extract(item) for item in items]

    if len(tokens) != 3 or tokens[1] != "{n}" or not _is_name(tokens[0]) or not _is_name(tokens[2]):
        return each
    outer, inner = tokens[0], itemgetter(tokens[2])

    def each_at_once(items: Collection[Any]) -> list[Any]:
        try:
            held = [item.get(outer, ()) for item in items]
            places = list(map(id, held))
            # Rows share what they hold, and so what is found in it.
            found = {
                place: list(map(inner, entries)) for place, entries in dict(zip(places, held, strict=True)).items()
            }
        except (AttributeError, KeyError, TypeError):  # not all are rows with lists of rows
            return each(items)
        return list(map(found.__getitem__, places))

    return each_at_once


def _is_name(token: str) -> bool:
    return not token.startswith("{") and "[" not in token and not php.is_numeric(token)


def _steps(tokens: list[str]) -> list[Step]:
    if len(tokens) > 3 and tokens[-2] == "{n}" and _is_name(tokens[-3]) and _is_name(tokens[-1]):
        return [*_each_step(tokens[:-3]), _named_in_lists(tokens[-3], tokens[-1], _each_step(tokens[-3:]))]
    return _each_step(tokens)


def _named_in_lists(outer: str, inner: str, one_by_one: list[Step]) -> Step:
    """What the rows in the items' lists have under a name, as in `Tag.{n}.name`."""
    value = itemgetter(inner)

    def step(items: list[Any]) -> list[Any]:
        try:  # what is no list of rows raises, as a text has no names: to look first would take longer
            held = [item[outer] for item in items if outer in item]
            return list(map(value, list(chain.from_iterable(held))))  # two lists: memory answers sooner when asked so
        except (KeyError, TypeError):
            for step in one_by_one:
                items = step(items)
            return items

    return step


def _each_step(tokens: list[str]) -> list[Step]:
    steps: list[Step] = []
    for token in tokens:
        name, conditions = split(token)
        steps.append(_step(name))
        if conditions:
            steps.append(_filter(test_of(conditions)))
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
    value = itemgetter(name)

    def step(items: list[Any]) -> list[Any]:
        try:
            return list(map(value, items))
        except (KeyError, TypeError):  # not all have it, or not all are rows
            return [item[name] for item in items if type(item) is dict and name in item]

    return step


def _numbered(name: str) -> Step:
    def step(items: list[Any]) -> list[Any]:
        found: list[Any] = []
        for item in items:
            found.extend(entry for key, entry in php.pairs(php.to_array(item)) if number_matches(key, name))
        return found

    return step


def _each_numeric(items: list[Any]) -> list[Any]:
    if len(items) == 1 and type(items[0]) is list:
        only: list[Any] = items[0]
        return only  # as it stands: nothing changes what a path finds
    if set(map(type, items)) == _LISTS:
        return list(chain.from_iterable(items))
    found: list[Any] = []
    for item in items:
        if type(item) is list:
            found.extend(item)
        elif type(item) is dict:
            found.extend(_numeric(item))
        elif item is not None:
            found.append(item)
    return found


def _numeric(array: dict[str, Any]) -> Collection[Any]:
    """The values under numeric keys: mostly all, as a filter leaves them of a list."""
    keys = "".join(array)
    if keys.isdigit() and keys.isascii() and "" not in array:
        return array.values()
    return [entry for key, entry in array.items() if php.is_numeric(key)]


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


def _filter(test: Test) -> Step:
    return lambda items: kept(items, test)
