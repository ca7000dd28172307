"""What a workflow must stand before it goes into a MISP: `check`, and `faults` where its file asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from misp_workflow.cli.inputs import read_event
from misp_workflow.cli.servers import described, module_server
from misp_workflow.errors import InputError
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import Described, Scripted
from misp_workflow.runner.said.check import Finding, check
from misp_workflow.runner.said.faults import Cell, matrix


def findings(workflow: Workflow, in_misp: Collection[str]) -> list[Finding]:
    """Check it against the modules that are here, and those that MISP has."""
    found = check(workflow, catalogue.load(Scripted(_listed(workflow)), World()))
    return [one for one in found if one.rule != "unknown-module" or (one.node and one.node.module not in in_misp)]


def open_cells(path: Path, workflow: Workflow, checks: Any) -> list[Cell]:
    """Return where a gate lets pass what it never judged, for the event that the file's "checks" name; none without.

    InputError when "checks" cannot be read.
    """
    if checks is None:
        return []
    event = checks.get("faults") if isinstance(checks, Mapping) else None
    if not isinstance(event, str) or set(checks) != {"faults"}:
        raise InputError(
            f'{path}: "checks" must read {{"faults": "EVENT.json"}}, an event by its place from this file.'
        )
    return matrix(workflow, lambda: read_event(path.parent / event), _listed(workflow)).open_cells


def _listed(workflow: Workflow) -> list[Described]:
    """The actions that are here, and those of the workflow that only MISP has: of these, no more than the name."""
    found = module_server(None, False, ()).modules()
    known = {entry["name"] for entry in found} | set(catalogue.catalogue()["action"])
    wanted = {node.module for node in workflow.graph.nodes.values() if node.type == "action"}
    return found + [described(name) for name in sorted(wanted - known)]
