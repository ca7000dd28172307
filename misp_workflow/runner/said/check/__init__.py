"""What is wrong with a workflow before it runs: what MISP refuses, what it warns of, and what it never tells.

The first two mirror WorkflowGraphTool and the editor's notices; the third is what the recorded engine does with such
graphs. Every rule yields findings; adding a rule is adding a function to RULES.
"""

from __future__ import annotations

from collections.abc import Sequence

from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.catalogue import Modules
from misp_workflow.runner.said.check import gates, refused, texts, triggers, versions, warned
from misp_workflow.runner.said.check.subject import Finding, Level, Rule, Subject
from misp_workflow.runner.said.check.versions import UPGRADE, tags_with_holes

__all__ = ["RULES", "UPGRADE", "Finding", "Level", "Rule", "Subject", "check", "not_saved", "tags_with_holes"]

RULES: tuple[Rule, ...] = (
    refused.one_trigger,
    refused.no_cycle,
    refused.one_connection,
    refused.never_opened,
    refused.odd_parts,
    refused.some_without_label,
    refused.unknown_modules,
    warned.disabled_workflow,
    warned.editor_notices,
    warned.blocking_after_concurrent,
    gates.open_gates,
    gates.old_approvals,
    gates.never_reloads,
    gates.rendered_by_others,
    gates.not_offered,
    gates.silent_failures,
    gates.secrets_in_nodes,
    gates.parameters,
    gates.without_rule,
    texts.templates,
    texts.hash_paths,
    texts.filters,
    texts.numbers_of_others,
    texts.tags_lost,
    texts.wiped,
    texts.no_country,
    texts.never_equal,
    triggers.data_that_is_not_there,
    triggers.never_fired,
    triggers.high_overhead,
    triggers.recursion,
    triggers.without_end,
    triggers.saves_within_a_save,
    triggers.tags_before_a_save,
    versions.jobs_too_large,
)


NOT_SAVED: tuple[Rule, ...] = (refused.one_trigger, refused.no_cycle, refused.one_connection)
"""What MISP answers "no" to when somebody saves the graph."""


def not_saved(workflow: Workflow, modules: Modules) -> list[Finding]:
    """Return why MISP would not save this graph, so that it can never run there."""
    subject = Subject(workflow, modules, World())
    return [finding for rule in NOT_SAVED for finding in rule(subject)]


def check(workflow: Workflow, modules: Modules, world: World | None = None, more: Sequence[Rule] = ()) -> list[Finding]:
    """Return every finding, what MISP refuses first. `modules` are those that the workflow will meet.

    `more` are rules of the caller's own, besides RULES.
    """
    subject = Subject(workflow, modules, world or World())
    findings = [finding for rule in (*RULES, *more) for finding in rule(subject)]
    return sorted(findings, key=lambda finding: finding.level != "error")
