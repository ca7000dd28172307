"""PHP's preg_match() on Python's re."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


def matcher(pattern: str) -> Callable[[str], bool]:
    """preg_match() with this pattern, delimiters and modifiers included. An unusable pattern matches nothing."""
    compiled = _compile(pattern)
    if compiled is None:
        return lambda subject: False
    search = compiled.search
    return lambda subject: search(subject.encode("utf-8", "surrogatepass")) is not None


@functools.lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[bytes] | None:
    pattern = pattern.lstrip(" \t\n\r\v\f")
    if not pattern or pattern[0].isalnum() or pattern[0] == "\\":
        return None
    end = pattern.rfind(_CLOSING.get(pattern[0], pattern[0]))
    if end <= 0:
        return None
    flags = 0
    for modifier in pattern[end + 1 :]:
        if modifier not in _FLAGS:
            return None
        flags |= _FLAGS[modifier]
    try:
        return re.compile(pattern[1:end].encode("utf-8", "surrogatepass"), flags)
    except re.error:
        return None
