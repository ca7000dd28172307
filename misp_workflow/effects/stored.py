"""Effects as JSON, for whoever keeps them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from misp_workflow.effects.base import Effect, Json
from misp_workflow.effects.case import Case
from misp_workflow.effects.kinds import (
    Batch,
    Bulk,
    Command,
    FileUpdate,
    Mail,
    Messages,
    MispChange,
    Notification,
    Post,
    Record,
)
from misp_workflow.effects.push import EventPush

AnyEffect = TypeVar("AnyEffect", bound=Effect)

_KINDS = (Post, Mail, Notification, MispChange, Record, FileUpdate, Batch, Bulk, Messages, Case, Command, EventPush)
KINDS: dict[str, type[Effect]] = {kind.kind: kind for kind in _KINDS}


def addressed(effect: AnyEffect, label: str, destination: str, secrets: tuple[str, ...]) -> AnyEffect:
    """Return the effect with these; as `dataclasses.replace` would, without asking for every other field."""
    made = object.__new__(type(effect))
    vars(made).update(vars(effect), label=label, destination=destination, secrets=secrets)
    return made


def to_json(effect: Effect) -> dict[str, Json]:
    """Return the effect as a plain dict, its kind under "kind"; fields that hold their default are left out."""
    given = vars(effect)
    return {"kind": effect.kind} | {
        name: value for name, default in _defaults(effect.kind) if (value := given[name]) != default
    }


def from_json(values: Mapping[str, Json]) -> Effect:
    """Return the effect that `to_json` made `values` of; KeyError or TypeError when it is of no known kind."""
    given: dict[str, Any] = {name: value for name, value in values.items() if name != "kind"}
    for name in _tuples(values["kind"]) & given.keys():
        given[name] = None if given[name] is None else tuple(given[name])
    return KINDS[values["kind"]](**given)


@cache
def _defaults(kind: str) -> list[tuple[str, Any]]:
    """Return the fields of a kind of effect, each with the value that goes without saying."""
    made = ((item, item.default_factory) for item in dataclasses.fields(KINDS[kind]))
    return [(item.name, item.default if make is dataclasses.MISSING else make()) for item, make in made]


@cache
def _tuples(kind: str) -> frozenset[str]:
    """Return the fields of a kind of effect that JSON has as lists."""
    return frozenset(item.name for item in dataclasses.fields(KINDS[kind]) if str(item.type).startswith("tuple"))
