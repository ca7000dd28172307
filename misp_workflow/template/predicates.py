"""What can be asked with `is`: Jinja's tests that suit plain data, each within the account."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined

from misp_workflow.template import questions
from misp_workflow.template.arithmetic import OPERATORS
from misp_workflow.template.limits import current, paying
from misp_workflow.template.values import plain, text


def _compared(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        for value in (left, right):
            if isinstance(value, (list, tuple, dict)):
                current().measure(value)
        return bool(function(plain(left), plain(right)))

    return compare


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_CONSTANT = frozenset(
    "defined undefined none true false boolean string number integer float mapping sequence iterable".split()  # noqa: SIM905
)
"""Tests that look at no more than what kind of value it is."""

TESTS = paying(
    {
        "defined": lambda value: not isinstance(value, Undefined),
        "undefined": lambda value: isinstance(value, Undefined),
        "none": lambda value: value is None,
        "true": lambda value: value is True,
        "false": lambda value: value is False,
        "boolean": lambda value: isinstance(value, bool),
        "string": lambda value: isinstance(value, str),
        "number": _is_number,
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "float": lambda value: isinstance(value, float),
        "mapping": lambda value: isinstance(value, Mapping),
        "sequence": lambda value: isinstance(value, (str, list, tuple, Mapping)),
        "iterable": lambda value: isinstance(value, (str, list, tuple, Mapping)),
        "even": lambda value: OPERATORS["%"](value, 2) == 0,
        "odd": lambda value: OPERATORS["%"](value, 2) == 1,
        "divisibleby": lambda value, by: OPERATORS["%"](value, by) == 0,
        "lower": lambda value: text(value).islower(),
        "upper": lambda value: text(value).isupper(),
        "in": _compared(lambda value, of: value in of),
        **{
            name: _compared(function)
            for names, function in (
                ("eq equalto ==", operator.eq),
                ("ne !=", operator.ne),
                ("lt lessthan <", operator.lt),
                ("le <=", operator.le),
                ("gt greaterthan >", operator.gt),
                ("ge >=", operator.ge),
            )
            for name in names.split()
        },
        **questions.TESTS,
    },
    _CONSTANT,
)
