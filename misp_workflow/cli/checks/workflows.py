"""The workflows that the operator's MISP has: each one checked, each node and trigger enabled, each approval usable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

from misp_workflow.cli.checks.finding import Finding, error, ok, skipped, some, warning
from misp_workflow.cli.servers import described
from misp_workflow.errors import WorkflowError
from misp_workflow.event import flag, rows, text
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.graph.workflow import Workflow, load
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import Described, Scripted
from misp_workflow.runner.said.check import check as findings_of

LISTS = "Administration, Workflows, List Modules"
NOT_HERE = ("misp-notice", "unknown-module", "disabled")
"""Rules of `check` that this says by itself, knowing what MISP has."""


class Asks(Protocol):
    """The operator's MISP, asked without changing anything."""

    def json(self, path: str, body: Any = None) -> Any:
        """Return what MISP answers as data, None where it answers none."""


def check(misp: Asks, ours: Iterable[Described], misps: Collection[str] = ()) -> list[Finding]:
    """Return the findings about every workflow that MISP has; `ours` are this package's actions as they are listed.

    `misps` are the names of those in the settings.
    """
    known = {str(row.get("id")): row for kind in ("action", "logic") for row in _modules(misp, kind)}
    listed = misp.json("workflows/index")
    if not known or not isinstance(listed, list):
        return []
    # the workflow's own "enabled" is false in MISP whatever the trigger is
    off = {str(row.get("id")) for row in _modules(misp, "trigger") if flag(row.get("disabled"))}
    found: list[Finding] = []
    for entry in rows(listed):
        row = entry.get("Workflow")
        if isinstance(row, dict):
            found += _one(misp, row, known, list(ours), row.get("trigger_id") in off, misps)
    return found


def _modules(misp: Asks, kind: str) -> list[dict[str, Any]]:
    return rows(misp.json(f"workflows/moduleIndex/type:{kind}"))


def _one(
    misp: Asks,
    row: Mapping[str, Any],
    known: Mapping[str, Any],
    ours: list[Described],
    is_off: bool,
    misps: Collection[str],
) -> list[Finding]:
    subject = f"workflow {row.get('name') or row.get('id')}"
    try:
        workflow = load({"Workflow": dict(row)})
    except WorkflowError as trouble:
        return [error(subject, str(trouble).rstrip("."), "open it in MISP's editor, and save it anew")]
    found = [*_checked(subject, workflow, known, ours), *_nodes(subject, workflow, known)]
    found += [*_approvals(subject, workflow, misp), *_of_no_misp(subject, workflow, ours, misps)]
    if is_off:
        what = f"its trigger {row.get('trigger_id')} is not enabled, so MISP never runs it"
        gates = any(_blocks(node, known) for node in workflow.graph.nodes.values())
        todo = "enable it if it shall hold anything (Administration, Workflows, List Triggers)"
        return [(warning if gates else skipped)(subject, what, todo), *found]
    return found or [ok(subject, "it is enabled, each of its nodes too, and check finds nothing")]


def _blocks(node: Node, known: Mapping[str, Any]) -> bool:
    return node.type == "action" and flag(known.get(node.module, {}).get("blocking"))


def _checked(subject: str, workflow: Workflow, known: Mapping[str, Any], ours: list[Described]) -> Iterator[Finding]:
    named = {str(entry["name"]) for entry in ours}
    others = [name for name, row in known.items() if flag(row.get("is_misp_module")) and name not in named]
    modules = catalogue.load(Scripted([*ours, *map(described, others)]), World())
    for finding in findings_of(workflow, modules):
        if finding.rule not in NOT_HERE:
            place = f"{finding.node.module} ({finding.node.id}): " if finding.node else ""
            make = error if finding.level == "error" else warning
            yield make(subject, f"{place}{finding.why}".rstrip("."), finding.advice.rstrip("."))


def _nodes(subject: str, workflow: Workflow, known: Mapping[str, Any]) -> Iterator[Finding]:
    nodes = [node for node in workflow.graph.nodes.values() if node.type in ("action", "logic")]
    names = list(dict.fromkeys(node.module for node in nodes))
    missing = [name for name in names if name not in known]
    if missing:
        todo = "install what it belongs to, or see whether misp-modules runs; until then it fails at each run"
        yield error(subject, f"MISP does not have {some(missing)}", todo)
    disabled = [name for name in names if flag(known.get(name, {}).get("disabled"))]
    if disabled:
        what = f"not enabled in MISP: {', '.join(disabled)}"
        yield error(
            subject, f"{what}; a disabled IF takes its else path, a disabled action is left out", _enable(LISTS)
        )


def _of_no_misp(
    subject: str, workflow: Workflow, ours: Iterable[Described], misps: Collection[str]
) -> Iterator[Finding]:
    """Nodes of ours that name a MISP which the settings do not have: each call of theirs is an error."""
    named = {str(entry["name"]) for entry in ours}
    for node in workflow.graph.nodes.values():
        name = text(node.params.get("misp")).strip()
        if node.module in named and name and name not in misps:
            there = f"; there {'is' if len(misps) == 1 else 'are'} {', '.join(misps)}" if misps else ""
            todo = (
                f"write a name of the settings into its parameter 'misp', or leave that empty where there is one{there}"
            )
            yield error(subject, f"{node.module} ({node.id}) names the MISP “{name}”, which the settings lack", todo)


def _enable(where: str) -> str:
    return f"enable them ({where}); the settings Plugin.Action_…_enabled have no effect on workflows"


def _approvals(subject: str, workflow: Workflow, misp: Asks) -> Iterator[Finding]:
    """The tag of a gate's yes: local only, so that it cannot be attached globally, and seen by workflows."""
    names = {text(node.params.get("approval_tag")) for node in workflow.graph.nodes.values()}
    for name in sorted(names - {""}):
        listed = [one.get("Tag") for one in rows(misp.json("tags/search/0/1", {"tag": name}))]
        tag = next((one for one in listed if isinstance(one, dict) and one.get("name") == name), None)
        if tag is None:
            continue  # the gate makes it, as it must be
        todo = "edit it under Event Actions, List Tags"
        if not flag(tag.get("exportable", True)):
            yield error(subject, f"the tag {name} is not exportable, and workflows do not see such tags", todo)
        if not flag(tag.get("local_only")):
            yield warning(subject, f"the tag {name} is not local only, so anybody who may tag can attach it", todo)
