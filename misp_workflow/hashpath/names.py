"""Hash paths of names only: reading, inserting and removing at one place. What is given is never changed."""

from __future__ import annotations

from typing import Any

from misp_workflow import php
from misp_workflow.hashpath.tokens import MISSING


def walk(data: Any, names: list[Any], default: Any) -> Any:
    """The value under these keys, one in the other; the default where one is missing or null."""
    for name in names:
        if type(data) is dict:
            data = data.get(name if isinstance(name, str) else php.array_key(name))
        elif type(data) is list:
            data = php.item(data, name if isinstance(name, str) else php.array_key(name))
        else:
            return default
        if data is None:
            return default
    return data


def insert_at(data: Any, names: list[str], value: Any) -> Any:
    """New data with the value there; what is missing on the way is made, what is no array is replaced by one."""
    containers = [data]
    for key in names[:-1]:
        inner = php.item(containers[-1], key)
        containers.append(inner if php.is_array(inner) else [])
    for key, container in zip(reversed(names), reversed(containers), strict=True):
        value = with_pair(container, key, value)
    return value


def remove_at(data: Any, names: list[str]) -> Any:
    """New data without the value there."""
    keys = list(names)
    containers = [data]
    for key in keys[:-1]:
        inner = php.item(containers[-1], key)
        if not php.is_array(inner):
            return data
        containers.append(inner)
    left = replaced(containers.pop(), {keys.pop(): MISSING})
    for key, container in zip(reversed(keys), reversed(containers), strict=True):
        left = with_pair(container, key, left)
    return left


def with_pair(array: Any, key: str, value: Any) -> Any:
    """A copy of the array with one pair set."""
    if isinstance(array, dict):
        return php.from_pairs({**array, key: value})
    position = php.int_key(key)
    if position is not None and 0 <= position <= len(array):
        return [*array[:position], value, *array[position + 1 :]]
    return {**dict(php.pairs(array)), key: value}


def replaced(array: Any, changed: dict[str, Any]) -> Any:
    """A copy of the array with some values changed, or taken out where they are MISSING."""
    if not changed:
        return array
    kept = {key: entry for key, old in php.pairs(array) if (entry := changed.get(key, old)) is not MISSING}
    return php.from_pairs(kept)
