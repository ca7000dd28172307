"""One line of the doctor's report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """What was found about `subject`, as a sentence, and what to do about it ("" when there is nothing to do)."""

    subject: str
    state: State
    what: str
    todo: str = ""


def ok(subject: str, what: str) -> Finding:
    return Finding(subject, "ok", what)


def warning(subject: str, what: str, todo: str) -> Finding:
    return Finding(subject, "warning", what, todo)


def error(subject: str, what: str, todo: str) -> Finding:
    return Finding(subject, "error", what, todo)


def skipped(subject: str, what: str, todo: str = "") -> Finding:
    return Finding(subject, "skipped", what, todo)


def some(names: Sequence[str], most: int = 8) -> str:
    """Return the names in a row, the first few when there are many."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
