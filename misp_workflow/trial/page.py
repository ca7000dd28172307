"""A backtest as one page that stands alone: no network, no script."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from misp_workflow.printable import printable
from misp_workflow.trial.summary import Summary

MOST = 40
"""Entries that each table shows."""

PARTS = (
    ("reasons", "Why it was stopped", "reason"),
    ("organisations", "By organisation", "organisation"),
    ("tags", "By tag", "tag"),
    ("messages", "Which messages, to whom", "message"),
    ("changes", "Which changes in MISP", "change"),
    ("asks", "What MISP's own modules would send", "what"),
    ("errors", "Errors of actions", "error"),
)
"""What is counted, with the title and the heading of its table; the terminal shows the same."""

WITH_STOPPED = {"organisations", "tags"}
"""Where it says something how many were stopped."""


def as_html(summary: Summary) -> str:
    """Return the page."""
    return printable(_page().render(data=summary.data(), parts=PARTS, with_stopped=WITH_STOPPED, most=MOST))


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = _percent
    return environment.from_string(Path(__file__).with_name("backtest.html").read_text(encoding="utf-8"))


def _percent(part: Any, whole: Any) -> str:
    return f"{100 * int(part) / int(whole):.0f}" if whole else "0"
