"""Rule files: named rules in TOML, read strictly, with the line of whatever is wrong.

[tlp-once]
exactly_one_tlp = true
message = "Mark the event with exactly one TLP tag."

[no-office-documents]
forbidden_types = ["attachment"]
severity = "warn"
only_if = "event.threat_level_id|int < 3"
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from misp_workflow import settings
from misp_workflow.action import params as parameters
from misp_workflow.action.params import Params
from misp_workflow.action.rules.checks import reasons
from misp_workflow.action.rules.subject import Subject
from misp_workflow.action.rules.table import EVENT, MARKS
from misp_workflow.action.wording import rendering
from misp_workflow.errors import InputError, ParameterError, SettingsError, TemplateError, did_you_mean
from misp_workflow.settings.table import line_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

MAX_FILE = 2**20
"""Bytes of a rule file."""
TABLE = {**EVENT, **MARKS}
KNOWN = [*TABLE, *(old for spec in TABLE.values() for old in spec.get("formerly", ()))]
TEMPLATES = ("condition", "only_if")


@dataclass(frozen=True)
class Rule:
    """One named rule: its checks as typed values, and how much it matters."""

    name: str
    values: Params

    @property
    def blocks(self) -> bool:
        """Whether an event that breaks it does not pass."""
        return bool(self.values.severity == "block")


@dataclass(frozen=True)
class Verdict:
    """What one rule says of one event: the sentence parts that people read, none when it is kept."""

    rule: Rule
    reasons: tuple[str, ...]


def judge(rules: tuple[Rule, ...], subject: Subject, deadline: float = math.inf) -> list[Verdict]:
    """Return the verdicts of the rules that the subject does not keep, in the file's order.

    A rule whose turn comes after `deadline` (of `time.monotonic()`) is not kept: nobody knows.
    """
    return [Verdict(rule, told) for rule in rules if (told := tuple(_told(rule, subject, deadline)))]


def _told(rule: Rule, subject: Subject, deadline: float) -> Iterator[str]:
    if time.monotonic() >= deadline:
        yield f"there was no time left to judge the rule “{rule.name}”"
        return
    try:
        if rule.values.only_if and not subject.holds(rule.values.only_if):
            return
        found = reasons(rule.values, subject)
    except InputError as error:  # a rule that cannot be decided is not kept
        yield f"the rule “{rule.name}” cannot be decided: {error}"
        return
    if found and rule.values.message:
        yield f"{rule.values.message.rstrip('.')} (rule “{rule.name}”)"
    elif found:
        yield f"{'; '.join(found)} (rule “{rule.name}”)"


def rules_named(name: str) -> tuple[Rule, ...]:
    """Return the rules of the file that the operator's settings call so; none for "".

    Raises SettingsError for an unknown name, and for a file that cannot be used: then nothing passes.
    """
    if not name:
        return ()
    known = settings.current().rules
    if name not in known:
        raise SettingsError(f"No rule file is called “{name}” in the settings{did_you_mean(name, known)}.")
    return read_book(known[name])


def read_book(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a file, read again when it changes; SettingsError names the line and what is wrong."""
    try:
        status = path.stat()
        if status.st_size > MAX_FILE:
            raise SettingsError(f"The rule file {path} is larger than {MAX_FILE // 2**20} MiB.")
        return _read(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise SettingsError(f"The rule file {path} cannot be read: {error.strerror}.") from None


@lru_cache(maxsize=64)
def _read(path: Path, modified: int, size: int) -> tuple[Rule, ...]:
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        raise SettingsError(f"The rule file {path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The rule file {path} is not valid TOML: {error}.") from None
    if not tables:
        raise SettingsError(f"The rule file {path} has no rule; a rule is a table with a name: [tlp-once].")
    return tuple(_rule(path, text, name, values) for name, values in tables.items())


def _rule(path: Path, text: str, name: str, values: Any) -> Rule:
    def trouble(sentence: str, key: str = "") -> SettingsError:
        line = line_of(text, (name, key) if key else (name,))
        return SettingsError(f"{path}, line {line}: {sentence}")

    if not isinstance(values, dict):
        raise trouble(f"“{name}” stands outside of a rule; a rule is a table with a name: [tlp-once].")
    given = {key: _listed(value) for key, value in values.items()}
    for key, value in given.items():
        if key not in KNOWN:
            raise trouble(f"the rule “{name}” has no check called “{key}”{did_you_mean(key, KNOWN)}.", key)
        if problem := _problem(key, value):
            raise trouble(f"the rule “{name}”: {problem}", key)
    if not given.keys() - MARKS.keys() - {"tag_scope"}:
        raise trouble(f"the rule “{name}” checks nothing.")
    return Rule(name, parameters.read(TABLE, given, {}))


def _listed(value: Any) -> Any:
    """Return a list of texts and numbers as texts, anything else as it is."""
    plain = isinstance(value, list) and all(isinstance(item, (str, int)) for item in value)
    return [str(item) for item in value] if plain else value


def _problem(key: str, value: Any) -> str:
    """Return what is wrong with one value, or ""."""
    try:
        now = next(iter(parameters.present(TABLE, {key: value})))
        parameters.read({now: TABLE[now]}, {key: value}, {})
        if key in TEMPLATES:
            rendering.check(value if "{{" in value else f"{{{{ {value} }}}}")
    except ParameterError as error:
        return str(error).removeprefix("Parameter ")
    except TemplateError as error:
        return f"{key}: {error}"
    return ""
