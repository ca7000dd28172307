"""JSON in pieces: to fill a buffer of a hundred megabytes takes no longer than to get it from the system."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import orjson

from misp_workflow.effects.base import Json

LONG = 256
"""Items of a list from which on it is written in pieces of as many."""
_DEPTH = 6
"""Objects within each other in which long lists are looked for; an event's attributes are in the third of an effect."""

_LISTS = (list, tuple)


def pieces(value: Json, option: int = 0) -> Iterator[bytes | memoryview]:
    """Yield what `orjson.dumps` returns, in pieces where there are long lists; TypeError as there, maybe midway.

    What such a list holds comes as views, all else as bytes.
    """
    if not holds_long(value):
        yield orjson.dumps(value, option=option)
    elif type(value) is dict:
        before = b"{"
        for name in sorted(value) if option & orjson.OPT_SORT_KEYS else value:
            yield before + orjson.dumps({name: 0})[1:-2]  # the name and its colon
            yield from pieces(value[name], option)
            before = b","
        yield b"}"
    else:
        before = b"["
        for start in range(0, len(value), LONG):
            yield before
            yield memoryview(orjson.dumps(value[start : start + LONG], option=option))[1:-1]
            before = b","
        yield b"]"


def fingerprint(about: list[str], value: Json) -> str:
    """Return what tells a value, and what it is about, from all others; the order of members makes no difference."""
    made = hashlib.sha256(orjson.dumps(about)[:-1] + b",")
    for piece in pieces(value, orjson.OPT_SORT_KEYS):
        made.update(piece)
    made.update(b"]")
    return made.hexdigest()[:32]


def holds_long(value: Json, depth: int = _DEPTH) -> bool:
    """Whether it is a long list, or an object with one in it or in its objects."""
    if type(value) is not dict:
        return type(value) in _LISTS and len(value) > LONG
    for item in value.values() if depth else ():
        if item and type(item) in _CONTAINERS and holds_long(item, depth - 1):
            return True
    return False


_CONTAINERS = (*_LISTS, dict)
