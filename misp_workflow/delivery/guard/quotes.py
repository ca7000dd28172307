"""Find what was left out where a text or a list of values quotes it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

from misp_workflow.delivery.guard.marks import TAG_LISTS
from misp_workflow.delivery.guard.nested import GONE, every_object, every_text, rewrite

MARK = "[withheld]"
SHORTEST = 5
"""Characters. A shorter value ("80", "true") would be found in texts that do not quote it."""

_VALUES = ("value", "value1", "value2")
_TEXTS = (
    "info",
    "comment",
    "content",
    "contents",
    "title",
    "description",
    "source",
    "note",
    "text",
    "message",
    "change",
)
_WORD = re.compile(r"[^\s\"'<>|,;]+")
_WITHIN_WORD = re.compile(r"[/:@?&=#|()]+")
_DEFANGED = re.compile(r"\[(\.|:|@|://)\]|\((\.|:|@)\)|\[(dot|at)\]", re.IGNORECASE)
_LETTERS = re.compile(r"\w+")
_EDGES = "().:!?[]{}*_`"


class Quotes:
    """The values that were left out and that nothing of what is kept has as its own value too."""

    def __init__(self, withheld: Iterable[dict[str, Any]], kept: list[Any]) -> None:
        out = list(withheld)
        items = (node for node in every_object(kept) if "type" in node or "object_relation" in node)
        values = _values(every_object(out)) - _values(items)
        self._exact = frozenset(values)
        long = {_plain(value) for value in values if len(value) >= SHORTEST}
        self._words = frozenset(value for value in long if not re.search(r"\s", value))
        self._phrases = _by_rarest_word(long - self._words)
        self._masks: dict[str, str] = {}
        self._out, self._kept = out, kept

    def remove(self, data: Any) -> Any:
        """Return the data without rows that show such a value, and with [withheld] where a text quotes one."""
        return rewrite(data, self._visit, skip=TAG_LISTS) if self._exact else data

    def _visit(self, node: dict[str, Any], key: str) -> Any:
        if any(isinstance(value := node.get(name), str) and value in self._exact for name in _VALUES):
            return GONE
        changed = {}
        for name in _TEXTS:
            text = node.get(name)
            if isinstance(text, str) and len(text) >= SHORTEST:
                new = self._masked(text)
                if new != text:
                    changed[name] = new
        return {**node, **changed} if changed else node

    def _masked(self, text: str) -> str:
        known = self._masks.get(text)  # the same galaxy's description stands at many attributes
        if known is None:
            known = self._masks[text] = self._mask_phrases(_WORD.sub(self._mask_word, text))
        return known

    def _mask_phrases(self, text: str) -> str:
        """Mask the values of several words; each is looked for only where its rarest word stands."""
        folded = text.casefold()
        words = set(_LETTERS.findall(folded)) if self._phrases else set()
        found = [phrase for word in words for phrase in self._phrases.get(word, ()) if phrase in folded]
        for phrase in sorted(found, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", MARK, text, flags=re.IGNORECASE)
        return text

    def _mask_word(self, found: re.Match[str]) -> str:
        word = _plain(found[0].strip(_EDGES))
        if word in self._words or not self._words.isdisjoint(_WITHIN_WORD.split(word)):
            return MARK
        return found[0]

    def remove_scalars(self, selected: Any) -> Any:
        """Return a selection of bare values without those that only what was left out has."""
        if not (isinstance(selected, list) and any(isinstance(item, str) for item in selected)):
            return selected
        rest = [part for part in self._kept if part is not selected]
        only = self._exact | (every_text(self._out) - every_text(rest))
        return [item for item in selected if not (isinstance(item, str) and item in only)]


def _by_rarest_word(phrases: Collection[str]) -> dict[str, list[str]]:
    """Return the phrases by the one of their words that the fewest phrases have."""
    words = {phrase: set(_LETTERS.findall(phrase)) for phrase in phrases}
    counts = Counter(chain.from_iterable(words.values()))
    found: dict[str, list[str]] = {}
    for phrase, its in words.items():
        if its:
            found.setdefault(min(its, key=lambda word: (counts[word], word)), []).append(phrase)
    return found


def _values(nodes: Iterable[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        for name in _VALUES:
            value = node.get(name)
            if isinstance(value, str) and value:
                found.add(value)
                found.update(filter(None, value.split("|")))
    return found


def _plain(text: str) -> str:
    """Return the text as it is compared: in small letters, and not defanged."""
    text = _DEFANGED.sub(lambda found: {"dot": ".", "at": "@"}.get(word := found[0][1:-1].casefold(), word), text)
    return re.sub(r"^hxxp", "http", text.casefold())
