"""Templates: text with values of an event in it, made safe for the place where it goes.

    render("{{ event.info }}: {{ attributes(to_ids=true)|length }} indicators", context, "slack")
    condition("event.threat_level_id|int == 1 and 'tlp:red' not in tags", context)
    check("{% if %}")            TemplateError: line 1: …

Jinja's language, in one sandbox that only knows plain data. Three things differ, for safety:

- What a variable gives is escaped for its place by the environment, whatever the author writes; there is no way round.
- A name that does not exist is an error, which says what might have been meant.
- Work is bounded (`limits`): a template can be slow or large only so far, then it is an error as well.

A template may come from a stranger, and so may every value: all that ever comes out of here is text or a TemplateError,
one sentence that names the template's line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

from jinja2 import Template, nodes
from jinja2.parser import Parser

from misp_workflow.errors import TemplateError
from misp_workflow.template.attributes import Attributes
from misp_workflow.template.grammar import MAX_SOURCE, at, decision, nearest, prepare
from misp_workflow.template.limits import CURRENT, Run
from misp_workflow.template.machines import MACHINES
from misp_workflow.template.people import PEOPLE
from misp_workflow.template.sandbox import Sandbox
from misp_workflow.template.sentences import told
from misp_workflow.template.style import Style, sendable
from misp_workflow.template.values import Live

__all__ = ["STYLES", "Live", "check", "condition", "render"]

STYLES: Mapping[str, Style] = {style.name: style for style in (*PEOPLE, *MACHINES)}
"""Where text can go, by name; the docs have a table of what each does."""

CACHED = 256
"""Compiled templates that are kept."""

_SANDBOX = Sandbox()
_BRACED = re.compile(r"(\s*)\{\{(.*)\}\}\s*", re.DOTALL)


@dataclass(frozen=True)
class _Compiled:
    template: Template
    names: frozenset[str]
    """What the template sets itself: loop variables, macros, set."""


def render(source: str, context: Mapping[str, Any], style: str = "plain") -> str:
    """Return the template's text, each value escaped for `style`, a name in STYLES.

    `context` maps names to plain data. "attributes", when it is a list, can also be called to choose from it; a Live
    text is the caller's own and stays a link. Raises TemplateError and nothing else.
    """
    with _told():
        run = Run(_style(style))
        compiled = _compiled(source, False)
        names = _prepared(context)
        with _accounted(run, names, compiled):
            made = "".join(compiled.template.root_render_func(compiled.template.new_context(names)))
            text: str = run.style.finish(made)
            return text


def condition(expression: str, context: Mapping[str, Any]) -> bool:
    """Return whether a Jinja expression (without {{ }}, or with) is true on this data.

    As MISP writes flags as text, "", "0", "false", "no" and "off" are not true. Raises TemplateError and nothing else:
    a condition that cannot be decided is neither true nor false.
    """
    with _told():
        run = Run(STYLES["text"])
        compiled = _compiled(expression, True)
        names = _prepared(context)
        with _accounted(run, names, compiled):
            decided = compiled.template.new_context(names)
            for _ in compiled.template.root_render_func(decided):
                pass
            return decided.vars["result"] is True


def check(source: str) -> None:
    """Raise TemplateError, the line included, when the template cannot be used whatever the data."""
    with _told():
        _compiled(source, False)


def _style(name: str) -> Style:
    style = STYLES.get(name) if isinstance(name, str) else None
    if style is None:
        raise TemplateError(f"there is no style '{name}' to render for" + nearest(str(name), STYLES))
    return style


def _compiled(source: str, expression: bool) -> _Compiled:
    if not isinstance(source, str):
        raise TemplateError("a template is a text")
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"the template has more than {MAX_SOURCE:,} characters")
    return _compile(source, expression)


@lru_cache(maxsize=CACHED)
def _compile(source: str, expression: bool) -> _Compiled:
    source = sendable(source).replace("\ufdd0", "\ufffd").replace("\ufdd1", "\ufffd")
    parser = Parser(_SANDBOX, _bare(source), state="variable") if expression else Parser(_SANDBOX, source)
    try:
        tree = _expression(parser) if expression else parser.parse()
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise TemplateError(at(parser.stream.current.lineno, "a number is too long")) from None
    except RecursionError:
        raise TemplateError(at(parser.stream.current.lineno, "the template is nested too deeply")) from None
    names = prepare(tree, _SANDBOX.filters, _SANDBOX.tests, expression)
    code: CodeType = _SANDBOX.compile(tree)
    return _Compiled(Template.from_code(_SANDBOX, code, _SANDBOX.globals), names)


def _bare(expression: str) -> str:
    """Return the expression without the {{ }} that many write around it."""
    braced = _BRACED.fullmatch(expression)
    bare = braced[1] + braced[2] if braced else expression
    if not bare.strip():
        raise TemplateError("the condition is empty")
    return bare


def _expression(parser: Parser) -> nodes.Template:
    """Return a template that sets `result` to the expression."""
    parsed = parser.parse_expression()
    if not parser.stream.eos:
        sentence = "the condition goes on where it should end; is an operator missing?"
        raise TemplateError(at(parser.stream.current.lineno, sentence))
    return decision(parsed).set_environment(_SANDBOX)  # type: ignore[return-value]


def _prepared(context: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: value for name, value in dict(context).items() if isinstance(name, str)}
    attributes = names.get("attributes")
    if isinstance(attributes, (list, tuple)):
        names["attributes"] = Attributes(attributes)
    return names


@contextmanager
def _accounted(run: Run, names: Mapping[str, Any], compiled: _Compiled) -> Iterator[None]:
    run.names = lambda: {*names, *compiled.names, *_SANDBOX.globals}
    token = CURRENT.set(run)
    try:
        yield
    finally:
        CURRENT.reset(token)


@contextmanager
def _told() -> Iterator[None]:
    """Turn whatever goes wrong into one sentence."""
    try:
        yield
    except Exception as error:
        raise TemplateError(told(error)) from None
