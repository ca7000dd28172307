"""Find values of several words in texts, in time that grows with the texts and not with the number of values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from misp_workflow.deadline import paced
from misp_workflow.delivery.guard.spelling import LONG

_SIZES = (LONG, 128, 64, 32, 16, 8, 4, 2, 1)
"""Characters of a beginning by which values are found."""


class Phrases:
    """Values as they are compared (`spelling.plain`). What begins like one of LONG characters and more quotes it."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._found: dict[str, dict[int, set[str]]] = {}
        for phrase in filter(None, phrases):
            size = next(size for size in _SIZES if size <= len(phrase))
            self._found.setdefault(phrase[:size], {}).setdefault(len(phrase), set()).add(phrase)
        self._found = {begin: dict(sorted(by.items(), reverse=True)) for begin, by in self._found.items()}
        self._sizes = sorted({len(begin) for begin in self._found}, reverse=True)
        firsts = "".join(map(re.escape, sorted({begin[0] for begin in self._found})))
        # a language without spaces may stand right beside what is written in ASCII
        self._start = re.compile(rf"(?:(?<![0-9a-z])(?=[\0-\x7f])|(?<![^\W_]))[{firsts}]") if firsts else None

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where values stand between words of a text as it is compared, the longest of those that begin there."""
        kept = 0
        for match in paced(self._start.finditer(text)) if self._start else ():
            start = match.start()
            if start >= kept and (end := self._end(text, start)):
                yield start, end
                kept = end

    def _end(self, text: str, start: int) -> int:
        for size in self._sizes:
            by_length = self._found.get(text[start : start + size])
            if by_length is None:
                continue
            if size == _SIZES[0]:
                return min(start + max(by_length), len(text))
            for length, phrases in by_length.items():
                end = start + length
                if text[start:end] in phrases and not _goes_on(text, end):
                    return end
        return 0


def _goes_on(text: str, end: int) -> bool:
    """Whether the word that ends there goes on."""
    after = text[end : end + 1]
    return after.isalnum() and (after.isascii() or not text[end - 1].isascii())
