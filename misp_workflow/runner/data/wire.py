"""JSON as PHP writes and reads it, byte for byte. Mirrors MISP's JsonTool and HttpSocketResponseExtended::json.

An empty array is `[]`, also one that was read as an object; 1.0 is `1`; nothing but U+2028 and U+2029 is escaped
needlessly; and what nests deeper than 512 levels is neither written nor read.
"""

from __future__ import annotations

import contextlib
import json
import math
import operator
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import orjson

from misp_workflow import php
from misp_workflow.errors import InputError, RunnerError

MAX_DEPTH = 512

Piece = bytes | memoryview
_SMALL = 4096
"""Bytes of a piece that is put together with its neighbours."""

_BLOCK = 128
"""Entries of a list that are written and looked at together."""

# Where orjson's text can differ from PHP's; none of these is common in events. Regular expressions that begin with a
# letter are searched for several times faster than `in` does.
_EMPTY_OBJECT = re.compile(rb"\{\}")
_WHOLE_FLOAT = re.compile(rb"\.0[,}\]]")
_FOREIGN = re.compile(rb'\{(?:\}|"0":)')
_LINE_SEPARATOR = re.compile(rb"\xe2\x80[\xa8\xa9]")


class EncodingError(RunnerError):
    """PHP throws a JsonException here; MISP catches it, logs it and goes on without having sent anything."""


def encode(value: Any) -> bytes:
    """The value as PHP's json_encode writes it. Raises EncodingError when it would not."""
    try:
        text = orjson.dumps(value)
    except TypeError:
        return _encode_slowly(value)
    if _EMPTY_OBJECT.search(text) or _WHOLE_FLOAT.search(text) or text.endswith(b".0"):
        text = orjson.dumps(_plain(value))
    return _escaped(text)


def _encode_slowly(value: Any) -> bytes:
    """For what orjson refuses: deep nesting, integers beyond 64 bits, text that is no Unicode."""
    if depth(value) > MAX_DEPTH:
        raise EncodingError("Maximum stack depth exceeded")
    try:
        return _escaped(json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")).encode())
    except UnicodeEncodeError as error:
        raise EncodingError("Malformed UTF-8 characters, possibly incorrectly encoded") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise EncodingError(f"This data cannot be written as JSON: {error}") from error


def _escaped(text: bytes) -> bytes:
    if text.isascii() or not _LINE_SEPARATOR.search(text):
        return text
    return text.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")


def _plain(value: Any) -> Any:
    # Loops, not comprehensions: these would take a second stack frame per level on older Pythons.
    if isinstance(value, dict):
        pairs: dict[str, Any] = {}
        for key, item in value.items():
            pairs[key] = _plain(item)
        return pairs or (value if isinstance(value, php.EmptyObject) else [])
    if isinstance(value, list):
        items: list[Any] = []
        for item in value:
            items.append(_plain(item))
        return items
    if isinstance(value, float) and not math.isfinite(value):
        return None  # no JSON that PHP reads holds one; this is what orjson makes of it
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def as_written(value: Any) -> Any:
    """The value as whoever reads the JSON text sees it: 1.0 is 1, an empty array is a list."""
    with contextlib.suppress(TypeError):  # raised for what orjson does not write: nested too deep, too large a number
        text = orjson.dumps(value)
        if not (_EMPTY_OBJECT.search(text) or _WHOLE_FLOAT.search(text)):
            return value
    return _plain(value)


def depth(value: Any, *, count_empty: bool = False) -> int:
    """How many arrays lie within one another. PHP counts an empty one when it reads, not when it writes."""
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        container, level = waiting.pop()
        if isinstance(container, (dict, list)) and (container or count_empty):
            deepest = max(deepest, level)
            waiting.extend((item, level + 1) for item in php.values(container) if isinstance(item, (dict, list)))
    return deepest


def decode(text: bytes) -> Any:
    """A JSON text as PHP's json_decode reads it into arrays. Raises InputError when it is none, or too deep."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"This is not JSON: {error}") from error
    if depth(value, count_empty=True) > MAX_DEPTH:
        raise InputError(f"This JSON nests deeper than {MAX_DEPTH} levels.")
    return as_php(value)


def as_php(value: Any) -> Any:
    """The same value as a PHP array: no empty object, no object keyed "0", "1", "2", …. Shares what needs no change."""
    return read(value)[0]


def read(value: Any) -> tuple[Any, bool]:
    """The value as a PHP array, and whether orjson writes it, and whatever is made of it, just as PHP does."""
    foreign, plain = False, True
    try:
        # Asking the text is ten times faster than walking through the value, and seldom asks for nothing.
        for text in _texts(value):
            foreign = foreign or _FOREIGN.search(text) is not None
            plain = plain and not _WHOLE_FLOAT.search(text) and _escaped(text) is text
    except TypeError:
        return php.canonical(value) if any(_is_foreign(item) for item in _objects(value)) else value, False
    return _shared(value) if foreign else value, plain


def _texts(value: Any, nested: int = 3) -> Iterator[bytes]:
    """All that the value's text says, in texts of its parts: the next one takes the memory of the last one."""
    if isinstance(value, list) and len(value) > _BLOCK:
        for start in range(0, len(value), _BLOCK):
            yield orjson.dumps(value[start : start + _BLOCK])
    elif nested and isinstance(value, dict) and len(value) < _BLOCK:
        inner = {key: item for key, item in value.items() if isinstance(item, (list, dict)) and item}
        yield orjson.dumps({**value, **dict.fromkeys(inner)})
        for item in inner.values():
            yield from _texts(item, nested - 1)
    else:
        yield orjson.dumps(value)


def _shared(value: Any) -> Any:
    if isinstance(value, dict):
        if _is_foreign(value):
            return php.canonical(value)
        changed = {key: new for key, item in value.items() if (new := _shared(item)) is not item}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [_shared(item) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict):
            yield container
            waiting.extend(item for item in container.values() if isinstance(item, (dict, list)))
        elif isinstance(container, list):
            waiting.extend(item for item in container if isinstance(item, (dict, list)))


def _is_foreign(container: dict[str, Any]) -> bool:
    return not container or ("0" in container and php.is_list(container))


class Text:
    """A JSON text in the pieces that it is made of, which other texts can share; `bytes()` puts them together."""

    __slots__ = ("_pieces", "_size")

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces, self._size = pieces, sum(map(len, pieces))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)


