"""Find the branches where something that is left out may be met again: named, shown, or quoted.

More are found than need be, never fewer: wherever `Parts` or `Quotes` would change something is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from typing import Any

from misp_workflow.deadline import look
from misp_workflow.delivery.guard.glance import Glance, Row, Rows
from misp_workflow.delivery.guard.home import column
from misp_workflow.delivery.guard.parts import NUMBERS, REFERENCES, Parts
from misp_workflow.delivery.guard.quotes import TEXTS, VALUES, own_values, values_in, words_and_phrases
from misp_workflow.delivery.guard.spelling import sure_words, words_of

_UUIDS = frozenset(("uuid", *REFERENCES))
_NAMING = _UUIDS | NUMBERS.keys() | {"id"}
_SHOWING = frozenset((*VALUES, *TEXTS))
_CONSTANTS = {"None": None, "True": True, "False": False}


class Traces:
    """What to look for. `known` is False when it cannot be looked for quickly; then nothing else counts."""

    def __init__(self, parts: Parts) -> None:
        names = parts.names()
        self._numbers: dict[str, set[Any]] = {}
        for kind, name in names or ():
            self._numbers.setdefault(kind, set()).update(_spellings(name))
        self._uuids = self._numbers.pop("uuid", set())
        self._any_number: set[Any] = set().union(*self._numbers.values())
        self._values = {part for node, _, _ in parts.inside for value in own_values(node) for part in values_in(value)}
        words, phrases = words_and_phrases(self._values)
        self._words = [sure_words(value) for value in words | phrases]
        self.known = names is not None and all(self._words)
        self._any_word = set().union(*self._words)

    def branches(self, glance: Glance) -> set[int]:
        """Return the branches beside the suspects that may hold a trace. TypeError where a name is a list."""
        seen = [some.without(glance.suspects) for some in glance.seen]
        return {*self._naming(seen), *self._quoting(seen, glance.texts)}

    def _naming(self, seen: Iterable[Rows]) -> Iterator[int]:
        for some in seen:
            look()
            for member in some.members & _NAMING:
                sought = self._sought(member)
                said = column(some.rows, member) if sought else ()
                if sought and member in _UUIDS:
                    said = [name.lower() if type(name) is str else name for name in said]
                if not sought.isdisjoint(said):
                    yield from (branch for name, branch in zip(said, some.branches, strict=True) if name in sought)

    def _sought(self, member: str) -> set[Any]:
        if member in _UUIDS:
            return self._uuids
        return self._any_number if member == "id" else self._numbers.get(NUMBERS[member], set())

    def _quoting(self, seen: Iterable[Rows], listed: Iterable[tuple[list[Any], int]]) -> Iterator[int]:
        """Yield the branches that have a value, or a text that may quote one.

        Of each value the word is looked for that is rarest here: ".org" is no trace of a host.
        """
        suspected: list[tuple[Rows, set[str], bool]] = []
        found: Counter[str] = Counter()
        for some in seen:
            look()
            told = "\n".join(_texts(some.rows, some.members))
            words = self._any_word.intersection(words_of(told))
            sure = self._has_value(some.rows, some.members)
            found.update(words)
            if words or sure:
                suspected.append((some, words, sure))
        rare = {min(words, key=lambda word: (found[word], -len(word))) for words in self._words}
        for some, words, sure in suspected:
            if sure or not rare.isdisjoint(words):
                yield from self._among(some, rare)
        for texts, branch in listed:
            if self._may_quote([text for text in texts if type(text) is str], rare):
                yield branch

    def _among(self, some: Rows, rare: set[str]) -> Iterator[int]:
        look()
        members = some.members & _SHOWING
        for row, branch in zip(some.rows, some.branches, strict=True):
            if self._may_quote(_texts([row], members), rare) or self._has_value([row], members):
                yield branch

    def _may_quote(self, texts: list[str], rare: set[str]) -> bool:
        told = "\n".join(texts)
        return not rare.isdisjoint(words_of(told))

    def _has_value(self, rows: list[Row], members: Set[str]) -> bool:
        values = _texts(rows, members, VALUES)
        if not self._values.isdisjoint(values):
            return True
        return any("|" in value and not self._values.isdisjoint(values_in(value)) for value in values)


def _texts(rows: list[Row], members: Set[str], names: Iterable[str] = (*VALUES, *TEXTS)) -> list[str]:
    """Return the texts that the rows, which have these members, have under the names."""
    return [text for name in names if name in members for text in column(rows, name) if type(text) is str]


def _spellings(name: str) -> set[Any]:
    """Return what a number in the data may be that counts as the same one: 5, "5", and what Python takes for equal."""
    found: set[Any] = {name, *([_CONSTANTS[name]] if name in _CONSTANTS else [])}
    for read in (int, float):
        with suppress(ValueError):
            found.add(read(name))
    return found
