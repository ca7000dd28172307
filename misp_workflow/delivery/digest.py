"""Storms: many messages to one place become one.

MISP's attribute triggers fire once per attribute. A destination with `digest = 60` gets, for an event with 500
attributes, one message that says 500, and shows as many of them as fit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from misp_workflow.effects import Effect, Json, Mail, Messages, Post, from_json, to_json
from misp_workflow.markings import strictest

LONGEST_LINES = (400, 200, 100, 0)
"""Characters of a message that is shown as one line: the first of these with which all of them fit; 0: the title."""
_BETWEEN = " · "
_MARKING = re.compile(r"\bTLP\b")
LONGEST_MARKING = 60
"""Characters of a line that says the TLP, and little else."""
_TLP = re.compile(r"\bTLP: ?(?:WHITE|CLEAR|GREEN|AMBER(?:\+STRICT)?|RED)(?!\w)", re.IGNORECASE)
_BULLET = re.compile(r"\A[-*•] +")

MOST_IN_ONE = 10_000
"""Effects in one digest; what comes beyond goes into the next one."""


BY_CLOCK = "clock-"
"""How the bundles begin that go at a time of the day, which stays that time when the machine's clock is set."""


def bundle(effect: Effect, action: str, lane: str, clock: str = "", seconds: float = 0.0) -> str:
    """Return what is the same for effects that may become one message: everything but their text.

    `clock` is what the times of the day are called at which they go, "" when they wait for so many `seconds`. Where
    that was changed meanwhile, those before go when they were to go.
    """
    values = to_json(effect)
    for path in effect.digest:
        _remove(values, path.split("."))
    values.pop("label", None)
    if isinstance(effect, Messages):  # gathered, it is one post like those that were not too long
        values["kind"] = Post.kind
        values["digest"] = tuple(path for path in effect.digest if path not in ("messages", "uploads", "file"))
    name = hashlib.sha256(_dumps([action, lane, values, *filter(None, [clock or seconds])])).hexdigest()[:32]
    return BY_CLOCK + name if clock else name


def batch_key(keys: Sequence[str]) -> str:
    """Return the key of the message that these effects became: the same at each try."""
    return "digest-" + hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]


def merge(effects: Sequence[Effect], seconds: float) -> Effect:
    """Return one effect that says what all of them say, in their order; `seconds` is the time that they cover."""
    first = effects[0]
    if len(effects) == 1:
        return first
    values = to_json(first)
    text_at, *left_out = first.digest
    for path in left_out:
        _remove(values, path.split("."))
    texts = [_text(to_json(effect), first.digest) for effect in effects]
    _set(values, text_at.split("."), gathered(texts, seconds, first.digest_limit))
    if isinstance(first, Mail):
        values["subject"] = _subject([effect.subject for effect in effects if isinstance(effect, Mail)], seconds)
    merged = from_json(values)
    secrets = tuple(dict.fromkeys(secret for effect in effects for secret in effect.secrets))
    return dataclasses.replace(merged, label=f"{first.label} ({len(effects)} in one)", secrets=secrets)


def _text(values: dict[str, Any], paths: Sequence[str]) -> str:
    """Return what an effect says: the text at the first path, and below it what else of a card is left out."""
    first, *left_out = (_get(values, path.split(".")) for path in paths)
    said = [str(first)]
    for part in left_out:
        if isinstance(part, dict):
            facts = part["facts"] if isinstance(part.get("facts"), list) else []
            told = [fact for fact in facts if isinstance(fact, dict) and {"title", "value"} <= fact.keys()]
            said += [str(part.get("text", "")), *(f"- **{fact['title']}:** {fact['value']}" for fact in told)]
    return "\n".join(filter(None, said))


def _subject(subjects: Sequence[str], seconds: float) -> str:
    """Return the subject of a mail that is made of many: the strictest TLP that one of theirs says, and how many."""
    marks = {found[0] for subject in subjects if (found := _TLP.search(subject))}
    level = strictest(marks, "tlp")
    return (f"[TLP:{level.upper()}] " if level else "") + _head(len(subjects), seconds)


def _head(number: int, seconds: float) -> str:
    return f"{number} messages in {_span(seconds)}"


