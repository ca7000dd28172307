"""From a template's source to code that is kept: parsed, checked, prepared, compiled once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

import jinja2
from jinja2 import Template, nodes
from jinja2.parser import Parser

from misp_workflow.errors import TemplateError
from misp_workflow.template.grammar import MAX_SOURCE, at, decision, prepare
from misp_workflow.template.limits import MAX_STEPS, Run
from misp_workflow.template.people import PEOPLE
from misp_workflow.template.sandbox import Sandbox
from misp_workflow.template.style import sendable

CACHED = 256
"""Compiled templates that are kept."""

CACHED_LARGE = 8
"""Those of them that are kept of more than LARGE characters: compiled, one may take megabytes."""
LARGE = 5_000

SANDBOX = Sandbox()

_BRACED = re.compile(r"(\s*)\{\{(.*)\}\}\s*", re.DOTALL)
_TRIAL = """{% macro m(y) %}{{ y }}{{ caller() if caller is defined }}{% endmacro %}{% set z %}{{ x }}{% endset %}
{{- x }}{{ m(x) }}{{ x ~ z }}{% filter trim %}{{ x }}{% endfilter %}{% call m(x) %}{{ x }}{% endcall %}
{%- for y in x[0:1] if y == "<" %}{{ y }}{% endfor %}"""
_SAYS = 8 * "&lt;"


@dataclass(frozen=True)
class Compiled:
    """A template's code, the names that it sets itself (loop variables, macros, set), and those that it reads.

    `fields` are the fields that it reads by a name, "event.info".
    """

    template: Template
    names: frozenset[str]
    asks: frozenset[str]
    fields: frozenset[str]


def compiled_once(source: str, expression: bool) -> Compiled:
    """Return the code of a template, or of a condition, made now or kept from before; TemplateError names the line."""
    if not isinstance(source, str):
        raise TemplateError("a template is a text")
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"the template has more than {MAX_SOURCE:,} characters")
    if not _intact():
        raise TemplateError(f"templates do not work safely with Jinja {jinja2.__version__}; install another version")
    return (_compile_large if len(source) > LARGE else _compile_small)(source, expression)


def _compile(source: str, expression: bool) -> Compiled:
    source = sendable(source).replace("\ufdd0", "\ufffd").replace("\ufdd1", "\ufffd")
    parser = Parser(SANDBOX, _bare(source), state="variable") if expression else Parser(SANDBOX, source)
    try:
        tree = _expression(parser) if expression else parser.parse()
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise TemplateError(at(parser.stream.current.lineno, "a number is too long")) from None
    except RecursionError:
        raise TemplateError(at(parser.stream.current.lineno, "the template is nested too deeply")) from None
    return _built(tree, expression)


def _built(tree: nodes.Template, expression: bool = False) -> Compiled:
    names = prepare(tree, SANDBOX.filters, SANDBOX.tests, expression)
    asks = frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
    fields = (node for node in tree.find_all(nodes.Getattr) if isinstance(node.node, nodes.Name))
    named = frozenset(f"{node.node.name}.{node.attr}" for node in fields if isinstance(node.node, nodes.Name))
    code: CodeType = SANDBOX.compile(tree)
    return Compiled(Template.from_code(SANDBOX, code, SANDBOX.globals), names, asks, named)


_compile_small = lru_cache(maxsize=CACHED)(_compile)
_compile_large = lru_cache(maxsize=CACHED_LARGE)(_compile)


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
    return decision(parsed).set_environment(SANDBOX)  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _intact() -> bool:
    """Return whether escaping and accounting hold with the Jinja that is installed.

    Both hang on how Jinja writes its code. A version that writes it otherwise must not silently put raw text out.
    """
    run = Run(next(style for style in PEOPLE if style.name == "html"))
    try:
        with run:
            template = _built(Parser(SANDBOX, _TRIAL).parse()).template
            made = "".join(template.root_render_func(template.new_context({"x": "<"})))
    except Exception:
        return False
    return made == _SAYS and run.steps < MAX_STEPS - len(_SAYS)
