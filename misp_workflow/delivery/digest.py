"""Storms: many messages to one place become one.

MISP's attribute triggers fire once per attribute. A destination with `digest = 60` gets, for an event with 500
attributes, one message that says 500, and shows as many of them as fit.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from misp_workflow.effects import Effect, Json, from_json, to_json

MOST_IN_ONE = 1000
"""Effects in one digest; what comes beyond goes into the next one."""


def bundle(effect: Effect, action: str, lane: str) -> str:
    """Return what is the same for effects that may become one message: everything but their text."""
    values = to_json(effect)
    for path in effect.digest:
        _remove(values, path.split("."))
    values.pop("label", None)
    return hashlib.sha256(_dumps([action, lane, values])).hexdigest()[:32]


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
    texts = [str(_get(to_json(effect), text_at.split("."))) for effect in effects]
    _set(values, text_at.split("."), gathered(texts, seconds, first.digest_limit))
    merged = from_json(values)
    secrets = tuple(dict.fromkeys(secret for effect in effects for secret in effect.secrets))
    return dataclasses.replace(merged, label=f"{first.label} ({len(effects)} in one)", secrets=secrets)


def gathered(texts: Sequence[str], seconds: float, limit: int) -> str:
    """Return one text of at most `limit` characters: how many there were, and as many of them as fit, equal ones once.

    When they do not all fit, each is shown by its first line only; the end says how many are not shown at all.
    """
    head = f"{len(texts)} messages in {_span(seconds)}:"
    whole = "\n".join([head, *_counted(texts)])
    if len(whole) <= limit:
        return whole
    lines, shown = [head], 0
    room = limit - len(head) - len(_rest(len(texts)))
    first_lines = Counter(text.strip().partition("\n")[0] for text in texts)
    for times, counted in zip(first_lines.values(), _counted(first_lines.elements()), strict=True):
        room -= len(counted) + 1
        if room < 0:
            break
        lines.append(counted)
        shown += times
    return "\n".join(lines) + (_rest(len(texts) - shown) if shown < len(texts) else "")


def _counted(texts: Iterable[str]) -> list[str]:
    return [f"{times} × {text}" if times > 1 else text for text, times in Counter(texts).items()]


def _rest(number: int) -> str:
    return f"\n… and {number} more that do not fit here"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min"


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
