"""Find what was left out where a text or a list of values quotes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from misp_workflow.deadline import look, paced
from misp_workflow.delivery.guard.nested import Edits, Place, every_text
from misp_workflow.delivery.guard.parts import Parts
from misp_workflow.delivery.guard.phrases import MARK, Phrases

SHORTEST = 5
"""Characters. A shorter value ("80", "true") would be found in texts that do not quote it."""

FEW = 8
"""Values that are looked for one by one; more of them by all words of a text at once."""

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
    "name",
    "label",
    "subject",
    "summary",
    "url",
    "provider",
    "authors",
    "relationship_type",
)
"""Members that are searched, whatever they stand in; docs/clearance.md says so."""
_LISTS = ("authors", "references", "refs", "synonyms")
"""Members that are searched when they are lists of texts; so is everything in a cluster's "meta"."""
_PROSE = frozenset(("comment", "text", "other", "email-subject", "email-body"))
"""Types of attributes that people write sentences in: these keep what else they say."""
_TELLING = re.compile(r".*[.:].*|.{16,}", re.DOTALL)
"""What is known again within a value: a name, an address, a hash; no bare word such as "login"."""
_WORD = re.compile(r"[^\s\"'<>|,;]+")
_WITHIN_WORD = re.compile(r"[/:@?&=#|()]+")
_DEFANGED = re.compile(r"[\[({](\.|:|@|://|dot|at)[\])}]", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_ALONE = re.compile(r"[^\W_]+")
_SPACE = re.compile(r"\s")
_EDGES = "().:!?[]{}*_`"


class Quotes:
    """The values that were left out and that nothing of what is kept has as its own value too."""

    def __init__(self, parts: Parts, kept: Iterable[Edits]) -> None:
        inside = [node[name] for node, _, _ in parts.inside for name in _VALUES if name in node]
        out = {value for whole in inside for value in _values(whole)}
        self._rows = [(edits, _rows_with(out, edits) if out else []) for edits in kept]
        values = self._hidden(out, out.intersection(filter(None, map(_text, inside))))
        self._exact = frozenset(values)
        long = {_plain(value) for value in values if len(value) >= SHORTEST}
        self._words = frozenset(value for value in long if not _SPACE.search(value))
        self._phrases = Phrases(long - self._words)
        self._hints = _hints(long)
        self._masks: dict[str, str] = {}
        self._out = parts.withheld

    def _hidden(self, out: set[str], whole: set[str]) -> set[str]:
        """Return those of the values, and parts of values, that were left out and that nothing that is kept shows.

        What was left out as a `whole` is shown by the same value only, not by one that it is a part of.
        """
        shown = [
            value
            for _, rows in self._rows
            for (node, _, _), _, value in rows
            if "type" in node or "object_relation" in node
        ]
        return (whole | out.difference(*map(_values, shown))).difference(shown)

    def remove(self) -> int:
        """Note that rows that show such a value go, and that a text that quotes one has [withheld] in its place.

        Returns how many attributes of the last edits go because their own value has another's in it.
        """
        quoting: set[str] = set()
        for edits, rows in self._rows if self._exact else ():
            for place, _, value in rows:
                if value in self._exact:
                    edits.drop(place)
            if self._may_quote("\n".join(edits.texts(_VALUES))):
                edits.settle()
                quoting = self._remove_quoting(edits)
            if self._may_quote("\n".join(edits.texts(_TEXTS))):
                self._mask_texts(edits)
            self._mask_lists(edits)
        return len(quoting)

    def _remove_quoting(self, edits: Edits) -> set[str]:
        """Note that attributes whose value quotes one go, and that prose has [withheld] there; return who goes."""
        gone: set[str] = set()
        for place, name, text in paced(edits.having_text(_VALUES)):
            node = place[0]
            kind = node.get("type")
            if (isinstance(kind, str) and kind in _PROSE) or not ("type" in node or "object_relation" in node):
                masked = self._masked(text) if len(text) >= SHORTEST else text
                if masked != text:
                    edits.change(place, name, masked)
            elif self._is_within(text):
                edits.drop(place)
                gone.add(str(node.get("uuid") or node.get("id") or text))
        return gone

    def _is_within(self, text: str) -> bool:
        """Whether a value is made around one that was left out: a URL around its host, a rule around its pattern."""
        words = [_plain(word.strip(_EDGES)) for word in _WORD.findall(text)] if self._may_quote(text) else ()
        parts = {part for word in words for part in (word, *_WITHIN_WORD.split(word))}
        return any(map(_TELLING.fullmatch, parts & self._words)) or (self._phrases.masked(text) != text)

    def _mask_texts(self, edits: Edits) -> None:
        """Note [withheld] in place of each such value that a text quotes."""
        for place, name, text in paced(edits.having_text(_TEXTS)):
            masked = self._masked(text) if len(text) >= SHORTEST else text
            if masked != text:
                edits.change(place, name, masked)

    def _mask_lists(self, edits: Edits) -> None:
        """Note [withheld] in place of each such value that a text in a list quotes."""
        named = {id(place): place for name in _LISTS for place in edits.survey.having(name)}
        meta = {id(place): place for place in edits.places if place[1] == "meta"}
        for place in paced((named | meta).values()):
            for name, items in place[0].items():
                if type(items) is list and (name in _LISTS or id(place) in meta):
                    masked = self._masked_list(items)
                    if masked != items:
                        edits.change(place, name, masked)

    def _masked_list(self, items: list[Any]) -> list[Any]:
        texts = [one for one in items if type(one) is str]
        if not self._may_quote("\n".join(texts)):  # asked of all at once, as nearly all lists quote nothing
            return items
        return [self._masked(one) if type(one) is str and len(one) >= SHORTEST else one for one in items]

    def remove_scalars(self, selected: Any, kept: Any) -> Any:
        """Return a selection of bare values without those that only what was left out has."""
        if not (isinstance(selected, list) and any(isinstance(item, str) for item in selected)):
            return selected
        only = self._exact | (every_text(self._out) - every_text(kept))
        return [item for item in selected if not (isinstance(item, str) and item in only)]

    def _masked(self, text: str) -> str:
        known = self._masks.get(text)  # the same galaxy's description stands at many attributes
        if known is None:
            known = self._masks[text] = self._mask(text) if self._may_quote(text) else text
        return known

    def _may_quote(self, text: str) -> bool:
        """Whether one of the values may stand in the text; quick, and false of nearly all texts."""
        if self._hints is None:
            return True
        live = _live(text)
        if len(self._hints) <= FEW:
            return any(hint in live for hint in self._hints)
        return not self._hints.isdisjoint(_ALONE.findall(live))

    def _mask(self, text: str) -> str:
        return self._phrases.masked(_WORD.sub(self._mask_word, text))

    def _mask_word(self, found: re.Match[str]) -> str:
        look()
        word = _plain(found[0].strip(_EDGES))
        if word in self._words or not self._words.isdisjoint(_WITHIN_WORD.split(word)):
            return MARK
        return found[0]


def _rows_with(out: Collection[str], edits: Edits) -> list[tuple[Place, str, str]]:
    """Return the places that stay whose value is one of these, or is made of several."""
    if all("|" not in value and value not in out for value in edits.texts(_VALUES)):
        return []
    return [row for row in edits.having_text(_VALUES) if row[2] in out or "|" in row[2]]


def _hints(values: Iterable[str]) -> frozenset[str] | None:
    """Return a word of each value, such that a text without any of them quotes none; None when a value has no word."""
    words = [_ALONE.findall(_live(value)) for value in values]
    return frozenset(max(its, key=len) for its in words) if all(words) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _values(value: Any) -> Iterable[str]:
    """Return a value, and the parts of one that is made of several."""
    if not isinstance(value, str) or not value:
        return ()
    return (value, *filter(None, value.split("|"))) if "|" in value else (value,)


def _seen(text: str) -> str:
    """Return the text as people see it: without invisible characters, full-width letters and dots as the plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).replace("\u3002", ".")


def _plain(text: str) -> str:
    """Return the text as it is compared: in small letters, as people see it, and not defanged."""
    text = _seen(text)
    if "[" in text or "(" in text or "{" in text:
        text = _DEFANGED.sub(lambda found: {"dot": ".", "at": "@"}.get(word := found[0][1:-1].casefold(), word), text)
    text = text.casefold()
    return "http" + text[4:] if text.startswith("hxxp") else text


def _live(text: str) -> str:
    """Return the text in small letters, such that its words are those of `_plain`, but for an extra "dot" or "at"."""
    return _seen(text).casefold().replace("hxxp", "http")
