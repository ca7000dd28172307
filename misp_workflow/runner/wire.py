"""JSON as PHP writes and reads it, byte for byte. Mirrors MISP's JsonTool and HttpSocketResponseExtended::json.

An empty object is `[]`, 1.0 is `1`, nothing but U+2028 and U+2029 is escaped needlessly, and what nests deeper than 512
levels is neither written nor read.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import orjson

from misp_workflow import php
from misp_workflow.errors import InputError, RunnerError

MAX_DEPTH = 512

# How orjson's text can differ from PHP's; none of these is common in events.
_DIFFERENT = (b"{}", b".0,", b".0}", b".0]")
_LINE_SEPARATORS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


class EncodingError(RunnerError):
    """PHP throws a JsonException here; MISP catches it, logs it and goes on without having sent anything."""


def encode(value: Any) -> bytes:
    """The value as PHP's json_encode writes it. Raises EncodingError when it would not."""
    try:
        text = orjson.dumps(value)
    except TypeError:
        return _encode_slowly(value)
    if any(mark in text for mark in _DIFFERENT):
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
    for raw, escape in _LINE_SEPARATORS:
        if raw in text:
            text = text.replace(raw, escape)
    return text


def _plain(value: Any) -> Any:
    # Loops, not comprehensions: these would take a second stack frame per level on older Pythons.
    if isinstance(value, dict):
        pairs: dict[str, Any] = {}
        for key, item in value.items():
            pairs[key] = _plain(item)
        return pairs or []
    if isinstance(value, list):
        items: list[Any] = []
        for item in value:
            items.append(_plain(item))
        return items
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def depth(value: Any) -> int:
    """How many arrays lie within one another; an empty one does not count."""
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        container, level = waiting.pop()
        if isinstance(container, (dict, list)) and container:
            deepest = max(deepest, level)
            waiting.extend((item, level + 1) for item in php.values(container) if isinstance(item, (dict, list)))
    return deepest


def decode(text: bytes) -> Any:
    """A JSON text as PHP's json_decode reads it into arrays. Raises InputError when it is none, or too deep."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"This is not JSON: {error}") from error
    if depth(value) > MAX_DEPTH:
        raise InputError(f"This JSON nests deeper than {MAX_DEPTH} levels.")
    return as_php(value)


def as_php(value: Any) -> Any:
    """The same value as a PHP array: no empty object, no object keyed "0", "1", "2", …. Shares what needs no change."""
    return php.canonical(value) if any(_is_foreign(item) for item in _objects(value)) else value


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


class Encoder:
    """Encodes requests that repeat the same big parts: each part is written once and kept for the next request.

    Parts are told apart by identity, which works because data is never changed in place.
    """

    KEPT = 12
    _BIG = 64

    def __init__(self) -> None:
        self._parts: OrderedDict[int, tuple[Any, bytes]] = OrderedDict()

    def object(self, fields: dict[str, Any]) -> bytes:
        """An object whose values may hold big parts. Raises EncodingError."""
        texts = (encode(key) + b":" + self.value(item, nested=3) for key, item in fields.items())
        return b"{" + b",".join(texts) + b"}"

    def value(self, value: Any, nested: int = 0) -> bytes:
        """Encode one value; look for big parts in it down to `nested` levels."""
        if nested and isinstance(value, dict) and value:
            texts = (encode(key) + b":" + self.value(item, nested - 1) for key, item in value.items())
            return b"{" + b",".join(texts) + b"}"
        if isinstance(value, (list, dict)) and len(value) >= self._BIG:
            return self._part(value)
        return encode(value)

    def _part(self, value: Any) -> bytes:
        kept = self._parts.get(id(value))
        if kept is not None:
            self._parts.move_to_end(id(value))
            return kept[1]
        text = encode(value)
        self._parts[id(value)] = (value, text)
        if len(self._parts) > self.KEPT:
            self._parts.popitem(last=False)
        return text
