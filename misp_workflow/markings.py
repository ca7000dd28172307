"""What one tag's name says about how far something may go: TLP, PAP, and the classifications that MISP ships.

The one reader of all of them, so that a gate, a template and the clearance never disagree. A name is compared as people
see it: case, width, accents, invisible characters, other alphabets' letters and other dashes make no difference. What
names a scheme and has a level that cannot be read counts as the strictest. See docs/clearance.md.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from itertools import islice
from typing import Literal, NamedTuple

TLP_LEVELS = ("clear", "green", "amber", "amber+strict", "red")
"""TLP 2.0, https://www.first.org/tlp/, from the widest audience to the narrowest."""

PAP_LEVELS = ("clear", "green", "amber", "red")
"""Permissible Actions Protocol, https://github.com/MISP/misp-taxonomies/tree/main/PAP, from the freest down."""

UNKNOWN = -1
LONGEST_TAG = 510
"""Characters; MISP stores 255. Of a longer one the two ends are looked at."""
LONGEST_LEVEL = 20
MOST_PLACES = 8
"""Places in one tag that speak of a scheme. Nobody who marks says so often how far something may go."""

_LEVELS = {"tlp": TLP_LEVELS, "pap": PAP_LEVELS}
_SPELLINGS = {"white": "clear", "amberstrict": "amber+strict"}
_CHATHAM_HOUSE = ("exchr", "chr")
_GAP = r"[\W_]{0,3}"
_LEVEL_WORDS = rf"white|clear|green|amber{_GAP}strict|amber|red"

_LEVEL = rf"(?<![a-z0-9])(?:{_LEVEL_WORDS})(?![a-z0-9])"
_THING = r"[ _-]?(?:team|hat|paper|list|flag|wave)"
"""What makes a name of a colour: "red team"."""

_SCHEME = re.compile(
    rf"""(?: t{_GAP}l{_GAP}p | traff?ic{_GAP}lights?(?:{_GAP}protocol)?
      | (?P<pap>p{_GAP}a{_GAP}p | permissible{_GAP}actions?(?:{_GAP}protocol)?)
      | t[1i|!]p(?={_GAP}(?:{_LEVEL_WORDS})(?![a-z0-9])) )
    (?:{_GAP}v?(?:ersion)?{_GAP}\d{{1,4}}(?:[.,_\ -]\d{{1,4}}){{0,3}}(?![a-z0-9]))?
    (?:{_GAP}(?:marking|level|colou?r|designation|classification)s?(?![a-z0-9]))?
    (?P<after>[a-z0-9]*)""",
    re.VERBOSE,
)
_FOREIGN_LETTERS = re.compile(rf"(?<!\w)(?P<word>[^\W\d_]{{3}})[\W_]+(?={_LEVEL_WORDS})")
_CLASSIFIED = re.compile(r"(?:euci|nato|dni-ism|de-vs|fr-classif):(.*)", re.DOTALL)
_UNCLASSIFIED = re.compile(r"complies:with.*|non-classifiees=.*non-protege.*|.*[=:]\W*(?:u|nu|offen|unclassified)\W*")

_NOT = re.compile(rf"[^a-z0-9]*(?:[!¬≤≥]|[<>]=)[^a-z0-9]*(?:{_LEVEL_WORDS})")
"""What stands before a level that is not meant, or not alone: "tlp:!green", "tlp:>=amber"."""

_VERSION = re.compile(r"^v?\d+(?=[a-z])")
_DENIED = re.compile(r"(?<![a-z0-9])(?:not?|non|never|neither|nor|except|without|isn't)[^a-z0-9]+\Z")
"""What stands before a scheme's name whose level is not meant: "not tlp:green"."""

_BETWEEN = (
    "is|was|be|set|to|as|at|by|in|it|of|for|this|the|event|written|out|says?|reads?|level|value|equals?|marked|rated"
)
_SENTENCE = re.compile(
    rf"""[\W_]+ (?: (?:(?:{_BETWEEN})[\W_]+){{1,6}} | [^:=]{{1,40}}[:=][\W_]* )
    (?P<level>{_LEVEL_WORDS})(?![a-z0-9])(?P<more>.*)""",
    re.VERBOSE | re.DOTALL,
)
"""What follows a scheme's name where somebody wrote it out: "PAP written: RED", "TLP is set to amber"."""

