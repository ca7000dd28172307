"""The items of a list as people write it into one field: on lines, with commas, as JSON, with comments."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

from misp_workflow import attribute_types
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
_ITEMS = {"email": _MAILBOXES, "tag": _TAGS, "word": _WORDS, "type": _WORDS, "domain": _WORDS, "name": _NAMES}
_QUOTED = re.compile(r"""(["'])([^\s"']+="[^"]*"|(?:(?!\1).)+)\1""")
"""What stands in quotes, with the other kind within, or with the quotes of a whole tag: "acme:kind="a""."""
_BULLET = re.compile(r"^[ \t]*[-•◦▪‣·–—][ \t]+(?=\S)", re.MULTILINE)
_NUMBERED = re.compile(r"[ \t]*(?:\*|\d{1,3}[.)])[ \t]+(?=\S)")
"""A bullet where every line has one; "* red" alone is a pattern."""
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_COMMENT = re.compile(r"^[ \t]*#(?:[ \t#].*)?$", re.MULTILINE)  # "#soc" may be a name
_COMMENT_BEHIND = re.compile(r"\s#\s")
OWN_LINE = "a comment stands on a line of its own, with a space after the '#'; in quotes it is part of a name"
_TWO_TAGS = re.compile(r"\s*[\w*?.-]+:\S.*\s[\w*?.-]+:[^\s/]")
_TWO_QUOTED = re.compile(r"""(["']).*\1""")
_NO_WORD = re.compile(r"[|<>\\]")
_BRACKETS = re.compile(r"""(?:\[\s*["'].*|\[(?:[^\[\],]*,[^\[\]]*|[\s\d]*)\]|\{\s*["'].*|.*["']\s*\])""", re.DOTALL)
"""What was meant as JSON, whole or not. "[a-z]*" is a pattern, and "[P1], [P2]" two names."""


def items(name: str, given: str, each: str) -> list[str]:
    """Return the items of the list that stands in the parameter `name`; `each` is what one is, see `params`.

    ParameterError for broken JSON, which would become items that nothing ever is.
    """
    if _BRACKETS.fullmatch(given.strip()):
        return _bracketed(name, given)
    given = _BULLET.sub("", _COMMENT.sub("", _LINE_ENDS.sub("\n", given)))
    lines = [line for line in given.split("\n") if line.strip()]
    if len(lines) > 1 and all(map(_NUMBERED.match, lines)):
        given = "\n".join(_NUMBERED.sub("", line, count=1) for line in lines)
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
    """Return the item, bare; ParameterError for what nothing ever is: a regular expression, a comment behind it."""
    found, unquoted = bare(item), _QUOTED.sub("", item)
    if _COMMENT_BEHIND.search(unquoted):
        raise ParameterError(f"Parameter '{name}': '{found[:60]}' ends in a comment: {OWN_LINE}.")
    if _TWO_TAGS.match(unquoted) or _TWO_QUOTED.fullmatch(found):
        why = "write each on a line of its own, and one that is a single name in quotes"
        raise ParameterError(f"Parameter '{name}': '{found[:60]}' looks like two in one: {why}.")
    if is_expression(found):
        raise ParameterError(f"Parameter '{name}': '{found[:60]}' {EXPRESSION}.")
    return found


def word(name: str, spec: Mapping[str, Any], item: str) -> str:
    """Return the pattern that has no space; ParameterError for what begins a comment, whose words would follow, and
    for two words with a sign between that is in none."""
    found = _word(name, spec, item)
    if _NO_WORD.search(found):
        raise ParameterError(f"Parameter '{name}': '{found[:60]}' is no word: write each on a line of its own.")
    return found


def _word(name: str, spec: Mapping[str, Any], item: str) -> str:
    found = pattern(name, spec, item)
    if found.startswith("#"):
        raise ParameterError(f"Parameter '{name}': '{found}' begins with '#': {OWN_LINE}.")
    return found


def attribute_type(name: str, spec: Mapping[str, Any], item: str) -> str:
    """Return the pattern of a type; ParameterError for one that means no type of MISP: it would forbid nothing."""
    found = _word(name, spec, item)
    for why in attribute_types.unknown((found,)):
        raise ParameterError(f"Parameter '{name}': {why}.")
    return found
