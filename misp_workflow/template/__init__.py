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

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from misp_workflow.errors import LateError, TemplateError
from misp_workflow.template.attributes import Attributes
from misp_workflow.template.compiling import SANDBOX, Compiled, compiled_once
from misp_workflow.template.grammar import nearest
from misp_workflow.template.limits import Run
from misp_workflow.template.machines import MACHINES
from misp_workflow.template.people import PEOPLE
from misp_workflow.template.sandbox import put_out
from misp_workflow.template.sentences import told
from misp_workflow.template.style import Style
from misp_workflow.template.values import Live

__all__ = ["STYLES", "Live", "check", "condition", "reads", "render", "said"]

STYLES: Mapping[str, Style] = {style.name: style for style in (*PEOPLE, *MACHINES)}
"""Where text can go, by name; the docs have a table of what each does."""


Given = ParamSpec("Given")
Made = TypeVar("Made")


def _telling(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """Turn whatever goes wrong into one sentence."""

    @wraps(work)
    def telling(*args: Given.args, **options: Given.kwargs) -> Made:
        try:
            return work(*args, **options)
        except LateError:
            raise
        except Exception as error:
            raise TemplateError(told(error)) from None

    return telling


@_telling
def render(source: str, context: Mapping[str, Any], style: str = "plain") -> str:
    """Return the template's text, each value escaped for `style`, a name in STYLES.

    `context` maps names to plain data. "attributes", when it is a list, can also be called to choose from it; a Live
    text is the caller's own and stays a link. Raises TemplateError and nothing else.
    """
    look = _style(style)
    compiled = compiled_once(source, False)
    names = _prepared(context, compiled)
    with _account(look, context, compiled):
        made = "".join(compiled.template.root_render_func(compiled.template.new_context(names)))
        return look.finish(made)


@_telling
def said(value: Any, style: str = "plain") -> str:
    """Return what the template "{{ value }}" gives, without the trouble of one."""
    look = _style(style)
    with Run(look):
        return look.finish(put_out(look, value))


@_telling
def condition(expression: str, context: Mapping[str, Any]) -> bool:
    """Return whether a Jinja expression (without {{ }}, or with) is true on this data.

    As MISP writes flags as text, "", "0", "false", "no" and "off" are not true. Raises TemplateError and nothing else:
    a condition that cannot be decided is neither true nor false.
    """
    compiled = compiled_once(expression, True)
    names = _prepared(context, compiled)
    with _account(STYLES["text"], context, compiled):
        decided = compiled.template.new_context(names)
        for _ in compiled.template.root_render_func(decided):
            pass
        return decided.vars["result"] is True


@_telling
def check(source: str) -> None:
    """Raise TemplateError, the line included, when the template cannot be used whatever the data."""
    compiled_once(source, False)


@_telling
def reads(source: str, deciding: bool = False) -> frozenset[str]:
    """Return the names that a template (`deciding`: a condition) reads of its context: "event", "event.info".

    Raises TemplateError, the line included, when it cannot be used whatever the data.
    """
    compiled = compiled_once(source, deciding)
    own = compiled.names | SANDBOX.globals.keys()
    fields = (field for field in compiled.fields if field.partition(".")[0] not in own)
    return frozenset({*(compiled.asks - own), *fields})


def _style(name: str) -> Style:
    style = STYLES.get(name) if isinstance(name, str) else None
    if style is None:
        raise TemplateError(f"there is no style '{name}' to render for" + nearest(str(name), STYLES))
    return style


def _prepared(context: Mapping[str, Any], compiled: Compiled) -> dict[str, Any]:
    """Return what the template asks for of the context; the rest is not even looked up."""
    if not isinstance(context, Mapping):
        raise TemplateError("a template needs names and what they stand for")
    names = {name: context[name] for name in compiled.asks if name in context}
    attributes = names.get("attributes")
    if isinstance(attributes, (list, tuple)):
        names["attributes"] = Attributes(attributes)
    return names


def _account(look: Style, context: Mapping[str, Any], compiled: Compiled) -> Run:
    run = Run(look)
    run.names = lambda: {*context, *compiled.names, *SANDBOX.globals}
    return run
