"""What changed between the data before a node and after it, as paths a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

MOST = 200
"""Changes that are listed of one node; what replaced a whole event is not told value by value."""
LONGEST = 300
"""Characters of one value."""
GONE = object()


@dataclass(frozen=True)
class Change:
    """One place that is other than before: "added", "removed" or "changed", with the values as JSON text."""

    kind: str
    path: str
    before: str
    after: str


def changes(before: Any, after: Any) -> list[Change]:
    """Return the first MOST differences of two JSON documents; items of lists are told apart by uuid or id."""
    return list(islice(_changes(before, after, ""), MOST))


def _changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    if before is after or before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _changes(before.get(key, GONE), after.get(key, GONE), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list):
        first, second = _named(before, after)
        for name in [*first, *(name for name in second if name not in first)]:
            yield from _changes(first.get(name, GONE), second.get(name, GONE), f"{path}[{name}]")
    else:
        kind = "added" if before is GONE else "removed" if after is GONE else "changed"
        yield Change(kind, path, _text(before), _text(after))


def _named(*lists: list[Any]) -> list[dict[str, Any]]:
    """Return the items of each list by what names all of them: uuid, id or name; by place where nothing does."""
    for member in ("uuid", "id", "name"):
        names = [
            [str(item[member]) for item in items if isinstance(item, dict) and item.get(member)] for items in lists
        ]
        if all(len(found) == len(items) == len(set(found)) for found, items in zip(names, lists, strict=True)):
            return [dict(zip(found, items, strict=True)) for found, items in zip(names, lists, strict=True)]
    return [{str(place): item for place, item in enumerate(items)} for items in lists]


def _text(value: Any) -> str:
    if value is GONE:
        return ""
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
