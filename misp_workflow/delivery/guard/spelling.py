"""How values and texts are compared: as people see them, in whatever way they are written.

Small letters without accents and invisible characters, not defanged, one space where any number of them stands, and one
where typography puts a sign of its own ("“", "…", "→").
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from misp_workflow.deadline import paced

LONG = 256
"""Characters of a value of several words of which the rest does not count."""
MUCH = 1_000_000
"""Characters that are read in a fraction of a second, in which no other thread has its turn."""

_WORD = re.compile("[0-9a-z]+|[^\\W_0-9a-z]+")
_HIDDEN = (
    "\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What is not seen, or stands on the letter before it."""
_DASHES = "\u2010-\u2012\u2212\ufe63\uff0d"
_DOTS = "\u3002\uff61"


def _signs() -> str:
    """Return the signs and spaces beyond ASCII, but those that are another way to write one of ASCII's."""
    other = f"{_HIDDEN}{_DASHES}{_DOTS}"
    known = re.compile(f"[{other}]")
    found = (
        chr(code)
        for code in (*range(0x80, 0x3400), *range(0xA490, 0xA4D0), *range(0xFE00, 0x10000))
        if unicodedata.category(chr(code))[0] in "PSZ"
    )
    return "".join(one for one in found if not known.match(one) and not _is_ascii_sign(one)) + "\U0001f000-\U0001fbff"


def _is_ascii_sign(sign: str) -> bool:
    """Whether it stands for signs of ASCII, as full-width ones do; not for a space with an accent."""
    plain = unicodedata.normalize("NFKC", sign)
    return plain.isascii() and not plain.isspace() and not plain.isalnum()


_DEFANGED = r"""
  \s? [\[({]{1,3} (?P<both>\.|:?//|://|:|@|[dD][oO][tT]|[aA][tT]) [\])}]{1,3} \s?
| (?<=\w) [\[({] (?P<begun>[.:@]) (?=\w) | (?<=\w) (?P<ended>[.:@]) [\])}] (?=\w)
| \\ (?P<escaped>\.)
| (?<=\w) \s+ (?P<said>[dD][oO][tT]) \s+ (?=\w)
| \b (?P<scheme>[hH](?:[xX]{2}|\*\*|__)[pP]) (?=[sS]?[\[({:])
"""
_BEGINS = r"[\[({\\.:@\shH]"
"""What anything begins with that is not as it is compared, in ASCII: the others are passed over quickly."""
_CHANGED_ASCII = re.compile(rf"(?={_BEGINS}) (?:{_DEFANGED} | (?P<space>\s\s+|[^\S\ ]))", re.VERBOSE)
_SIGNS = _signs()
_CHANGED = re.compile(
    rf"(?={_BEGINS}|[^\x00-\x7f]) (?: {_DEFANGED} | (?P<space>[\s{_SIGNS}]{{2,}}|[^\S\ ]|[{_SIGNS}])"
    rf"| (?P<hidden>[{_HIDDEN}]+) | (?P<dash>[{_DASHES}]) | (?P<dot>[{_DOTS}])"
    rf"| (?P<letters>[^\x00-\x7f\s{_SIGNS}{_HIDDEN}{_DASHES}{_DOTS}]+) )",
    re.VERBOSE,
)
_NOTHING = re.compile(f"[{_HIDDEN}]+")
_SIGN = re.compile(f"[{_SIGNS}]")
_MEANT = {"dot": ".", "at": "@", "space": " ", "hidden": "", "dash": "-", "scheme": "http"}


def _meant(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "letters":
        return _letters(found[0])
    if kind in _MEANT:
        return _MEANT[kind]
    sign = found[kind].lower()
    return _MEANT.get(sign, sign)


def _letters(text: str) -> str:
    return _NOTHING.sub("", unicodedata.normalize("NFKD", text)).casefold()  # first: one such mark is a letter then


def plain(text: str) -> str:
    """Return the text as it is compared."""
    return (_CHANGED_ASCII if text.isascii() else _CHANGED).sub(_meant, text).casefold().strip()


def words_of(text: str) -> Iterable[str]:
    """Return the words of a text: those of `plain`, but for an extra "dot" or "at"."""
    told = live(text)
    return _WORD.findall(told) if len(told) <= MUCH else paced(found[0] for found in _WORD.finditer(told))


def sure_words(value: str) -> list[str]:
    """Return words of a value that is `plain` already such that a text that quotes it has them all.

    What begins like a value of several words that has LONG characters or more counts as a quote of it (`Phrases`).
    """
    words = _WORD.findall(_with_http(value[:LONG]))
    return words if len(value) < LONG else words[:-1]  # the last one may go on


def live(text: str) -> str:
    """Return the text in small letters, with the words of `words_of`."""
    if not text.isascii():
        text = _letters(_SIGN.sub(" ", text))  # "™" would become letters of the word before it
    return _with_http(text.casefold())


def _with_http(text: str) -> str:
    for written in ("hxxp", "h**p", "h__p"):
        text = text.replace(written, "http")
    return text


class Shown:
    """A text as it is compared (`plain`), and where each part of it stands in the text as it is.

    `joined`: a dot between spaces was taken for a part of a name ("evil dot com"). With `apart` it is none, for people
    write of dots, too ("the red dot evil.com").
    """

    def __init__(self, text: str, *, apart: bool = False) -> None:
        pieces: list[str] = []
        self._plain, self._text, self._changed = [0], [0], [False]
        self.joined = False
        size = end = 0
        for found in paced((_CHANGED_ASCII if text.isascii() else _CHANGED).finditer(text)):
            meant = _meant(found)
            if meant == "." and (found[0][0].isspace() or found[0][-1].isspace()):
                self.joined, meant = True, " " if apart else "."
            pieces += (text[end : found.start()].casefold(), meant)
            size += found.start() - end
            self._note(size, found.start(), changed=True)
            size, end = size + len(meant), found.end()
            self._note(size, end, changed=False)
        pieces.append(text[end:].casefold())
        self.plain = "".join(pieces)

    def _note(self, plain: int, text: int, *, changed: bool) -> None:
        self._plain.append(plain)
        self._text.append(text)
        self._changed.append(changed)

    def start(self, place: int) -> int:
        """Return where in the text begins what begins at this place of `plain`."""
        piece = bisect_right(self._plain, place) - 1
        return self._text[piece] + (0 if self._changed[piece] else place - self._plain[piece])

    def end(self, place: int) -> int:
        """Return where in the text ends what ends at this place of `plain`."""
        piece = bisect_left(self._plain, place) - 1
        if self._changed[piece]:
            return self._text[piece + 1]
        return self._text[piece] + place - self._plain[piece]


def readings(text: str) -> Iterator[Shown]:
    """Yield the text as it is compared, in each way in which it can be read."""
    shown = Shown(text)
    yield shown
    if shown.joined:
        yield Shown(text, apart=True)


def merged(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places in their order, those that overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
