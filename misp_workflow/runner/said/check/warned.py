"""Rules of what MISP's editor warns of. Mirrors Workflow::attachNotificationToModules and PathWarningsGraph."""

from __future__ import annotations

from collections.abc import Iterator

from misp_workflow.errors import PhpCrash
from misp_workflow.runner.graph import graph as graphs
from misp_workflow.runner.modules import catalogue as module_list
from misp_workflow.runner.said.check.subject import Finding, Subject


def disabled_workflow(subject: Subject) -> Iterator[Finding]:
    """The workflow's row says that it is disabled; that counts for nothing in MISP, but somebody may have meant it."""
    if not subject.workflow.enabled:
        yield Finding(
            "warning",
            "disabled",
            None,
            "The file says that this workflow is disabled. MISP 2.5 writes so into every export, and runs a workflow "
            "when its trigger is enabled.",
            "See whether the trigger is (Administration, Workflows, List Triggers, or misp-workflow doctor); leave "
            "'enabled' out of the file to hear no more of it.",
        )


def editor_notices(subject: Subject) -> Iterator[Finding]:
    """The notices that MISP's editor prints on a node."""
    try:
        notices = module_list.notices(subject.workflow.graph, subject.modules, subject.world)
    except PhpCrash:
        return  # the trigger is unknown, which has a finding of its own
    for node in subject.nodes:
        for texts in notices.get(f"modules_{node.type}", {}).get(node.module, {}).values():
            for text in texts:
                yield Finding("warning", "misp-notice", node, f"MISP says: {text}.", _ADVICE.get(text, ""))


_ADVICE = {
    "Module disabled": "Enable it under Workflows, Modules.",
    "Blocking module might not work as intended": "This trigger cannot be stopped; use one that comes before the deed.",
    "Potential data format issue": "This trigger's data has not the core format that the module expects.",
}


def blocking_after_concurrent(subject: Subject) -> Iterator[Finding]:
    """A concurrent task runs in the background, when what it should stop has happened."""
    behind = subject.behind(subject.workflow.graph.find(graphs.CONCURRENT_TASK))
    for node in subject.nodes:
        module = subject.module(node)
        if node.key not in behind or module is None or not module.blocking:
            continue
        yield Finding("warning", "blocks-nothing", node, "It stands behind a concurrent-task, where nothing can block.",
                      "Put it before the concurrent-task.")  # fmt: skip
