"""The filters and functions of templates. Everything here reports its work and bounds what it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import quote, quote_plus

from jinja2 import Undefined
from jinja2.utils import Namespace
from markupsafe import Markup

from misp_workflow.errors import TemplateError
from misp_workflow.event import flag
from misp_workflow.template import analyst, moments, questions, texts
from misp_workflow.template.arithmetic import OPERATORS
from misp_workflow.template.attributes import attributes, by_type, reading
from misp_workflow.template.limits import current, paying
from misp_workflow.template.predicates import TESTS
from misp_workflow.template.style import cut, sendable
from misp_workflow.template.values import items, kind, number, scalar, text, to_json

MAX_RANGE = 100_000
MAX_PATH = 300


def _reading(path: Any) -> Callable[[Any], Any]:
    """Return a function that reads `a.b.0` of an item, or the item itself for None."""
    if path is None:
        return lambda item: item
    if not isinstance(path, (str, int)) or len(written := str(path)) > MAX_PATH:
        raise TemplateError(f"attribute is a name, or a path such as Orgc.name, of up to {MAX_PATH} characters")
    parts = [int(part) if part.isdecimal() and len(part) < 10 else part for part in written.split(".")][:20]

    def read(item: Any) -> Any:
        for part in parts:
            if isinstance(item, Mapping):
                item = reading(item, part)
            elif isinstance(item, (list, tuple)) and isinstance(part, int) and part < len(item):
                item = item[part]
            else:
                return None
        return item

    return read


def _key(value: Any, case_sensitive: bool = False) -> tuple[int, Any]:
    """Return what to sort and group by: numbers before texts, nothing first, letters whatever their case."""
    if isinstance(value, (int, float)):
        return (1, value) if value == value else (0, 1)  # NaN, which is neither more nor less than anything
    if value is None:
        return 0, 0
    written = text(scalar(value))
    current().grow(len(written))
    return 2, written if case_sensitive else written.lower()


def _list(of: Any) -> list[Any]:
    found = items(of)
    current().spend(len(found) + 1)
    return list(found)


def _items(of: Any) -> list[tuple[Any, Any]]:
    if isinstance(of, Mapping):
        return [(key, reading(of, key)) for key in items(of)]
    raise TemplateError(f"{kind(of)} has no pairs to go through")


def _length(of: Any) -> int:
    if isinstance(of, Undefined):
        str(of)  # raises
    if not isinstance(of, (str, list, tuple, Mapping)):
        raise TemplateError(f"{kind(of)} has no length")
    return len(text(of)) if isinstance(of, str) else len(of)


def _end(of: Any, place: int) -> Any:
    found = items(of)
    return found[place] if found else None


def _sort(of: Any, reverse: bool = False, case_sensitive: bool = False, attribute: Any = None) -> list[Any]:
    return [item for _, item in _ordered(_list(of), _reading(attribute), case_sensitive, bool(reverse))]


def _ordered(
    found: list[Any], read: Callable[[Any], Any], case_sensitive: bool, reverse: bool = False
) -> list[tuple[tuple[int, Any], Any]]:
    """Return the items, each after its key, in the order of the keys; of equal keys, in their own."""
    run, keyed, characters = current(), [], 0
    for item in found:
        run.spend(2)
        key = _key(read(item), case_sensitive)
        characters += len(key[1]) if key[0] == 2 else 0
        keyed.append((key, item))
    rounds = len(found).bit_length()
    run.spend(len(found) * rounds // 4)
    run.read(characters * rounds)
    return sorted(keyed, key=itemgetter(0), reverse=reverse)


def _dictsort(of: Any, case_sensitive: bool = False, by: str = "key", reverse: bool = False) -> list[tuple[Any, Any]]:
    read = itemgetter(0 if by == "key" else 1)
    return [pair for _, pair in _ordered(_items(of), read, case_sensitive, bool(reverse))]


def _unique(of: Any, case_sensitive: bool = False, attribute: Any = None) -> list[Any]:
    read, found = _reading(attribute), _list(of)
    # by order, not by hash: numbers can be chosen so that they all have the same one
    ordered = _ordered(list(enumerate(found)), lambda pair: read(pair[1]), case_sensitive)
    firsts = [next(same)[1][0] for _, same in groupby(ordered, itemgetter(0))]
    return [found[place] for place in sorted(firsts)]


def _groupby(of: Any, attribute: Any, default: Any = None, case_sensitive: bool = False) -> list[tuple[Any, list[Any]]]:
    read = _reading(attribute)
    pairs = [(default if (value := read(item)) is None else value, item) for item in _list(of)]
    ordered = _ordered(pairs, itemgetter(0), case_sensitive)
    groups = [[pair for _, pair in same] for _, same in groupby(ordered, itemgetter(0))]
    return [(group[0][0], [item for _, item in group]) for group in groups]


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def find(of: Any, case_sensitive: bool = False, attribute: Any = None) -> Any:
        ordered = _ordered(_list(of), _reading(attribute), case_sensitive)
        return choose(ordered, key=itemgetter(0))[1] if ordered else None

    return find


def _sum(of: Any, attribute: Any = None, start: Any = 0) -> Any:
    read = _reading(attribute)
    total = start
    for item in _list(of):
        current().spend()
        total = OPERATORS["+"](total, read(item))
    return total


def _batch(of: Any, size: int, fill: Any = None) -> list[list[Any]]:
    found, size = _list(of), number(size, "the size", 1, 100_000)
    groups = [found[place : place + size] for place in range(0, len(found), size)]
    if fill is not None and groups:
        current().spend(size)
        groups[-1] += [fill] * (size - len(groups[-1]))
    return groups


def _slice(of: Any, count: int, fill: Any = None) -> list[list[Any]]:
    found, count = _list(of), number(count, "the number of parts", 1, 10_000)
    current().spend(count)
    size, more = divmod(len(found), count)
    parts, place = [], 0
    for part in range(count):
        end = place + size + (part < more)
        parts.append(found[place:end] + ([fill] if fill is not None and more and part >= more else []))
        place = end
    return parts


def _join(of: Any, separator: Any = "", attribute: Any = None) -> Any:
    read = _reading(attribute)
    return texts.joined(separator, [read(item) for item in _list(of)])


def _reverse(of: Any) -> Any:
    return texts.backwards(of) if isinstance(of, str) else _list(of)[::-1]


def _default(value: Any, other: Any = "", boolean: bool = False) -> Any:
    return other if isinstance(value, Undefined) or (boolean and not value) else value


def _int(value: Any, default: int = 0, base: int = 10) -> int:
    try:
        if isinstance(value, str):
            if len(value) > 300:
                return default
            return int(value, base if 2 <= base <= 36 else 10)
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _float(value: Any, default: float = 0.0) -> float:
    try:
        return float(value) if not isinstance(value, str) or len(value) <= 400 else default
    except (TypeError, ValueError, OverflowError):
        return default


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    precision = number(precision, "the precision", -300, 300)
    value = _float(value)
    if method == "common":
        return round(value, precision)
    step = {"ceil": -1, "floor": 1}.get(method)
    if step is None:
        raise TemplateError("round is 'common', 'ceil' or 'floor'")
    scale = 10.0**precision
    return step * (step * value * scale // 1) / scale


def _size(value: Any, binary: bool = False) -> str:
    base, units = (1024, ("KiB", "MiB", "GiB", "TiB")) if binary else (1000, ("kB", "MB", "GB", "TB"))
    size = _float(value)
    if abs(size) < base:
        return f"{size:.0f} Bytes"
    for unit in units:
        size /= base
        if abs(size) < base or unit == units[-1]:
            return f"{size:.1f} {unit}"
    raise AssertionError


def _string(value: Any) -> str:
    return value if isinstance(value, str) else text(value)


def _map(of: Any, name: Any = None, *args: Any, attribute: Any = None, default: Any = None, **kwargs: Any) -> list[Any]:
    found = _list(of)
    if attribute is not None:
        read = _reading(attribute)
        return [default if (value := read(item)) is None else value for item in found]
    function = FILTERS.get(name) if isinstance(name, str) else None
    if function is None or name in _OF_FUNCTIONS:
        raise TemplateError("map takes attribute=, or the name of a filter")
    run = current()
    made = []
    for item in found:
        run.spend(2)
        made.append(function(item, *args, **kwargs))
    return made


def _choosing(wanted: bool, by_attribute: bool) -> Callable[..., list[Any]]:
    def choose(of: Any, *args: Any) -> list[Any]:
        read = _reading(args[0]) if by_attribute and args else _reading(None)
        rest = args[1:] if by_attribute else args
        test = TESTS.get(rest[0]) if rest and isinstance(rest[0], str) else None
        if by_attribute and not args:
            raise TemplateError("selectattr and rejectattr take the name of a member")
        if rest and test is None:
            raise TemplateError(f"there is no test '{texts.truncated(rest[0], 40)}'")
        run = current()
        chosen = []
        for item in _list(of):
            run.spend(2)
            value = read(item)
            if bool(test(value, *rest[1:]) if test else value) is wanted:
                chosen.append(item)
        return chosen

    return choose


def _json(value: Any, indent: int | None = None) -> str:
    return to_json(value, None if not indent else number(indent, "the indent", 0, 8))


def _url_encoded(value: Any) -> str:
    """Return the text percent-encoded once: within an address the place itself encodes what is put there."""
    in_address = current().style.name.startswith("url_")
    if isinstance(value, Mapping):
        pairs = [f"{quote_plus(_sendable(key))}={quote_plus(_sendable(item))}" for key, item in _items(value)]
        made = "&".join(pairs)
        return Markup(made) if in_address else made  # noqa: S704 - encoded, so it holds nothing to escape
    return _sendable(value) if in_address else quote(_sendable(value), safe="/")


def _sendable(value: Any) -> str:
    made = sendable(cut(text(value)))
    current().grow(12 * len(made))  # %F0%9F%98%80
    return made


def _range(*bounds: int) -> list[int]:
    span = range(*(number(bound, "the bounds of range", -(10**12), 10**12) for bound in bounds))
    if len(span) > MAX_RANGE:
        raise TemplateError(f"range goes up to {MAX_RANGE:,} numbers")
    current().spend(len(span) + 1)
    return list(span)


def _dict(*pairs: Any, **named: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for of in pairs:
        found = _items(of) if isinstance(of, Mapping) else items(of)
        current().spend(len(found) + 1)
        for pair in found:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise TemplateError("dict takes names and values, or pairs")
            made[scalar(pair[0])] = pair[1]
    return {**made, **named}


def _namespace(*pairs: Any, **named: Any) -> Namespace:
    return Namespace(_dict(*pairs, **named))


_CONSTANT = frozenset("e escape default d length count first last string".split())  # noqa: SIM905
"""Filters that do not go through what they are given."""

FILTERS = paying(
    {
        **texts.FILTERS,
        "format": lambda pattern, *args, **kwargs: texts.formatted(text(pattern), *args, **kwargs),
        "wordcount": lambda of: len(texts.split(text(of))),
        "e": lambda value: value,
        "escape": lambda value: value,
        "string": _string,
        "urlencode": _url_encoded,
        "tojson": _json,
        "length": _length,
        "count": _length,
        "first": lambda of: _end(of, 0),
        "last": lambda of: _end(of, -1),
        "list": _list,
        "items": _items,
        "sort": _sort,
        "dictsort": _dictsort,
        "unique": _unique,
        "groupby": _groupby,
        "min": _extreme(min),
        "max": _extreme(max),
        "sum": _sum,
        "batch": _batch,
        "slice": _slice,
        "join": _join,
        "reverse": _reverse,
        "map": _map,
        "select": _choosing(True, False),
        "reject": _choosing(False, False),
        "selectattr": _choosing(True, True),
        "rejectattr": _choosing(False, True),
        "default": _default,
        "d": _default,
        "int": _int,
        "float": _float,
        "bool": flag,
        "abs": lambda value: abs(OPERATORS["+"](value, 0)),
        "round": _round,
        "filesizeformat": _size,
        "attributes": attributes,
        "by_type": by_type,
        **analyst.FILTERS,
        **questions.FILTERS,
    },
    _CONSTANT,
)
_OF_FUNCTIONS = frozenset({"map", "select", "reject", "selectattr", "rejectattr", "sum", "default", "d"})
FUNCTIONS = paying({"range": _range, "dict": _dict, "namespace": _namespace, "now": moments.now})
