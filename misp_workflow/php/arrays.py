"""PHP's one array type on Python's two. Source: the PHP manual, "Arrays"."""

from __future__ import annotations

import re
from collections.abc import Collection, ItemsView, Iterable, Iterator, Sequence
from typing import Any

from misp_workflow.errors import PhpCrash, RunnerError
from misp_workflow.php.scalars import INT_MAX, INT_MIN, to_int, type_name

TOO_DEEP = "The data is nested too deep to be compared; MISP itself reads no JSON beyond 512 levels."

_CANONICAL_INT = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z")


class EmptyObject(dict[str, Any]):
    """An object of PHP without properties, which JSON shows as `{}`; an array without entries is `[]` there."""


EMPTY_OBJECT = EmptyObject()


def is_array(value: object) -> bool:
    """Tell whether PHP would hold this value as an array."""
    return isinstance(value, (list, dict))


def require_array(value: object, where: str) -> None:
    """Crash as PHP does when `where` (say `Hash::get(): Argument #1 ($data)`) is given something else than an array."""
    if not isinstance(value, (list, dict)):
        raise PhpCrash("TypeError", f"{where} must be of type array, {type_name(value)} given")


def int_key(key: str) -> int | None:
    """The integer that PHP makes of this array key, or None when it stays a string ("5" is 5, "05" stays)."""
    if _CANONICAL_INT.match(key) is None:
        return None
    number = int(key)
    return number if INT_MIN <= number <= INT_MAX else None


def array_key(value: object) -> str:
    """The array key that PHP makes of a value, in this module's spelling (a string)."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        raise PhpCrash("TypeError", "Illegal offset type")
    return str(to_int(value))


def pairs(array: Any) -> Iterable[tuple[str, Any]]:
    """The (key, value) pairs of a PHP array, keys as strings."""
    if isinstance(array, dict):
        items: ItemsView[str, Any] = array.items()
        return items
    return _list_pairs(array)


def _list_pairs(array: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(position), item) for position, item in enumerate(array))


def values(array: Any) -> list[Any]:
    """array_values(): the values, renumbered."""
    return list(array.values()) if isinstance(array, dict) else list(array)


def each(array: Any) -> Collection[Any]:
    """The values of a PHP array to go through, without a copy."""
    found: Collection[Any] = array.values() if isinstance(array, dict) else array
    return found


def at_places(array: Any, places: list[int]) -> Any:
    """The pairs at these places (0 is the first pair), in order, with the keys that they had."""
    if len(places) == len(array):
        return array
    if isinstance(array, dict):
        entries = list(array.items())
        return from_pairs({entries[place][0]: entries[place][1] for place in places})
    if not places or places[-1] == len(places) - 1:
        return array[: len(places)]
    return dict(zip(map(str, places), map(array.__getitem__, places), strict=True))


def keys(array: Any) -> list[str]:
    """array_keys(), as strings."""
    return list(array) if isinstance(array, dict) else [str(position) for position in range(len(array))]


def is_list(array: Any) -> bool:
    """array_is_list(): keys 0, 1, 2 … in this order. Such an array is a JSON list on the wire."""
    if isinstance(array, list):
        return True
    return isinstance(array, dict) and all(key == str(position) for position, key in enumerate(array))


def from_pairs(items: dict[str, Any]) -> list[Any] | dict[str, Any]:
    """The array with these pairs: a list when the keys are those of a list, else the dict itself."""
    return list(items.values()) if is_list(items) else items


def canonical(value: Any) -> Any:
    """The same value with every list-like dict inside turned into a list. Copies; for data from outside."""
    try:
        if isinstance(value, dict):
            return from_pairs({key: canonical(entry) for key, entry in value.items()})
        return [canonical(entry) for entry in value] if isinstance(value, list) else value
    except RecursionError:
        raise RunnerError(TOO_DEEP) from None


def item(array: Any, key: str, default: Any = None) -> Any:
    """$array[$key] ?? $default, except that a null that is there is returned too."""
    if isinstance(array, dict):
        return array.get(key, default)
    position = int_key(key) if isinstance(array, list) else None
    return array[position] if position is not None and 0 <= position < len(array) else default


def to_array(value: Any) -> Any:
    """PHP's (array): null is empty, a scalar becomes a list of one."""
    if isinstance(value, (list, dict)):
        return value
    return [] if value is None else [value]


def array_merge(first: Any, second: Any) -> Any:
    """array_merge(): string keys of the second win, integer keys are renumbered."""
    if isinstance(first, list) and isinstance(second, list):
        return first + second
    merged: dict[str, Any] = {}
    position = 0
    for array in (first, second):
        for key, entry in pairs(array):
            if int_key(key) is None:
                merged[key] = entry
            else:
                merged[str(position)] = entry
                position += 1
    return from_pairs(merged)
