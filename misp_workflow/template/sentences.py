"""From whatever a template ran into to one sentence for its author."""

from __future__ import annotations

import re
from types import TracebackType

from jinja2 import Template, TemplateSyntaxError, UndefinedError

from misp_workflow.errors import TemplateError
from misp_workflow.template.grammar import at
from misp_workflow.template.style import visible

MAX_SENTENCE = 300
FILE = "<template>"  # what Jinja calls code that comes from no file

_PYTHON = re.compile(r"^[\w.<>]*\(\) ")
_TYPES = {
    "NoneType": "nothing (null)",
    "'str'": "text",
    "'int'": "number",
    "'float'": "number",
    "'dict'": "object",
    "'Attributes'": "list",
}


def told(error: BaseException) -> str:
    """Return what went wrong, the template's line before it when there is one."""
    if isinstance(error, TemplateSyntaxError):
        return at(error.lineno, _clean(error.message or "this cannot be read"))
    sentence = _sentence(error)
    if re.match(r"line \d+: ", sentence):
        return sentence
    line = _line(error.__traceback__)
    return at(line, sentence) if line else sentence


def _sentence(error: BaseException) -> str:
    if isinstance(error, (TemplateError, UndefinedError)):
        return _clean(str(error))
    if isinstance(error, RecursionError):
        return "the template or a value in it is nested too deeply"
    if isinstance(error, MemoryError):
        return "the template needs too much memory"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, OverflowError):
        return "a number is too large"
    if isinstance(error, SyntaxError):  # of the code made from it, which is too deep, or names something twice
        return "the template is nested too deeply"
    if isinstance(error, TypeError):
        return _of_type(str(error))
    if isinstance(error, (ValueError, LookupError)):
        return _clean(f"this value cannot be used ({error})")
    return f"the template failed ({type(error).__name__})"


def _of_type(message: str) -> str:
    called = _PYTHON.sub("", message)
    if called != message:
        return "a filter or function is not given the values that it takes"
    for python, ours in _TYPES.items():
        message = message.replace(python, ours)
    return _clean(f"these kinds of values do not go together ({message})")


def _clean(message: str) -> str:
    made = " ".join(visible(message).split())
    return made if len(made) <= MAX_SENTENCE else made[: MAX_SENTENCE - 1] + "…"


def _line(traceback: TracebackType | None) -> int | None:
    """Return the innermost line of the template that was being worked on."""
    line = None
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename == FILE:
            template = frame.f_globals.get("__jinja_template__")
            if isinstance(template, Template):
                line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line
