"""Rules that the gates share: what an event, a proposal or a user must keep to.

A rule is a set of checks with their values. A node's own parameters are one rule; a rule file holds named ones, so that
an organisation keeps them in git. Both have the same words (`table`), and every check gives each of its reasons.
"""

from __future__ import annotations

from misp_workflow.action.rules.book import Rule, Verdict, judge, read_book
from misp_workflow.action.rules.checks import in_domains, marked, reasons
from misp_workflow.action.rules.gate import decide, known_view, own_values, says_nothing
from misp_workflow.action.rules.subject import Subject, proposals
from misp_workflow.action.rules.table import EVENT, PROPOSAL, RULES

__all__ = [
    "EVENT", "PROPOSAL", "RULES", "Rule", "Subject", "Verdict", "decide", "in_domains", "judge", "known_view", "marked",
    "own_values", "proposals", "read_book", "reasons", "says_nothing",
]  # fmt: skip
