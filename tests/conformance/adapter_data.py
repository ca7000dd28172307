"""The data side of the engine, in the terms of the recorded cases: hash paths, conditions, names, the core format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import conditions, coreformat, inflector, profiles, triggers

Case = dict[str, Any]


def evaluate(op: str, case: Case) -> dict[str, Any] | None:
    """What we make of the case, as {"value": …} or {"exception": …}; None for an operation of another part."""
    if op not in OPERATIONS:
        return None
    try:
        return {"value": php.canonical(OPERATIONS[op](php.canonical(case)))}
    except PhpCrash as crash:
        return {"exception": {"class": crash.kind, "message": crash.message}}
    except InputError as error:  # a trigger that nobody knows: PHP calls a method on null
        return {"exception": {"class": "Error", "message": str(error)}}


def _inflect(case: Case) -> dict[str, Any]:
    text = case["string"]
    return {
        "underscore": inflector.underscore(text),
        "slug": inflector.slug(text),
        "humanize": inflector.humanize(text),
        "slug_underscore": inflector.param_id(text),
        "variable": _bytes_as_hex(inflector.variable(text)),
        "module_id": inflector.module_id(text),
        "param": inflector.param(text, {"type": case["type"], "value": "v"}),
    }


def _bytes_as_hex(text: str) -> Any:
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"hex": text.encode("utf-8", "surrogateescape").hex()}
    return text


def _misp(case: Case) -> profiles.Profile:
    return profiles.profile(case.get("misp_version", profiles.OLDEST).split()[0])


OPERATIONS: dict[str, Callable[[Case], Any]] = {
    "hash_extract": lambda case: hashpath.extract(case["data"], case["path"]),
    "hash_get": lambda case: hashpath.get(case["data"], case["path"], case.get("default")),
    "hash_insert": lambda case: hashpath.insert(case["data"], case["path"], case.get("values")),
    "extract_data": lambda case: conditions.extract_data(case["data"], case["path"]),
    "condition": lambda case: conditions.holds(case["data"], case["operator"], case["value"], _misp(case)),
    "items": lambda case: conditions.matching(
        case["items"], case["value"], case["operator"], case["path"], _misp(case)
    ),
    "inflect": _inflect,
    "convert": lambda case: coreformat.convert(case["data"], case.get("scope"), case.get("world") or {}, _misp(case)),
    "normalize_trigger": lambda case: triggers.normalize(
        case["trigger"], case["data"], case.get("world") or {}, _misp(case)
    ),
}
