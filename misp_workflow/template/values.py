"""The values that a template works with, and how each reads as text.

Only plain data goes through a template: texts, numbers, booleans, nothing, lists, dicts, and dates as the caller gave
them. Whatever else turns up is not shown and not called.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined
from markupsafe import Markup

from misp_workflow.errors import TemplateError
from misp_workflow.template.limits import current, showable

MAX_KEY_BITS = 64
"""Of a number that is a key. Longer ones can be chosen so that a dictionary takes them all for the same at first."""
SLOW_JSON = 8
"""Steps for each value of JSON that is indented, which Python itself writes."""

_PRINTED = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)


class Indicator(str):
    """The value of a MISP attribute that a person must not open by a click: shown defanged in messages for people."""

    __slots__ = ()


class Live(str):
    """Text that is put out with its links as they are: the operator's own, or what an author refanged (or defanged).

    It is escaped like any other text.
    """

    __slots__ = ()


class JsonText(str):
    """Text that is JSON already."""

    __slots__ = ()


class Helper:
    """A function that a template may call. Nothing else but macros and loops can be called."""

    __slots__ = ("function", "name")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.function = function


def text(value: Any) -> str:
    """Return how a value reads: nothing as "", a flag as true or false, a list as "a, b", a dict as JSON.

    Raises TemplateError for what is no data, and jinja2.UndefinedError for what does not exist.
    """
    if isinstance(value, str):
        return unfinished(value) if isinstance(value, Markup) else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(showable(value) if isinstance(value, int) else value)
    if isinstance(value, (list, tuple)):
        run = current()
        _, characters, _ = run.measure(value)
        run.grow(characters)
        if all(not isinstance(item, (list, tuple, dict)) for item in value):
            return ", ".join(map(_listed, value))
        return to_json(value)
    if isinstance(value, Mapping):
        return to_json(value)
    if isinstance(value, Undefined):
        return str(value)  # raises, and names what is missing
    if isinstance(value, _PRINTED):
        return str(value)
    raise TemplateError(f"{kind(value)} cannot be shown as text")


def _listed(item: Any) -> str:
    """Return one item of a list as text; an indicator is dead where people read, as it is by itself."""
    made: str = current().style.settled(item) if isinstance(item, Indicator) else text(item)
    return made


def unfinished(made: Markup) -> str:
    """Return the text of what a macro or a set block made, to be worked with and escaped again."""
    run = current()
    run.read(len(made))
    text: str = run.style.unfinished(made)
    return text


def plain(value: Any) -> Any:
    """Return the value, and of finished text what it says."""
    return unfinished(value) if isinstance(value, Markup) else value


def kind(value: Any) -> str:
    """Return what a value is, in a template author's words."""
    if value is None:
        return "nothing (null)"
    names = ((bool, "a flag"), (str, "a text"), (int, "a number"), (float, "a number"), (dict, "an object"))
    for cls, name in (*names, (list, "a list"), (tuple, "a list"), (Mapping, "an object")):
        if isinstance(value, cls):
            return name
    return {"Macro": "a macro", "LoopContext": "a loop", "Helper": "a function"}.get(
        type(value).__name__, "something that is no plain data"
    )


def to_json(value: Any, indent: int | None = None) -> JsonText:
    """Return a value as JSON text, letters as they are; what JSON has no word for (NaN) becomes null."""
    value = plain(value)
    run = current()
    values, characters, levels = run.measure(value)
    run.grow(characters + values * levels * (indent or 0))
    run.spend(SLOW_JSON * values if indent else 0)
    separators = (",", ": ") if indent else (", ", ": ")
    try:
        made = json.dumps(
            value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators, default=_plain
        )
    except ValueError:
        made = json.dumps(_finite(value), ensure_ascii=False, indent=indent, separators=separators, default=_plain)
    return JsonText(made)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return text(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def scalar(value: Any) -> Any:
    """Return a value that can be a key: a text, a number, a flag or nothing."""
    if value is None or isinstance(value, (str, int, float, *_PRINTED)):
        if isinstance(value, int) and value.bit_length() > MAX_KEY_BITS:
            raise TemplateError(f"a number of more than {MAX_KEY_BITS} bits cannot be a key")
        return plain(value)
    if isinstance(value, Undefined):
        str(value)  # raises
    raise TemplateError(f"{kind(value)} cannot be a key")


def items(value: Any) -> list[Any] | tuple[Any, ...]:
    """Return what a loop or a filter goes through: a list's items, a dict's keys, a text's characters."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises
    if isinstance(value, (str, Mapping)):
        current().spend(len(value))
        return list(plain(value))
    raise TemplateError(f"{kind(value)} has no items to go through")


def finished(value: Any) -> bool:
    """Return whether a text has been escaped for its place already: what a macro or a set block made."""
    return isinstance(value, Markup)


def number(value: Any, what: str, least: int, most: int) -> int:
    """Return a whole number that a filter was given, kept between its bounds; TemplateError outside of them."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise TemplateError(f"{what} must be a whole number from {least} to {most}")
    return value
