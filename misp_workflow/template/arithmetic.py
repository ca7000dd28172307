"""Operators within bounds: no number, text or list grows beyond what the account allows."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from misp_workflow.errors import TemplateError
from misp_workflow.template import texts
from misp_workflow.template.limits import MAX_BITS, current, small


def _numbers(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def reckon(left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, int):
                small(value)
        made = function(left, right)
        return small(made) if isinstance(made, int) else made

    return reckon


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        current().spend(len(left) + len(right))
        return [*left, *right]
    if isinstance(left, str) and isinstance(right, str):
        return texts.together((left, right))
    return _numbers(operator.add)(left, right)


def _multiply(left: Any, right: Any) -> Any:
    for value, times in ((left, right), (right, left)):
        if isinstance(value, (str, list, tuple)) and isinstance(times, int):
            run = current()
            run.grow(len(value) * max(times, 0))
            if not isinstance(value, str):
                run.spend(len(value) * max(times, 1))
                return list(value) * times
            return str(value) * times
    return _numbers(operator.mul)(left, right)


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and max(left.bit_length(), 1) * abs(right) > MAX_BITS:
        raise TemplateError("this power is too large a number")
    made = _numbers(operator.pow)(left, right)
    if isinstance(made, complex):
        raise TemplateError("this power is no real number")
    return made


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        return texts.formatted(str(left), *(right if isinstance(right, tuple) else (right,)))
    return _numbers(operator.mod)(left, right)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _numbers(operator.sub),
    "*": _multiply,
    "/": _numbers(operator.truediv),
    "//": _numbers(operator.floordiv),
    "**": _power,
    "%": _remainder,
}
