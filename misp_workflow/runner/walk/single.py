"""One module on its own, without a workflow. Mirrors Workflow::moduleStatelessExecution, MISP's "execute module"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow import php
from misp_workflow.errors import InputError, did_you_mean
from misp_workflow.runner.data import coreformat, wire
from misp_workflow.runner.data.profiles import SINGLE_FILTERS_SHOWN
from misp_workflow.runner.data.roaming import RoamingData
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import SETTING_FILTERS, Node
from misp_workflow.runner.modules import catalogue as module_list
from misp_workflow.runner.modules.catalogue import Module
from misp_workflow.runner.modules.execs import exec_of
from misp_workflow.runner.modules.execution import Call, Record, Surroundings
from misp_workflow.runner.modules.moduleapi import ModuleServer


@dataclass
class SingleRun:
    """What a module made of the data: as a step of a workflow, without the workflow."""

    module: Module
    success: bool
    errors: list[Any]
    why: str
    roaming: RoamingData
    record: Record = field(default_factory=Record)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def filtered(self) -> Any:
        """What a filter module leaves of the event, as MISP after 2.5.1 shows it; None for other modules."""
        if self.module.id not in SETTING_FILTERS or SINGLE_FILTERS_SHOWN not in self.roaming.misp:
            return None
        return {"Event": php.item(self.roaming.get(), "Event")}


def execute(
    module_id: str,
    data: Any,
    params: Any,
    server: ModuleServer,
    *,
    world: World | None = None,
    convert: bool = True,
    module_type: str | None = None,
    filters: Mapping[str, Any] | None = None,
    workflow_id: Any = None,
) -> SingleRun:
    """Execute one module, a disabled one too.

    data: what is empty to PHP is an empty array.
    params: by the keys of the node ("data_extraction_path"), as in a workflow. convert: to MISP core format first.
    filters: a filter of the node, {"selector", "path", "operator", "value"}; MISP sets none here.
    Raises InputError for an unknown module, PhpCrash where MISP's request would die.
    """
    around = Surroundings(module_list.load(server, world or World()), server, world or World())
    module = around.modules.get(module_type, module_id) if module_type else around.modules.find(module_id)
    exec_ = exec_of(module)
    if module is None or exec_ is None:
        known = {*around.modules.by_type["action"], *around.modules.by_type["logic"]}
        raise InputError(
            f"There is no module {module_id!r}{did_you_mean(module_id, known)}. "
            "`misp-workflow actions WORD` finds one by what it does."
        )
    php.require_array(params, "Workflow::moduleStatelessExecution(): Argument #3 ($param_data)")
    data = [] if php.empty(data) else wire.as_php(data)
    start = coreformat.convert(data, world=around.world.rows, misp=around.world.misp) if convert else data
    roaming = RoamingData(start, around.world.misp, workflow_id=workflow_id)
    around.start_data = roaming.raw
    record = Record()
    outcome = exec_(Call(_node(module, dict(php.pairs(params)), filters or {}), module, roaming, around, record))
    return SingleRun(module, outcome.success, outcome.errors, outcome.why, roaming, record, around.files)


def _node(module: Module, params: Mapping[str, Any], filters: Mapping[str, Any]) -> Node:
    return Node(
        key="1",
        id=1,
        type=module.type,
        module=module.id,
        params=params,
        filters=filters,
        outputs={},
        multiple_connections=False,
        raw={},
    )
