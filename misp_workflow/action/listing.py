"""The items of a list as people write it into one field: on lines, with commas, as JSON, with comments."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from misp_workflow.errors import ParameterError
from misp_workflow.event import is_expression
from misp_workflow.settings.table import EXPRESSION

_MAILBOXES = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>\n]*>|[^,;，；、\n])+')
"""Each of several mailboxes: between commas, semicolons and line ends that stand in no quoted name."""
_INNER = r'"[^"\n]*"(?![^\s,;，；、])'  # a pattern may have one quote: actor="APT*, actor="FIN*
_TAGS = re.compile(rf"(?:{_INNER}|[^,;，；、\n])+")
_LINES_OF_TAGS = re.compile(rf"(?:{_INNER}|(?![,;，；、]\s*[\w*?.-]+:)[^\n])+")
"""The same for tags; where they stand on several lines, a comma counts before a further namespace only."""
_NAMES = re.compile(rf"(?:{_INNER}|[^,\n])+")
_WORDS = re.compile(r"named pipe(?![^\s,;，；、])|[^\s,;，；、]+")  # the one type of MISP with a space in it
_ITEMS = {"email": _MAILBOXES, "tag": _TAGS, "word": _WORDS, "domain": _WORDS, "name": _NAMES}
_QUOTED = re.compile(r"""(["'])([^"']+)\1""")
_BULLET = re.compile(r"^[ \t]*-[ \t]+(?=\S)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#(?:[ \t#].*)?$", re.MULTILINE)  # "#soc" may be a name
_BRACKETS = re.compile(
    r"""\s*(?:\[\s*["'].*|\[(?:[^\[\]]*,[^\[\]]*|[\s\d]*)\]\s*|\{\s*["'].*|.*["']\s*\]\s*)""", re.DOTALL
)
"""What was meant as JSON, whole or not. "[a-z]*" is a pattern, and "[P1], [P2]" two names."""


def items(name: str, given: str, each: str) -> list[str]:
    """Return the items of the list that stands in the parameter `name`; `each` is what one is, see `params`.

    ParameterError for broken JSON, which would become items that nothing ever is.
    """
    if _BRACKETS.fullmatch(given):
        return _bracketed(name, given)
    given = _BULLET.sub("", _COMMENT.sub("", given.replace("\r\n", "\n")))
    parts = _LINES_OF_TAGS if each == "tag" and "\n" in given.strip() else _ITEMS.get(each, _NAMES)
    # of other names, a line is one: "Acme, Inc." may be the only one
    return given.splitlines() if parts is _NAMES and "\n" in given else parts.findall(given)


def _bracketed(name: str, given: str) -> list[str]:
    with contextlib.suppress(ValueError):
        found = json.loads(given)
        if isinstance(found, list) and all(type(item) in (str, int, float) for item in found):
            return [str(item) for item in found]
    raise ParameterError(
        f"Parameter '{name}' has brackets as in JSON, but is no list of it: write each item on a line of its own."
    )


def bare(item: str) -> str:
    """Return an item without separators and quotes around it."""
    item = item.strip(" ,;")
    quoted = _QUOTED.fullmatch(item)
    return quoted[2] if quoted else item


def name(name: str, spec: Mapping[str, Any], item: str) -> str:
    """Return the item, bare."""
    return bare(item)


def pattern(name: str, spec: Mapping[str, Any], item: str) -> str:
    """Return the item, bare; ParameterError for a regular expression, which nothing ever is."""
    found = bare(item)
    if is_expression(found):
        raise ParameterError(f"Parameter '{name}': '{found[:60]}' {EXPRESSION}.")
    return found


def word(name: str, spec: Mapping[str, Any], item: str) -> str:
    """Return the pattern that has no space; ParameterError for what begins a comment, whose words would follow."""
    found = pattern(name, spec, item)
    if found.startswith("#"):
        why = "a comment stands on a line of its own, with a space after the '#'"
        raise ParameterError(f"Parameter '{name}': '{found}' begins with '#': {why}.")
    return found
