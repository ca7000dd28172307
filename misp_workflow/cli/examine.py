"""What a workflow must stand before it goes into a MISP: `check`, and `faults` where its file asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from misp_workflow.cli.house_rules import HOUSE_RULES
from misp_workflow.cli.inputs import read_event
from misp_workflow.cli.servers import described, known_modules
from misp_workflow.errors import InputError
from misp_workflow.remote.client import rules_of
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules import catalogue
from misp_workflow.runner.modules.moduleapi import Described, Scripted
from misp_workflow.runner.said.check import Finding, check
from misp_workflow.runner.said.faults import Cell, matrix


def findings(workflow: Workflow, in_misp: Collection[str], version: str) -> tuple[list[Finding], list[Finding]]:
    """Return why MISP of this version must not get it, and what is only worth knowing.

    The former go by what MISP has, the latter also by the settings at hand, which may not be those of misp-modules.
    """
    world = World(misp=rules_of(version))
    modules = catalogue.load(Scripted(_listed(workflow)), world)
    known = [one for one in check(workflow, modules, world) if not (one.node and one.node.module in in_misp
                                                                    and one.rule == "unknown-module")]  # fmt: skip
    refused = [one for one in known if one.level == "error"]
    told = {str(one): one for one in [*known, *check(workflow, modules, world, more=HOUSE_RULES)]}
    return refused, [one for said, one in told.items() if one not in refused and one.rule != "unknown-module"]


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
    found = known_modules(None)
    known = {entry["name"] for entry in found} | set(catalogue.catalogue()["action"])
    wanted = {node.module for node in workflow.graph.nodes.values() if node.type == "action"}
    return found + [described(name) for name in sorted(wanted - known)]