_STIX_MARKINGS = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
    "94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
}
"""Marking definitions of TLP 1 (STIX 2.1, section 7.2.1.4) and of TLP 2.0 (OASIS' common objects for STIX)."""
_STIX = re.compile(
    r"(?P<prefix>marking[\W_]?definition)?(?:(?:marking[\W_]?tlp)?[\W_]*(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?"
)

_LOOK_ALIKES = {
    letter: plain
    for plain, letters in {
        "a": "аɑαа",
        "b": "ьвβᏼᏴ",
        "c": "сϲᴄ",
        "d": "ԁᴅꓒ",
        "e": "еєεҽᴇ",
        "g": "ɡԍɢ",
        "h": "һнʜꮋᎻ",
        "i": "іιıɩɪ",
        "k": "кκᴋ",
        "l": "ӏłƚɭʟꮮᏞꓡⅼ",
        "m": "мᴍꮇᎷ",
        "n": "пηոɴ",
        "o": "оοօᴏ",
        "p": "рρᴘꮲᏢꓑ",
        "r": "гʀꭱᎡꮢᏒ",
        "s": "ѕꜱ",
        "t": "тτᴛꭲᎢꓔ",
        "w": "ѡԝᴡ",
        "|": "ǀ∣│",
        ":": "ː˸։׃꞉∶᛬",
        "=": "꞊゠⹀",
    }.items()
    for letter in letters
}

_SHAPED = re.compile(r"(?:LATIN|REGIONAL INDICATOR) (?:\w+ )*([A-Z])(?: WITH .*)?$")
"""The name of a letter in another shape: squared, negative, with a stroke, half of a flag."""


class Mark(NamedTuple):
    """What one tag says. Ranks are positions in TLP_LEVELS and PAP_LEVELS, UNKNOWN when it says nothing.

    `note` is the tag itself when its level is none that is known and so counts as the strictest.
    """

    tlp: int = UNKNOWN
    pap: int = UNKNOWN
    hides_source: bool = False
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The levels as MISP's own taxonomies write them; none for a level that could not be read."""
        if self.note:
            return ()
        tlp = (f"tlp:{TLP_LEVELS[self.tlp]}",) if self.tlp != UNKNOWN else ()
        return (*tlp, f"PAP:{PAP_LEVELS[self.pap].upper()}") if self.pap != UNKNOWN else tlp


NOTHING = Mark()


