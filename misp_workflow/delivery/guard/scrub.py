"""Take secrets out of data and out of sentences.

The rule goes by names (`secret_names.py`): whatever stands under a secret's name is hidden, a whole list or object
too. Values under other names stay, also when they look like a password: a credential object is what analysts share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from misp_workflow.delivery.guard.nested import Survey, members_of, rewrite
from misp_workflow.settings import is_secret_name

HIDDEN = "***"

_LOG_TEXTS = ("change", "title", "description", "request", "url")
"""Members of a MISP log entry that quote what was changed or asked: "authkey (old) => (new)", "/authkey:…"."""

_HARMLESS: set[str] = set()
"""Names that were asked about before and are no secret's: nearly all that MISP sends are the same every time."""
MOST_KNOWN = 4096
LONGEST_KNOWN = 64

_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{6,}")
_USER_IN_URL = re.compile(r"(?<=://)[^/?#\s@]+(?=@)")
# Each name is tried once, from its beginning: hostile text must not make the search quadratic.
_NAME = r"(?<![\w.-])([\w.-]{1,100})"
# What was cut off at the end counts as ended there.
_CHANGED = re.compile(_NAME + r"(\s*\()([^()]*)(?:(\)\s*=>\s*\()([^()]*)(\)|\Z)|\Z)")
_ASSIGNS = re.compile(_NAME + r"""\\*["']?\s*(?:=>|[=:])\s*""")
_ASSIGNED = re.compile(
    r"""(")(?:[^"\\]|\\.)*(?:"|\Z)|(')(?:[^'\\]|\\.)*(?:'|\Z)|(\\{1,8}["']).*?(?:\3|\Z)|[^\s"'&,;)}\]]+""", re.DOTALL
)
_IN_PATH = re.compile(r"[^\s\"'&,;)}\]/]+")  # "/authkey:…/limit:5"


def scrub(data: Any, survey: Survey | None = None) -> Any:
    """Return the data with every secret replaced by "***"; the very same object when there is none.

    Empty texts, null, true and false stay: they say that there is no secret. `survey` is that of the data, for a caller
    that has it.
    """
    members = survey.members if survey else members_of(data)
    if not may_hold_secrets(members):
        return data
    secret_names = _secrets_among(members)

    def visit(node: dict[str, Any], key: str) -> dict[str, Any]:
        hidden = {name: _hidden(node[name]) for name in secret_names & node.keys()}
        if _is_log_entry(node):
            hidden.update({name: scrub_text(node[name]) for name in _LOG_TEXTS if isinstance(node.get(name), str)})
        return node if all(node[name] == new for name, new in hidden.items()) else {**node, **hidden}

    return rewrite(data, visit)


def may_hold_secrets(members: set[str]) -> bool:
    """Whether there may be something to hide in data whose objects have these members."""
    return {"model", "action"} <= members or bool(_secrets_among(members))


def _secrets_among(names: set[str]) -> set[str]:
    """Return those of the names that are secrets'."""
    unknown = names - _HARMLESS
    secret = set(filter(is_secret_name, unknown))
    harmless = {name for name in unknown - secret if len(name) <= LONGEST_KNOWN}
    if len(_HARMLESS) + len(harmless) <= MOST_KNOWN:
        _HARMLESS.update(harmless)
    return secret


def _is_log_entry(node: dict[str, Any]) -> bool:
    return "model" in node and "action" in node


def _hidden(value: Any) -> Any:
    return value if value in ("", None, [], {}) or isinstance(value, bool) else HIDDEN


def scrub_text(text: str) -> str:
    """Return a sentence or log line without the secrets that it names.

    Known forms: `password=x`, `"authkey": "x"`, `authkey (old) => (new)`, `Bearer x`, `https://user:x@host`.
    """
    text = _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)
    text = _USER_IN_URL.sub(HIDDEN, text)
    text = _CHANGED.sub(_hide_change, text)
    return "".join(_without_assigned(text))


def _names_secret(name: str) -> bool:
    return is_secret_name(name.rpartition(".")[2])


def _hide_change(found: re.Match[str]) -> str:
    if not _names_secret(found[1]):
        return found[0]
    parts = (found[1], found[2], found[3] and HIDDEN, found[4], found[5] and HIDDEN, found[6])
    return "".join(part or "" for part in parts)


def _without_assigned(text: str) -> Iterator[str]:
    """Yield the text in pieces, with what is assigned to the name of a secret hidden."""
    kept = 0
    for found in _ASSIGNS.finditer(text):
        if found.start() < kept or not _names_secret(found[1]):
            continue
        in_path = text[max(found.start() - 1, 0) : found.start()] == "/"
        value = (_IN_PATH if in_path else _ASSIGNED).match(text, found.end())
        if value is None or value[0] in ('""', "''"):
            continue
        quote = "" if in_path else value[1] or value[2] or value[3] or ""
        yield f"{text[kept : found.end()]}{quote}{HIDDEN}{quote}"
        kept = value.end()
    yield text[kept:]
