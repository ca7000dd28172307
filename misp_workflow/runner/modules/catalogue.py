"""The modules that a workflow can use: MISP's own, and the Python ones of a misp-modules server, as MISP lists them.

Mirrors Workflow's module loading, WorkflowBaseModule::getConfig and Module_misp_module's constructor. The names, labels
and defaults of MISP's own modules stand in catalogue.json, as recorded from MISP 2.5.1, and in
catalogue_newer.json with what each later version brought; of logic modules and of newer ones only identifiers,
parameters and defaults are established, their wording is ours.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import inflector
from misp_workflow.runner.data.profiles import NEWEST, Profile, profile
from misp_workflow.runner.data.triggers import ADHOC_PREFIX, ADHOC_TRIGGER, Trigger, of_version
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Graph
from misp_workflow.runner.modules.moduleapi import ModuleServer, NoAnswerError

Config = dict[str, Any]
TYPES = ("trigger", "logic", "action")


@dataclass(frozen=True)
class Param:
    """A parameter of a node. `name` is the module author's spelling; `id` is the key in node and request.

    `declared` is what a Python module says of it, keys that MISP ignores included.
    """

    id: str
    label: str
    name: str = ""
    default: Any = None
    jinja: bool = False
    hash_path: bool = False
    declared: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Module:
    """A module as a workflow meets it. `name` is what a Python module is called on its server."""

    type: str
    id: str
    name: str
    params: tuple[Param, ...]
    config: Mapping[str, Any]
    enabled: bool
    is_python: bool = False

    @property
    def blocking(self) -> bool:
        return php.truthy(self.config.get("blocking"))

    @property
    def expects_core_format(self) -> bool:
        return php.truthy(self.config.get("expect_misp_core_format"))

    @property
    def supports_filters(self) -> bool:
        return php.truthy(self.config.get("support_filters"))


@dataclass(frozen=True)
class Modules:
    """All modules, by type and identifier."""

    by_type: Mapping[str, Mapping[str, Module]]

    def get(self, module_type: str, module_id: str) -> Module | None:
        if module_type == "trigger" and module_id.startswith(ADHOC_PREFIX):
            module_id = ADHOC_TRIGGER
        return self.by_type.get(module_type, {}).get(module_id)

    def find(self, module_id: str) -> Module | None:
        """The module of this identifier, whatever its type."""
        return next((found for kind in TYPES if (found := self.get(kind, module_id))), None)


@functools.cache
def _stored() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(
        resources.files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    )
    return stored


@functools.cache
def newer() -> list[dict[str, Any]]:
    """What later versions brought, oldest first: [{"since", "known", "kind", "id", "config"}, …]."""
    entries: list[dict[str, Any]] = json.loads(
        resources.files(__package__).joinpath("catalogue_newer.json").read_text(encoding="utf-8")
    )
    return entries


@functools.cache
def catalogue(misp: Profile | None = None) -> dict[str, dict[str, Config]]:
    """MISP's own modules, `{"trigger": {id: config}, "logic": …, "action": …}`, defaults filled in; of the newest MISP
    unless told otherwise."""
    misp = misp or profile(NEWEST)
    stored, defaults = _stored(), _stored()["defaults"]
    kinds: dict[str, dict[str, Config]] = {kind: dict(stored[kind]) for kind in ("logic", "action")}
    for entry in newer():
        if misp.lists(entry["since"]):
            kinds[entry["kind"]][entry["id"]] = entry["config"]
    listed = {
        kind: {key: {"id": key, **defaults, **config, "module_type": kind} for key, config in configs.items()}
        for kind, configs in kinds.items()
    }
    return {"trigger": {key: _trigger(trigger, defaults) for key, trigger in of_version(misp).items()}, **listed}


def _trigger(trigger: Trigger, defaults: Config) -> Config:
    return {
        **defaults,
        "id": trigger.id,
        "name": trigger.name,
        "scope": trigger.scope,
        "icon": trigger.icon,
        "description": trigger.description,
        "blocking": trigger.blocking,
        "misp_core_format": trigger.core_format,
        "trigger_overhead": trigger.overhead,
        "trigger_overhead_message": trigger.overhead_message,
        "inputs": 0,
        "params": list(trigger.params),
        "module_type": "trigger",
        "html_template": "trigger",
    }


def came_with(module_id: str, misp: Profile) -> str:
    """The later version that brought this module; an empty text where none is known to."""
    since = next((str(entry["since"]) for entry in newer() if entry["id"] == module_id), "")
    return since if since and not misp.lists(since) else ""


def unknown(module_id: str, misp: Profile) -> str:
    """What to say of a module that is not there: since when MISP has it, if it ever had."""
    since = came_with(module_id, misp)
    return f"MISP {misp.version} does not know this module{f'; MISP {since} does' if since else ''}"


def load(server: ModuleServer, world: World) -> Modules:
    """All modules. Python modules come last and so hide MISP's own of the same identifier.

    A server that does not answer in time means that there are no Python modules. Raises PhpCrash where one module's
    description stops all of MISP's workflows.
    """
    by_type = {
        kind: {key: _own(kind, config, world) for key, config in catalogue(world.misp)[kind].items()} for kind in TYPES
    }
    try:
        # With the service off MISP asks nobody, and knows no Python module.
        served = [] if "Action" in world.disabled_services else server.modules()
    except NoAnswerError:
        served = []
    else:
        by_type["action"]["enrich-event"] = _enrich_event(by_type["action"]["enrich-event"], world)
    for described in served:
        if _is_action(described):
            module = _python(described, world)
            by_type["action"][module.id] = module
    return Modules(by_type)


def _own(kind: str, config: Config, world: World) -> Module:
    disabled = world.disabled_triggers if kind == "trigger" else world.disabled_modules
    return Module(
        type=kind,
        id=config["id"],
        name=config["name"],
        params=tuple(
            Param(
                id=param["id"],
                label=param["label"],
                default=param.get("default"),
                jinja=php.truthy(param.get("jinja_supported")),
            )
            for param in config["params"]
        ),
        config=config,
        enabled=config["id"] not in disabled,
    )


def _enrich_event(module: Module, world: World) -> Module:
    """MISP fills in the one parameter's choices, or that the server cannot be reached."""
    names = [php.item(described, "name") for described in world.enrichment_modules or []]
    params = [{**param, "options": names} for param in module.config["params"]]
    return replace(module, config={**module.config, "params": params})


