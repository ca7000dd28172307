"""Make things fit: never in the middle of a character, never a JSON value that is none, always with a mark."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Literal

import orjson

Unit = Literal["characters", "utf-16", "bytes"]

MARK = "… [cut]"
FENCE = "```"
"""What stands around a block of code in a chat's Markdown."""
_LONGEST_CLUSTER = 64
"""Code points. A base with more marks than that is no character but an attack on the reader's screen."""
_LONGEST_ROW = 1_000
"""Halves of flags that are counted to find out which two belong together."""
_ENTITY = re.compile(r"&#?\w{0,31}\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")

_LADDER = (
    (10_000, 65_536),
    (3_000, 16_384),
    (1_000, 4_096),
    (500, 2_048),
    (200, 2_048),
    (100, 1_024),
    (50, 1_024),
    (20, 512),
    (10, 512),
    (5, 256),
    (2, 128),
    (1, 64),
)
"""Most items of a list, most characters of a text: tried from the top until the whole fits."""


def cut(text: str, limit: int, unit: Unit = "characters", mark: str = MARK) -> str:
    """Return the text, or as much of its beginning as fits into `limit` together with the mark.

    `unit` is what the receiver counts: code points, UTF-16 units, or bytes of UTF-8. The cut never falls within a
    code point, between a letter and its accents, within an emoji or a flag, or within an escape such as &amp;.
    """
    if measure(text, unit) <= limit:
        return text
    text = mend(text)  # half of a pair has no size in UTF-8
    for ending in (mark, "…", ""):
        room = limit - measure(ending, unit)
        if room >= 0:
            return text[: _boundary(text, _fitting(text, room, unit))].rstrip() + ending
    return ""


def cut_closed(text: str, limit: int, unit: Unit = "characters", note: str = "") -> str:
    """Return what `cut` returns, with the note behind the mark, and a block of code that was cut within closed."""
    made = cut(text, limit, unit, MARK + note)
    if made is text or made.count(FENCE) % 2 == 0 or text.count(FENCE) % 2:
        return made
    return cut(text, limit, unit, f"{MARK}\n{FENCE}{note}")


def measure(text: str, unit: Unit) -> int:
    """Return how long the text is for a receiver that counts so."""
    if unit == "characters":
        return len(text)
    if unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fitting(text: str, room: int, unit: Unit) -> int:
    """Return how many code points of the text fit."""
    if unit == "characters":
        return room
    if unit == "bytes":
        return len(text.encode()[:room].decode("utf-8", "ignore"))
    return len(text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore"))


def _boundary(text: str, position: int) -> int:
    """Return the nearest place at or before `position`, within the text, where a person sees a character end."""
    start = position
    while position > 0 and start - position < _LONGEST_CLUSTER and _within_cluster(text, position):
        position -= 1
    if position and start - position >= _LONGEST_CLUSTER:
        position = start
    entity = _ENTITY.search(text, max(0, position - 33), position)
    if entity and re.match(r"\w*;", text[position : position + 32]):
        position = entity.start()
    return position


def _within_cluster(text: str, position: int) -> bool:
    """Whether the code points before and at `position` belong together."""
    before, at = text[position - 1], text[position]
    if before == "\u200d" or at == "\u200d" or "\U0001f3fb" <= at <= "\U0001f3ff" or "\U000e0020" <= at <= "\U000e007f":
        return True
    if _is_flag_half(at) and _is_flag_half(before):
        halves = 1
        while halves < min(position, _LONGEST_ROW) and _is_flag_half(text[position - 1 - halves]):
            halves += 1
        return halves % 2 == 1
    return unicodedata.category(at) in ("Mn", "Me", "Mc")


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def mend(text: str) -> str:
    """Return the text with every half of a surrogate pair replaced by U+FFFD: UTF-8 cannot say it."""
    return _SURROGATE.sub("\ufffd", text)


def size_of(value: Any) -> int:
    """Return the bytes of the value as JSON."""
    try:
        return len(orjson.dumps(value))
    except TypeError:  # half of a surrogate pair, or an integer beyond 64 bits
        return len(json.dumps(value))


def cut_json(value: Any, limit: int) -> Any:
    """Return the JSON value, or one like it of at most `limit` bytes: lists and texts end earlier and say so.

    What cannot be made to fit at all becomes {"cut": …}, or null where even that is too long.
    """
    if size_of(value) <= limit:
        return value
    for most_items, most_characters in _LADDER:
        smaller = _shortened(value, most_items, most_characters)
        if size_of(smaller) <= limit:
            return smaller
    nothing = {"cut": "too large to be sent"}
    return nothing if size_of(nothing) <= limit else None


def _shortened(value: Any, most_items: int, most_characters: int) -> Any:
    if isinstance(value, str):
        return cut(value, most_characters)
    if isinstance(value, list):
        kept = [_shortened(item, most_items, most_characters) for item in value[:most_items]]
        if len(value) > most_items:
            kept.append(_left_out(len(value) - most_items, among_objects=isinstance(value[0], dict)))
        return kept
    if isinstance(value, dict):
        # An object's members are its meaning: they go only when there are more than any sane object has.
        most = max(most_items, 200)
        members = list(value.items())
        shorter = {name: _shortened(item, most_items, most_characters) for name, item in members[:most]}
        if len(members) > most:
            shorter["cut"] = f"{len(members) - most} more left out"
        return shorter
    return value


def _left_out(count: int, among_objects: bool) -> Any:
    sentence = f"{count} more left out"
    return {"cut": sentence} if among_objects else f"… {sentence}"
