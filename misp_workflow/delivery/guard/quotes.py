"""Find what was left out where a text or a list of values quotes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from misp_workflow.deadline import may_wait, paced
from misp_workflow.delivery.guard.lost import without_lost
from misp_workflow.delivery.guard.nested import Edits, Place
from misp_workflow.delivery.guard.parts import Parts
from misp_workflow.delivery.guard.phrases import Phrases
from misp_workflow.delivery.guard.spelling import MUCH, live, merged, plain, readings, sure_words, words_of

MARK = "[withheld]"

SHORTEST = 5
"""Characters. A shorter value ("80", "true") would be found in texts that do not quote it."""

FEW = 8
"""Values that are looked for one by one; more of them by all words of a text at once."""

VALUES = ("value", "value1", "value2")
TEXTS = (
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
_WITHIN_WORD = re.compile(r"[/:@?&=#|()\[\]{}]+|[^\x00-\x7f]+")
_EDGES = "().:!?[]{}*_`~$+-"
_SEVERAL = re.compile(r"[\s\"'<>|,;/:@?&=#()\[\]{}]")
"""What parts the words of a text: a value that has it is looked for as it stands, and not as a word."""


class Quotes:
    """The values that were left out and that nothing of what is kept has as its own value too."""

    def __init__(self, parts: Parts, kept: Iterable[Edits]) -> None:
        inside = [value for node, _, _ in parts.inside for value in own_values(node)]
        out = {value for whole in inside for value in values_in(whole)}
        self._rows = [(edits, _rows_with(out, edits) if out else []) for edits in kept]
        values = self._hidden(out, out.intersection(inside))
        self._exact = frozenset(values)
        self._words, phrases = words_and_phrases(values)
        self._phrases = Phrases(phrases)
        self._hints = _hints(self._words | phrases)
        self._few = tuple(self._hints) if self._hints is not None and len(self._hints) <= FEW else ()
        self._told = _in_small_letters if "http" not in "\n".join(self._few) else live
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
        return (whole | out.difference(*map(values_in, shown))).difference(shown)

    def remove(self) -> int:
        """Note that rows that show such a value go, and that a text that quotes one has [withheld] in its place.

        Returns how many attributes of the last edits go because their own value has another's in it.
        """
        quoting: set[str] = set()
        for edits, rows in self._rows if self._exact else ():
            quoting = set()
            for place, _, value in rows:
                if value in self._exact:
                    edits.drop(place)
            if self._may_quote("\n".join(edits.texts(VALUES))):
                edits.settle()
                quoting = self._remove_quoting(edits)
            if self._may_quote("\n".join(edits.texts(TEXTS))):
                self._mask_texts(edits)
            self._mask_lists(edits)
        return len(quoting)

    def _remove_quoting(self, edits: Edits) -> set[str]:
        """Note that attributes whose value quotes one go, and that prose has [withheld] there; return who goes."""
        gone: set[str] = set()
        for place, name, text in paced(edits.having_text(VALUES)):
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
        if not self._may_quote(text):
            return False
        for shown in readings(text):
            parts = {part for word in _WORD.findall(shown.plain) for part in _parts(word)}
            if any(map(_TELLING.fullmatch, parts & self._words)) or any(self._phrases.places(shown.plain)):
                return True
        return False

    def _mask_texts(self, edits: Edits) -> None:
        """Note [withheld] in place of each such value that a text quotes; of a tag that is selected by itself, that it
        goes, for with that in its name it would be another."""
        for place, name, text in paced(edits.having_text(TEXTS)):
            if not self._quotes(text):
                continue
            if name == "name" and _is_bare_tag(place):
                edits.drop(place)
            else:
                edits.change(place, name, self._masked(text))
        edits.settle()

    def _mask_lists(self, edits: Edits) -> None:
        """Note [withheld] in place of each such value that a text in a list quotes."""
        for place, name, items in _lists_in(edits):
            masked = self._masked_list(items)
            if masked is not items:
                edits.change(place, name, masked)

    def _masked_list(self, items: list[Any]) -> list[Any]:
        """Return the very same list where no text in it quotes one."""
        texts = [one for one in items if type(one) is str]
        joined = "\n".join(texts)  # all at once, as nearly all lists quote nothing
        if self._few:
            if not self._hinted(told := self._told(joined)):
                return items
            if len(lines := told.split("\n")) == len(texts):
                texts = [one for one, line in zip(texts, lines, strict=True) if self._hinted(line)]
        elif not self._may_quote(joined):
            return items
        masks = {one: masked for one in texts if len(one) >= SHORTEST and (masked := self._masked(one)) != one}
        return [masks.get(one, one) if type(one) is str else one for one in items] if masks else items

    def remove_scalars(self, selected: Any, kept: Any) -> Any:
        """Return a selection of bare texts, or of tags and clusters, without those that only what was left out has, and
        without texts that quote it: nothing says whether they are a value, a comment or a name."""
        if not isinstance(selected, list):
            return selected
        return without_lost(selected, self._exact, self._quotes, self._out, kept)

    def _quotes(self, text: str) -> bool:
        return len(text) >= SHORTEST and self._masked(text) != text

    def _masked(self, text: str) -> str:
        known = self._masks.get(text)  # the same galaxy's description stands at many attributes
        if known is None:
            known = self._masks[text] = self._mask(text) if self._may_quote(text) else text
        return known

    def _may_quote(self, text: str) -> bool:
        """Whether one of the values may stand in the text; quick, and false of nearly all texts."""
        if len(text) > MUCH:
            may_wait()  # what takes long is watched
        if not self._hints:
            return self._hints is None
        if self._few and not self._hinted(self._told(text)):
            return False
        return not self._hints.isdisjoint(words_of(text))

    def _hinted(self, told: str) -> bool:
        """Whether one of a few hints stands in the text, which is as `_told` tells it."""
        return any(map(told.__contains__, self._few))

    def _mask(self, text: str) -> str:
        places = (
            (shown.start(start), shown.end(end))
            for shown in readings(text)
            for start, end in (*self._words_in(shown.plain), *self._phrases.places(shown.plain))
        )
        pieces: list[str] = []
        kept = 0
        for start, end in merged(places):
            pieces += (text[kept:start], MARK)
            kept = end
        return "".join((*pieces, text[kept:])) if pieces else text

    def _words_in(self, shown: str) -> Iterator[tuple[int, int]]:
        """Yield where the words stand that are such a value, or have one in them."""
        for found in paced(_WORD.finditer(shown)):
            if not self._words.isdisjoint(_parts(found[0])):
                yield found.span()


def _in_small_letters(text: str) -> str:
    """Return what `live` does, but for the ways to write "http": for words in which that is not."""
    return text.casefold() if text.isascii() else live(text)


def _parts(word: str) -> Iterator[str]:
    """Yield what a word of a text can be a value by: itself, and what stands between the signs in it."""
    yield word
    yield word.strip(_EDGES)
    for part in _WITHIN_WORD.split(word):
        yield part.strip(_EDGES)


def _is_bare_tag(place: Place) -> bool:
    """Whether it is a tag that a filter selected: nothing says under which member it stood."""
    return place[2] is None and "colour" in place[0] and "uuid" not in place[0]


def _lists_in(edits: Edits) -> Iterator[tuple[Place, str, list[Any]]]:
    """Yield the lists that are searched: the place of the object that has one, its name, its items."""
    listed = [name for name in _LISTS if name in edits.survey.members]
    for place in paced(edits.places):
        node = place[0]
        for name in node if place[1] == "meta" else listed:
            if name in node and type(items := node[name]) is list:
                yield place, name, items


def _rows_with(out: Collection[str], edits: Edits) -> list[tuple[Place, str, str]]:
    """Return the places that stay whose value is one of these, or is made of several."""
    if all("|" not in value and value not in out for value in edits.texts(VALUES)):
        return []
    return [row for row in edits.having_text(VALUES) if row[2] in out or "|" in row[2]]


def _hints(values: Iterable[str]) -> frozenset[str] | None:
    """Return a word of each value, such that a text without any of them quotes none; None when a value has no word."""
    words = [sure_words(value) for value in values]
    return frozenset(max(its, key=len) for its in words) if all(words) else None


def own_values(node: Mapping[str, Any]) -> list[str]:
    """Return the texts that an object has as its values."""
    return [value for name in VALUES if isinstance(value := node.get(name), str) and value]


def values_in(value: str) -> Iterable[str]:
    """Return a value, and the parts of one that is made of several."""
    return (value, *filter(None, value.split("|"))) if "|" in value else (value,)


def words_and_phrases(values: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return what of the values is looked for in texts: as a word of it, and as several."""
    long = frozenset(plain(value) for value in values if len(value) >= SHORTEST)
    words = frozenset(value for value in long if not _SEVERAL.search(value))
    return words, long - words