# --- Python modules --------------------------------------------------------------------------------------------------


def _is_action(described: Any) -> bool:
    kinds = php.item(php.item(described, "meta", {}), "module-type", [])
    return isinstance(php.item(described, "name"), str) and php.in_array("action", kinds)


def _python(described: Any, world: World) -> Module:
    meta = php.item(described, "meta", {})
    # MISP reads what version() says, and nothing of introspection().
    config = php.item(meta, "config", {})
    name = described["name"]
    module_id = inflector.module_id(name)
    params = [_python_param(key, declared) for key, declared in php.pairs(_declared_params(config))]
    return Module(
        type="action",
        id=module_id,
        name=name,
        params=tuple(param for param, _ in params),
        enabled=module_id not in world.disabled_modules,
        is_python=True,
        config={
            "id": module_id,
            **_stored()["defaults"],
            "name": name,
            "description": php.item(meta, "description"),
            "icon": php.item(meta, "icon") or "python",
            "icon_class": php.item(meta, "icon_class") or "fab",
            "inputs": _inputs(meta),
            "outputs": 1,
            "version": php.item(meta, "version", "0.1"),
            "blocking": php.truthy(php.item(config, "blocking")),
            "support_filters": php.truthy(php.item(config, "support_filters")),
            "expect_misp_core_format": php.truthy(php.item(config, "expect_misp_core_format")),
            "is_misp_module": True,
            "params": [shown for _, shown in params],
            "module_type": "action",
        },
    )


def _inputs(meta: Any) -> int:
    """How many inputs MISP draws: by a slip of its own, the outputs that the module declares count as inputs."""
    declared = [php.item(meta, key) for key in ("outputs", "inputs")]
    return next((php.to_int(number) for number in declared if not php.empty(number)), 1)


def _declared_params(config: Any) -> Any:
    declared = php.item(config, "params", [])
    for value in php.values(declared) if php.is_array(declared) else [declared]:
        if not php.is_array(value):
            raise PhpCrash("TypeError", "A parameter of a module is no array, so that no workflow of this MISP can run")
    return declared


def _python_param(name: str, declared: Any) -> tuple[Param, Config]:
    shown = inflector.param(name, dict(php.pairs(declared)))
    param = Param(
        id=shown["id"],
        label=shown["label"],
        name=name,
        jinja=php.truthy(shown.get("jinja_supported")),
        hash_path="_isHashPath" in shown,
        declared=dict(php.pairs(declared)),
    )
    return param, shown


# --- what MISP lists and warns of ------------------------------------------------------------------------------------


def config_of(modules: Modules, module_type: str, module_id: str) -> Config | None:
    """One module as MISP's API shows it, None when MISP does not know it."""
    module = modules.get(module_type, module_id)
    return {**module.config, "disabled": not module.enabled} if module else None


def list_of(modules: Modules, module_type: str) -> list[Config]:
    """All modules of a type as MISP's API lists them, by name, capital letters first."""
    listed = (config_of(modules, module_type, module_id) for module_id in modules.by_type.get(module_type, {}))
    return sorted((config for config in listed if config), key=lambda config: str(config["name"]).encode())


def notices(graph: Graph, modules: Modules, world: World) -> dict[str, dict[str, dict[str, list[str]]]]:
    """What the editor prints on modules that the graph uses: `{"modules_action": {id: {"error": [text]}}}`.

    Raises PhpCrash when the graph's trigger is not one of MISP's.
    """
    trigger = graph.triggers[0].module if graph.triggers else None
    if trigger is not None and modules.get("trigger", trigger) is None:
        raise PhpCrash("TriggerNotFoundException", f"Unknown module `{trigger}` for module type `trigger`")
    known = modules.get("trigger", trigger) if trigger is not None else None
    config = known.config if known else {}
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for node in graph.nodes.values():
        module = modules.get(node.type, node.module)
        if module is None or module.type == "trigger":
            continue
        if texts := _notices_on(module, config, world):
            found.setdefault(f"modules_{module.type}", {})[module.id] = texts
    return found


def _notices_on(module: Module, trigger: Mapping[str, Any], world: World) -> dict[str, list[str]]:
    errors: list[str] = []
    warnings: list[str] = []
    if not module.enabled:
        errors.append("Module disabled")
    if module.id == "webhook" and not module.is_python and not world.arbitrary_urls:
        errors.append("`rest_client_enable_arbitrary_urls` is turned off.")
    if trigger and module.blocking and not trigger["blocking"]:
        warnings.append("Blocking module might not work as intended")
    if trigger and module.expects_core_format and not trigger.get("misp_core_format"):
        warnings.append("Potential data format issue")
    return {level: texts for level, texts in (("error", errors), ("warning", warnings)) if texts}