class Encoder:
    """Encodes requests that repeat the same big parts: each part is written once and kept for the next request.

    Parts are told apart by identity, which works because data is never changed in place. `plain` says that the big
    parts need no second look at how PHP would write them.
    """

    KEPT = 5
    _BIG = 64

    def __init__(self) -> None:
        self.plain = False
        self._parts: OrderedDict[int, tuple[Any, list[Piece]]] = OrderedDict()

    def encode(self, value: Any) -> Text:
        """The value as `encode` writes it. Raises EncodingError."""
        pieces: list[Piece] = []
        between: list[Piece] = []
        for piece in self._pieces(value, nested=4):
            if len(piece) < _SMALL:
                between.append(piece)
                continue
            if between:
                pieces.append(b"".join(between))
                between = []
            pieces.append(piece)
        return Text([*pieces, b"".join(between)] if between else pieces)

    def _pieces(self, value: Any, nested: int) -> Iterator[Piece]:
        """The text in pieces; big parts are looked for down to `nested` levels, in objects with few fields."""
        if isinstance(value, (list, dict)) and len(value) >= self._BIG:
            yield from self._part(value)
        elif nested and isinstance(value, dict) and any(isinstance(item, (list, dict)) for item in value.values()):
            before = b"{"
            small: dict[str, Any] = {}  # what stands between two containers is written at once
            for key, item in value.items():
                if not isinstance(item, (list, dict)):
                    small[key] = item
                    continue
                if small:
                    yield before + encode(small)[1:-1]
                    small, before = {}, b","
                yield before + encode(key) + b":"
                yield from self._pieces(item, nested - 1)
                before = b","
            yield before + encode(small)[1:-1] + b"}" if small else b"}"
        else:
            yield encode(value)

    def _part(self, value: Any) -> list[Piece]:
        kept = self._parts.get(id(value))
        if kept is not None:
            self._parts.move_to_end(id(value))
            return kept[1]
        pieces = self._continued(value) if isinstance(value, list) else None
        if pieces is None:
            pieces = [self._text(value)]
        self._parts[id(value)] = (value, pieces)
        if len(self._parts) > self.KEPT:
            self._parts.popitem(last=False)
        return pieces

    def _text(self, value: Any) -> bytes:
        if self.plain:
            with contextlib.suppress(TypeError):  # nested too deep for it
                return orjson.dumps(value)
        return encode(value)

    def _continued(self, value: list[Any]) -> list[Piece] | None:
        """The text of a list that begins with another that is kept, as the flat list of attributes does."""
        for known, pieces in self._parts.values():
            if isinstance(known, list) and len(known) < len(value) and all(map(operator.is_, known, value)):
                rest = self._text(value[len(known) :])
                return [*pieces[:-1], memoryview(pieces[-1])[:-1], b",", memoryview(rest)[1:]]
        return None
