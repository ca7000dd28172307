"""What was recorded, held against what comes."""

from __future__ import annotations

from typing import Any

# Not compared: what the recordings have as a side remark, and PHP's own wording.
SIDE_REMARKS = {"log", "calls", "debug", "zmq", "http", "php_warnings", "message", "exception_message"}


def difference(expected: Any, got: Any, where: str = "") -> str | None:
    """Where the two differ first; None when they do not.

    Empty arrays are equal, and equal to one that is left out; a bool is no number; the order of keys does not count.
    """
    if expected in ([], {}) and got in ([], {}, None):
        return None
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *(key for key in got if key not in expected)]:
            if key in SIDE_REMARKS and not where.endswith((".data", ".body")) and where.count(".") <= 3:
                continue
            if found := difference(expected.get(key, []), got.get(key, []), f"{where}.{key}"):
                return found
        return None
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        found = (difference(*pair, f"{where}[{index}]") for index, pair in enumerate(zip(expected, got, strict=True)))
        return next((difference for difference in found if difference), None)
    same = expected == got and isinstance(expected, bool) == isinstance(got, bool)
    return None if same else f"{where or '.'}: {str(expected)[:200]!r} was recorded, {str(got)[:200]!r} came"
