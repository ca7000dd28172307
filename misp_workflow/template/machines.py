"""Styles for places that machines read: a value can never end its field, its line or its string there.

Nothing is defanged: a machine needs the value as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined

from misp_workflow.errors import TemplateError
from misp_workflow.template.limits import current
from misp_workflow.template.style import Style, sendable, visible
from misp_workflow.template.values import JsonText, text, to_json

_CEF_HEADER = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": " "})
_CEF_EXTENSION = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n"})
_PARAM_VALUE = str.maketrans({"\\": "\\\\", '"': '\\"', "]": "\\]", "\n": " "})
_CELL = re.compile(r'[",;|\t\n]|^\s|\s$')
_FORMULA = re.compile(r"\s*[=+\-@\t＝＋－＠]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?")


def _line(value: str) -> str:
    return visible(value).replace("\n", " ").replace("\t", " ")


def _cef_header(value: str) -> str:
    # ArcSight Common Event Format, "Character Encoding": \ and | in the header, \ and = in the extension; line breaks
    # only in extension values, written \n.
    return visible(value).translate(_CEF_HEADER)


def _cef_extension(value: str) -> str:
    return visible(value).translate(_CEF_EXTENSION)


def _param_value(value: str) -> str:
    return visible(value).translate(_PARAM_VALUE)  # https://www.rfc-editor.org/rfc/rfc5424#section-6.3.3


def _cell(value: str) -> str:
    # Quoting as in RFC 4180; the apostrophe keeps a spreadsheet from computing the cell
    # (https://owasp.org/www-community/attacks/CSV_Injection).
    value = visible(value)
    if _FORMULA.match(value) and not _PLAIN_NUMBER.fullmatch(value):
        value = "'" + value
    return '"' + value.replace('"', '""') + '"' if _CELL.search(value) else value


def _query(value: str) -> str:
    return quote(sendable(value), safe="")


def _segment(value: str) -> str:
    if value and not value.strip("."):
        return "%252E" * len(value)  # clients and servers resolve "..", and "%2E%2E" too
    return _query(value)


def _level(signs: str) -> Callable[[str], str]:
    """Return what keeps a value to one level of a topic in which these signs separate, or stand for any."""
    table = {ord(sign): f"%{ord(sign):02X}" for sign in f"%{signs}"}
    return lambda value: _line(value).translate(table)


class _Json(Style):
    """The whole text is a JSON document. A value inside quotes continues the string there; outside, it is a value.

    Where a value stands is known only when everything is put together, so values travel between two marks until then.
    """

    def emit(self, value: Any) -> str:
        if isinstance(value, Undefined):
            return text(value)  # nothing, where a condition has no else
        made = value if isinstance(value, JsonText) else to_json(value)
        return _OPEN + sendable(made).replace(_OPEN, "\ufffd").replace(_CLOSE, "\ufffd") + _CLOSE

    def unfinished(self, made: str) -> str:
        return _VALUE.sub(lambda match: _inside(match[1], bare=True), made)

    def finish(self, made: str) -> str:
        own, *rest = sendable(made).split(_OPEN)
        pieces = [own]
        frame = [own]  # the same with every value as small as it can be: JSON if and only if the whole is
        within = _goes_on(own, False, last=not rest)
        for place, piece in enumerate(rest, 1):
            value, _, own = piece.partition(_CLOSE)
            pieces += (_inside(value) if within else value, own)
            frame += ("" if within else '""' if value.startswith('"') else "null", own)
            within = _goes_on(own, within, last=place == len(rest))
        whole = "".join(frame)
        current().spend(sum(map(whole.count, "[{,:")))  # what there will be an object in memory for
        try:
            json.loads(whole, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno} of that text"
            raise TemplateError(f"the text that the template makes is not JSON ({where}: {error.msg})") from None
        return "".join(pieces)


def _goes_on(piece: str, within: bool, last: bool) -> bool:
    """Return whether the template's own text ends inside a string, having begun inside one or not."""
    current().spend(piece.count('"') + piece.count("\\"))
    for match in _QUOTES.finditer(piece):
        if match[0] == '"':
            within = not within
        elif within and len(match[0]) == 1 and not last:
            raise TemplateError("a backslash stands right before a value in a JSON string")
    return within


def _inside(made: str, bare: bool = False) -> str:
    """Return the JSON of a value as part of a JSON string, or as the bare text that it says."""
    says: str = json.loads(made) if made.startswith('"') else made
    return says if bare else json.dumps(says, ensure_ascii=False)[1:-1]


def _no_constant(name: str) -> Any:
    raise TemplateError(f"the text that the template makes is not JSON: it holds {name}")


_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # no characters, so no text that is meant holds them
_VALUE = re.compile("\ufdd0([^\ufdd1]*)\ufdd1")
_QUOTES = re.compile(r'\\.?|"', re.DOTALL)

MACHINES = (
    Style("text", visible),
    Style("header", _line),
    Style("line", _line),
    Style("url", _segment),
    Style("url_path", _segment),
    Style("url_query", _query),
    Style("cef_header", _cef_header),
    Style("cef", _cef_extension),
    Style("rfc5424", _param_value),
    Style("mqtt", _level("/+#")),
    Style("nats", _level(".*> ")),
    Style("amqp", _level(".*#")),
    Style("csv", _cell),
    _Json("json", str),
)
