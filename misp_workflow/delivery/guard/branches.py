"""Data without the branches in which nothing changes, and the way back: a row in question needs no walk of the rest."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from misp_workflow.delivery.guard.glance import Glance, Listing
from misp_workflow.delivery.guard.parts import Parts


@dataclass(frozen=True)
class _Rest:
    """What stands for rows that are left as they are; whoever walks passes it, as it is no object and no list."""

    rows: list[Any]
    start: int
    end: int


class Thinned:
    """Data, or selected items, in which of their long lists only some branches, and the copies of these, are there."""

    def __init__(self, data: Any, glance: Glance, branches: Collection[int]) -> None:
        self._data = data
        self._lists: dict[str, tuple[list[Any], list[Any]]] = {}
        there = sorted(glance.with_copies(branches))
        for listing in glance.listings:
            self._lists[listing.member] = (listing.rows, _thin(listing, there))
        self.data = self._with({name: thin for name, (_, thin) in self._lists.items()}, data)

    def around(self, parts: Parts) -> bool:
        """Whether the branches are in something that goes: then they are no branches of their own."""
        tops = [self.data, self.data.get("Event")] if type(self.data) is dict else []
        return any(node is top for top in tops for node, _, _ in parts.inside)

    def restored(self, kept: Any) -> Any:
        """Return what was made of `data`, with the branches that are not in it in their places."""
        if kept is self.data:
            return self._data
        if type(kept) is list:
            return self._whole("", kept)
        event = kept.get("Event") if type(kept) is dict else None
        if type(event) is not dict:
            return kept
        return self._with({name: self._whole(name, event[name]) for name in self._lists if name in event}, kept)

    def _with(self, lists: dict[str, list[Any]], data: Any) -> Any:
        if "" in lists:
            return lists[""]
        return {**data, "Event": {**data["Event"], **lists}} if lists else data

    def _whole(self, name: str, kept: Any) -> Any:
        rows, thin = self._lists.get(name, (None, None))
        if kept is thin or type(kept) is not list:
            return rows if kept is thin else kept
        whole: list[Any] = []
        for row in kept:
            whole += row.rows[row.start : row.end] if type(row) is _Rest else (row,)
        return whole


def _thin(listing: Listing, there: list[int]) -> list[Any]:
    rows, first = listing.rows, listing.first
    thin: list[Any] = []
    done = 0
    for number in there[bisect_left(there, first) : bisect_left(there, first + len(rows))]:
        place = number - first
        if place > done:
            thin.append(_Rest(rows, done, place))
        thin.append(rows[place])
        done = place + 1
    return [*thin, _Rest(rows, done, len(rows))] if done < len(rows) else thin
