"""Find values of several words in texts, in time that grows with the texts and not with the number of values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from misp_workflow.deadline import paced
from misp_workflow.delivery.guard.spelling import LONG

MARK = "[withheld]"

_SIZES = (LONG, 128, 64, 32, 16, 8, 4, 2, 1)
"""Characters of a beginning by which values are found."""


class Phrases:
    """Values in small letters. What begins like a value of LONG characters and more counts as a quote of all of it."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._found: dict[str, dict[int, set[str]]] = {}
        for phrase in filter(None, phrases):
            size = next(size for size in _SIZES if size <= len(phrase))
            self._found.setdefault(phrase[:size], {}).setdefault(len(phrase), set()).add(phrase)
        self._found = {begin: dict(sorted(by.items(), reverse=True)) for begin, by in self._found.items()}
        self._sizes = sorted({len(begin) for begin in self._found}, reverse=True)
        firsts = "".join(map(re.escape, sorted({begin[0] for begin in self._found})))
        self._start = re.compile(rf"(?<!\w)[{firsts}]") if firsts else None

    def may_hide_in(self, text: str) -> bool:
        """Whether the text quotes one without having its words: a letter may be another one with what follows it."""
        return bool(self._found) and not text.isascii() and self.masked(text) != text

    def masked(self, text: str) -> str:
        """Return the text with a mark in place of each value that stands in it between words.

        Where a letter has another number of small ones (ß) the text comes back in small letters, if it quotes any.
        """
        folded = text.casefold()
        shown = text if len(text) == len(folded) else folded
        pieces: list[str] = []
        kept = 0
        for start, end in self._places(folded):
            pieces += (shown[kept:start], MARK)
            kept = end
        return "".join((*pieces, shown[kept:])) if pieces else text

    def _places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Yield where values stand, the longest of those that begin at one place."""
        kept = 0
        for match in paced(self._start.finditer(folded)) if self._start else ():
            start = match.start()
            if start >= kept and (end := self._end(folded, start)):
                yield start, end
                kept = end

    def _end(self, folded: str, start: int) -> int:
        for size in self._sizes:
            by_length = self._found.get(folded[start : start + size])
            if by_length is None:
                continue
            if size == _SIZES[0]:
                return min(start + max(by_length), len(folded))
            for length, phrases in by_length.items():
                end = start + length
                if folded[start:end] in phrases and not _is_letter(folded[end : end + 1]):
                    return end
        return 0


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"
