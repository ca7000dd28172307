"""Of texts and rows that a filter selected by themselves, tags say: those that only what was left out has.

What is kept is walked no further than until all of them are found in it: nearly always an event's first tags will do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any

from misp_workflow.deadline import paced
from misp_workflow.delivery.guard.home import column
from misp_workflow.delivery.guard.nested import batches, every_object, every_text, leaves, missing, without
from misp_workflow.delivery.guard.parts import is_nameless
from misp_workflow.event import CHUNK

Row = dict[str, Any]

_NAMES = ("uuid", "name", "tag_name", "id")
"""Members by which most rows are told apart at once."""


def without_lost(
    selected: list[Any], exact: Collection[str], quotes: Callable[[str], bool], out: Any, kept: Any
) -> list[Any]:
    """Return a selection without the texts that are `exact`, and the texts and nameless rows that only `out` has.

    What `quotes` something goes, too, unless what is kept says it.
    """
    items = leaves(selected)
    said = {item for item in items if type(item) is str}
    doubtful = (said & every_text(out)).union(filter(quotes, paced(said))) if said else said
    texts = said.intersection(exact) | missing(doubtful, kept)
    rows = _missing_rows([item for item in items if type(item) is dict], out, kept)
    if not texts and not rows:
        return selected
    return without(selected, lambda item: item in texts if type(item) is str else type(item) is dict and item in rows)


def _missing_rows(items: list[dict[str, Any]], out: Any, kept: Any) -> Sayings:
    """Return what those nameless ones of the items say that only `out` has, and something in it does."""
    shapes = {frozenset(members) for members in set(map(tuple, items))}
    nameless = [row for row in every_object(out) if frozenset(row) in shapes and is_nameless(row)] if shapes else []
    rows = Sayings(Sayings(nameless).take(items))
    for some in batches(kept) if rows else ():
        rows.take([row for row in some if type(row) is dict])
        if not rows:
            break
    return rows


class Sayings:
    """What some rows say: whether another row has the same members and values."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._said: dict[str, dict[str, set[Hashable]]] = {}
        self._shapes: set[frozenset[str]] = set()
        for row in rows:
            member, name = _naming(row)
            self._shapes.add(frozenset(row))
            self._said.setdefault(member, {}).setdefault(name, set()).add(_said(row))

    def __bool__(self) -> bool:
        return bool(self._said)

    def __contains__(self, row: Row) -> bool:
        member, name = _naming(row)
        said = self._said.get(member, {}).get(name)
        return said is not None and frozenset(row) in self._shapes and _said(row) in said

    def take(self, rows: list[Row]) -> list[Row]:
        """Forget what the rows say; return a row for each saying that was there."""
        found: list[Row] = []
        for start in range(0, len(rows), CHUNK):
            found += [row for row in self._near(rows[start : start + CHUNK]) if self._forget(row)]
        return found

    def _near(self, rows: list[Row]) -> list[Row]:
        """Return those of the rows, asked many at a time, that may say the same."""
        try:
            near = any(not names.keys().isdisjoint(column(rows, member)) for member, names in self._said.items())
        except TypeError:  # a list or an object where a name should be
            return rows
        return rows if near or "" in self._said else []

    def _forget(self, row: Row) -> bool:
        """Forget what the row says; return whether it was there."""
        if row not in self:
            return False
        member, name = _naming(row)
        named = self._said[member]
        named[name].remove(_said(row))
        if not named[name]:
            del named[name]
        if not named:
            del self._said[member]
        return True


def _naming(row: Row) -> tuple[str, str]:
    """Return a member that names the row, and the name, "" for none: rows that say the same have the same there."""
    for member in _NAMES:
        if type(name := row.get(member)) is str:
            return member, name
    return "", ""


def _said(row: Row) -> Hashable:
    try:
        return frozenset(row.items())
    except TypeError:  # it holds a list or an object, as galaxies do
        return json.dumps(row, sort_keys=True)