def read_tag(name: str) -> Mark:
    """Return what a tag's name says by the rules of docs/clearance.md."""
    # what is kept of names must not grow with them
    return _read(name if len(name) <= LONGEST_TAG else name[: LONGEST_TAG // 2] + name[-LONGEST_TAG // 2 :])


@lru_cache(maxsize=8192)
def _read(name: str) -> Mark:
    plain = _plain(name)
    ranks = {"tlp": UNKNOWN, "pap": UNKNOWN}
    hides_source, strange = False, False
    stix, rest = _of_stix(plain)
    for scheme, level in [*stix, *_said(rest)]:
        if level == "chr":
            hides_source = True
            continue
        rank = _LEVELS[scheme].index(level) if level in _LEVELS[scheme] else len(_LEVELS[scheme]) - 1
        strange = strange or level not in _LEVELS[scheme]
        ranks[scheme] = max(ranks[scheme], rank)
    classified = _CLASSIFIED.fullmatch(plain)
    if classified and not _UNCLASSIFIED.fullmatch(classified[1]):
        ranks["tlp"], strange = len(TLP_LEVELS) - 1, True
    if ranks["tlp"] == ranks["pap"] == UNKNOWN:
        return Mark(hides_source=True) if hides_source else NOTHING
    return Mark(ranks["tlp"], ranks["pap"], hides_source, _printable(name) if strange else "")


def strictest(names: set[str], scheme: Literal["tlp", "pap"]) -> str | None:
    """Return the strictest level that the names mark in the scheme, None when they mark none."""
    rank = max((getattr(read_tag(name), scheme) for name in names), default=UNKNOWN)
    return None if rank == UNKNOWN else _LEVELS[scheme][rank]


def _of_stix(plain: str) -> tuple[list[tuple[str, str]], str]:
    """Return what the marking definitions of STIX in a name say, and the name without them."""
    if "-" not in plain or ("marking" not in plain and plain.count("-") < 4):  # neither a prefix nor a uuid
        return [], plain
    found: list[tuple[str, str]] = []

    def taken(place: re.Match[str]) -> str:
        level = _STIX_MARKINGS.get(place["id"] or "")
        if level or place["prefix"]:  # of a definition that nobody here knows, nobody knows how far it goes
            found.append(("tlp", level or "?"))
            return ""
        return place[0]

    return found, _STIX.sub(taken, plain)


def _said(plain: str) -> list[tuple[str, str]]:
    """Return (scheme, level) for each place of the name that speaks of a scheme; "?" for a level nobody can read."""
    places = list(islice(_SCHEME.finditer(plain), MOST_PLACES))
    found = [(scheme, "?") for scheme in _LEVELS if len(places) == MOST_PLACES]
    places = [place for place in places if not _is_paper(place)]
    for number, place in enumerate(places):
        end = places[number + 1].start() if number + 1 < len(places) else len(plain)
        scheme = "pap" if place["pap"] else "tlp"
        level = _level(scheme, place["after"] + plain[place.end() : end])
        denied = _DENIED.search(plain, max(place.start() - LONGEST_LEVEL, 0), place.start()) and level != "?"
        if denied or (not place["after"] and _NOT.match(plain, place.end(), end)):
            level = "?"
        elif level == "?" and not place["after"] and (sentence := _SENTENCE.match(plain, place.end(), end)):
            level = "?" if re.search("[a-z0-9]", sentence["more"]) else _level(scheme, sentence["level"])
        elif level == "?" and not _is_marking(place, plain, end):
            before = plain[max(place.start() - LONGEST_LEVEL, 0) : place.start()]
            level = "" if place["after"] else _level_before(scheme, before)
        if level:
            found.append((scheme, level))
    if not places and (foreign := _FOREIGN_LETTERS.search(plain)) and not foreign["word"].isascii():
        found.append(("tlp", _level("tlp", plain[foreign.end() :])))
    return found


def _is_paper(place: re.Match[str]) -> bool:
    """Whether this is only how "paper" begins: "TLP whitepaper" says no level, neither of TLP nor of PAP."""
    return bool(place["pap"]) and place["after"].startswith("er")


def _level(scheme: str, text: str) -> str:
    level = _VERSION.sub("", "".join(filter(str.isalnum, text)))
    level = _SPELLINGS.get(level, level)
    if scheme == "tlp" and level in _CHATHAM_HOUSE:
        return "chr"
    return level if level in _LEVELS[scheme] else "?"


def _level_before(scheme: str, text: str) -> str:
    """Return the level that stands before the scheme's name ("RED (TLP)"), or ""."""
    word = re.search(r"(?<![a-z0-9])([a-z]+)[^a-z0-9]+\Z", text)
    level = _level(scheme, word[1]) if word else "?"
    return "" if level in ("?", "chr") else level


def _is_marking(place: re.Match[str], plain: str, end: int) -> bool:
    """Whether a name without a readable level is one of the scheme all the same: it must not pass as unmarked.

    "tlp:purple", "tlp=", "TLP PURPLE", "TLP", "TLP RED - board only" and "tlp status red" are; "tlp-review-pending",
    "tlprelated", "check-tlp" and "TLP reviewed by red team" only speak of it.
    """
    rest = plain[place.end() : end]
    begins = re.match(rf"(?:v?\d+)?[\W_]*(?:{_LEVEL_WORDS})(?![a-z0-9])", place["after"] + rest)
    if begins or place["after"] or plain[: place.start()][-1:].isalnum():
        return bool(begins)
    if re.match(r"[^a-z0-9]*[:=]", rest) or re.search(rf"{_LEVEL}(?!{_THING})", rest):
        return True
    alone = not re.search("[a-z0-9]", plain[: place.start()])
    return alone and len(re.findall(r"[a-z0-9]+", rest)) <= 1


def _plain(name: str) -> str:
    """Return the name as people see it: in small letters of one alphabet, without what is invisible."""
    name = html.unescape(name) if "&" in name else name
    if name.isascii():
        return name.casefold().strip()
    name = name.replace("≠", "!=")
    normal = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(map(_letter, normal)).strip()


def _letter(character: str) -> str:
    plain = _LOOK_ALIKES.get(character, character)
    if plain.isascii():
        return plain
    if letter := _SHAPED.search(unicodedata.name(plain, "")):
        return letter[1].lower()
    kind = unicodedata.category(plain)
    if kind in ("Cf", "Mn", "Me", "Cc"):
        return ""
    return "-" if kind == "Pd" or plain in "−⁃➖" else plain


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:40])
