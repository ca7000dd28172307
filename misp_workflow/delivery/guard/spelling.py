"""How values and texts are compared: as people see them, in whatever way they are written."""

from __future__ import annotations

import re
import unicodedata

LONG = 256
"""Characters of a value of several words of which the rest does not count."""

SPACE = re.compile(r"\s")
_WORD = re.compile(r"[^\W_]+")
_DEFANGED = re.compile(r"[\[({](\.|:|@|://|dot|at)[\])}]", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")


def plain(text: str) -> str:
    """Return the text as it is compared: in small letters, as people see it, and not defanged."""
    text = _seen(text)
    if "[" in text or "(" in text or "{" in text:
        text = _DEFANGED.sub(lambda found: {"dot": ".", "at": "@"}.get(word := found[0][1:-1].casefold(), word), text)
    text = text.casefold()
    return "http" + text[4:] if text.startswith("hxxp") else text


def words_of(text: str) -> list[str]:
    """Return the words of a text: those of `plain`, but for an extra "dot" or "at"."""
    return _WORD.findall(_same_http(_seen(text).casefold()))


def sure_words(value: str) -> list[str]:
    """Return words of a value that is `plain` already such that a text that quotes it has them all.

    What begins like a value of several words that has LONG characters or more counts as a quote of it (`Phrases`).
    """
    if len(value) < LONG or not SPACE.search(value):
        return _WORD.findall(_same_http(value))
    words = _WORD.findall(_same_http(value[:LONG]))
    return words[:-1] if value[LONG - 1].isalnum() else words


def live(text: str) -> str:
    """Return the text in small letters, with the words of `words_of`."""
    return (text if text.isascii() else _seen(text)).casefold().replace("hxxp", "http")


def _same_http(text: str) -> str:
    return text.replace("hxxp", "http")


def _seen(text: str) -> str:
    """Return the text as people see it: without invisible characters, full-width letters and dots as the plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).replace("\u3002", ".")