def gathered(texts: Sequence[str], seconds: float, limit: int) -> str:
    """Return one text of at most `limit` characters: how many there were, and as many of them as fit, equal ones once.

    When they do not all fit whole, those that begin alike stand together: what all of them say once (the title, the
    TLP, the link), then a line for each with what only that one says. The end says how many are not shown.
    """
    head = f"{_head(len(texts), seconds)}:"
    whole = "\n".join([head, *_counted(texts)])
    if len(whole) <= limit:
        return whole
    lines, shown = [head], 0
    room = limit - len(head) - len(_rest(len(texts)))
    for times, line in _fitting(_alike(texts), room):
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
        shown += times
    return "\n".join(lines) + (_rest(len(texts) - shown) if shown < len(texts) else "")


Members = list[tuple[str, ...]]


def _fitting(groups: Mapping[str, Members], room: int) -> list[tuple[int, str]]:
    """Return lines, each with how many messages it tells of: as much of each message as lets all of them fit."""
    for longest in LONGEST_LINES:
        lines = [line for title, members in groups.items() for line in _lines(title, members, longest)]
        if sum(len(line) + 1 for _, line in lines) <= room:
            break
    return lines


def _alike(texts: Sequence[str]) -> dict[str, Members]:
    """Return the lines of the texts, but for the first, by their first line."""
    found: dict[str, Members] = {}
    for text in texts:
        title, *lines = [line for line in map(str.strip, text.splitlines()) if line] or [""]
        found.setdefault(title, []).append(tuple(lines))
    return found


def _lines(title: str, members: Members, longest: int) -> list[tuple[int, str]]:
    """Return the line of what all members say, and one for each that says something else, too."""
    counts = Counter(members)
    common = set.intersection(*map(set, counts))
    told = _times(len(members), _joined([title, *[line for line in members[0] if line in common]], longest))
    own = [(times, _joined([line for line in lines if line not in common], longest)) for lines, times in counts.items()]
    silent = sum(times for times, line in own if not line)
    return [(silent, told), *[(times, f"– {_times(times, line)}") for times, line in own if line]]


def _joined(lines: Iterable[str], longest: int) -> str:
    """Return lines as one, the first in any case, and what says how far it may go. None is cut: a mark-up would be left
    open."""
    made: list[str] = []
    room, told = longest, False
    for line in (_BULLET.sub("", line) for line in lines):
        marks = len(line) <= LONGEST_MARKING and bool(_MARKING.search(line))
        if marks or not told or len(line) <= room:
            made.append(line)
            room -= len(line) + len(_BETWEEN)
            told = told or not marks
    return _BETWEEN.join(made)


def _counted(texts: Iterable[str]) -> list[str]:
    return [_times(times, text) for text, times in Counter(texts).items()]


def _times(number: int, text: str) -> str:
    return f"{number} × {text}" if number > 1 else text


def _rest(number: int) -> str:
    return f"\n… and {number} more that do not fit here"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h" if seconds < 36 * 3600 else f"{round(seconds / 86_400)} days"


def _dumps(value: Json) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return repr(value).encode("utf-8", "replace")


def _at(values: Any, step: str) -> Any:
    """Return the member of an object, or the item of a list ("0"); None when there is none."""
    if isinstance(values, dict):
        return values.get(step)
    return values[int(step)] if isinstance(values, list) and step.isdigit() and int(step) < len(values) else None


def _get(values: Any, path: Sequence[str]) -> Json:
    for step in path:
        values = _at(values, step)
    return "" if values is None else values


def _copied(values: Any, path: Sequence[str]) -> Any:
    """Return the object or list at the path, None without one; all on the way become copies: they are an effect's."""
    for step in path:
        inner = _at(values, step)
        if not isinstance(inner, (dict, list)):
            return None
        values[step if isinstance(values, dict) else int(step)] = inner = inner.copy()
        values = inner
    return values


def _set(values: dict[str, Any], path: Sequence[str], text: str) -> None:
    holder = _copied(values, path[:-1])
    if holder is not None:
        holder[path[-1] if isinstance(holder, dict) else int(path[-1])] = text


def _remove(values: dict[str, Any], path: Sequence[str]) -> None:
    holder = _copied(values, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
    elif holder is not None and _at(holder, path[-1]) is not None:
        del holder[int(path[-1])]
