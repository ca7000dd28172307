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
from collections.abc import Callable, Collection
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash, RunnerError
from misp_workflow.hashpath.names import insert_at, remove_at, replaced, walk
from misp_workflow.hashpath.steps import Extractor, extractor, extractor_of_each
from misp_workflow.hashpath.tokens import MISSING, Test, split, test_of, token_matches, tokenize

MAX_TOKENS = 128  # of a path with patterns, when inserting or removing


class Path:
    """A compiled path. `text` is what it was made from, `tokens` its parts, `simple` whether it is names only.

    `extract(data)` gives everything the path finds, as a list; a path of names only that ends at an array gives that
    array. An empty path (also "0", which PHP takes for empty) gives the data itself. Nothing found is [].
    `each(items)` is that for many items at once. `name` is the whole path where it is one name, else None.
    """

    __slots__ = ("_rest", "each", "extract", "name", "simple", "text", "tokens")

    extract: Extractor
    each: Callable[[Collection[Any]], list[Any]]

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text) if "[" in text else text.split(".")
        self.simple = "{" not in text and "[" not in text
        self.name = text if self.simple and len(self.tokens) == 1 else None
        self.extract = extractor(text, self.tokens, self.simple)
        self.each = extractor_of_each(self.tokens, self.extract)
        self._rest: Path | None = None

    def __repr__(self) -> str:
        return f"Path({self.text!r})"

    def get(self, data: Any, default: Any = None) -> Any:
        """The one value at a path of names; the default when it is missing or null. Patterns are plain names here."""
        php.require_array(data, "Hash::get(): Argument #1 ($data)")
        names = self.tokens if self.simple else self.text.split(".")
        return walk(data, names, default) if data else default

    def insert(self, data: Any, value: Any) -> Any:
        """New data with the value at every place that the path matches; see the module about sharing.

        Names that are missing are made. Where the path ends in a pattern the value's pairs are merged into each match.
        """
        php.require_array(data, "Hash::insert(): Argument #1 ($data)")
        if self.simple:
            return insert_at(data, self.tokens, value)
        name, test = self._head()
        changed: dict[str, Any] = {}
        for key, item in php.pairs(data):
            if not token_matches(key, name):
                continue
            if test:
                php.require_array(item, "Hash::_matches(): Argument #1 ($data)")
                if not test(item):
                    continue
            if self._rest_text() not in ("", "0"):
                changed[key] = self._next().insert(item, value)
            else:
                php.require_array(item, "array_merge(): Argument #1")
                changed[key] = php.array_merge(item, php.to_array(value))
        return replaced(data, changed)

    def remove(self, data: Any) -> Any:
        """New data without what the path matches; an array that this leaves empty goes too."""
        php.require_array(data, "Hash::remove(): Argument #1 ($data)")
        if self.simple:
            return remove_at(data, self.tokens)
        name, test = self._head()
        last = self._rest_text() == ""
        changed: dict[str, Any] = {}
        for key, item in php.pairs(data):
            if not token_matches(key, name):
                continue
            if php.is_array(item):
                if test is None or (not last and test(item)):
                    item = self._next().remove(item)
                elif last and test(item):
                    item = None
                changed[key] = item or MISSING
            elif last:
                changed[key] = MISSING
        return replaced(data, changed)

    def _head(self) -> tuple[str, Test | None]:
        name, conditions = split(self.tokens[0])
        return name, test_of(conditions) if conditions else None

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
        return walk(data, php.values(path), default)
    return walk(data, [php.array_key(path)] if isinstance(path, bool) else php.to_string(path).split("."), default)


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
