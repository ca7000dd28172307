"""Rules of what MISP never tells about nodes: what fails open, what leaks. Mirrors no class; the engine shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import did_you_mean
from misp_workflow.runner.modules.catalogue import Module
from misp_workflow.runner.modules.misp_module import APPROVAL
from misp_workflow.runner.said.check.subject import Finding, Subject, declared
from misp_workflow.runner.said.faults import opened_by_old_approvals
from misp_workflow.runner.said.report import speaks_of_secret
from misp_workflow.runner.walk.walk import ELSE, STOP_EXECUTION


def open_gates(subject: Subject) -> Iterator[Finding]:
    """A Python gate that is silent has said yes; only a graph can say no in its place."""
    if not subject.can_block:
        return
    closed = _before_a_no(subject)
    for node, module in subject.python():
        if module.blocking and node.key not in closed:
            yield Finding(
                "warning",
                "fails-open",
                node,
                "When misp-modules is down, slow (as with a large event, docs/big-events.md) or answers nonsense, "
                "MISP takes the silence for a yes.",
                _HOLDING
                if subject.trigger == "event-publish"
                else "No graph helps here: MISP has no place where this gate could leave its yes (docs/gates.md).",
            )


_HOLDING = (
    "Let the gate leave a tag when it approves, and put reload-full-event, IF :: Tag and stop-execution on the else "
    "path behind it (docs/gates.md)."
)


def old_approvals(subject: Subject) -> Iterator[Finding]:
    """An approval that lies on the event already must not be taken for this run's, whatever is disabled in MISP."""
    if not subject.can_block or not subject.workflow.graph.triggers:
        return
    gates = [node for node, module in subject.python() if module.blocking and str(node.params.get(APPROVAL) or "")]
    listed = [_listed(module) for _, module in subject.python()]
    held = _before_a_no(subject) if gates else set()
    closed = [node for node in gates if node.key in held]
    opened = opened_by_old_approvals(subject.workflow, listed, subject.world) if closed else []
    for node in closed:
        if node in opened:
            yield Finding(
                "error",
                "old-approval",
                node,
                "With misp-modules down, an approval that lies on the event already lets it through: left by an "
                "earlier run while Tag operation was disabled, or attached globally by somebody.",
                "Before the gate remove it with locality any, reload, look again, and stop where it is still there: "
                "the example hold-what-is-not-marked has the graph.",
            )


def _listed(module: Module) -> dict[str, Any]:
    """What misp-modules says of a module, as far as a run needs it."""
    keys = ("blocking", "support_filters", "expect_misp_core_format")
    config = {"params": declared(module), **{key: module.config.get(key) for key in keys}}
    return {"name": module.name, "mispattributes": {}, "meta": {"module-type": ["action"], "config": config}}


def never_reloads(subject: Subject) -> Iterator[Finding]:
    """MISP reloads only where the stored trigger says misp_core_format, as its editor writes it there."""
    trigger = subject.workflow.trigger
    if trigger is None or php.truthy(php.item(php.item(trigger.raw, "data"), "misp_core_format")):
        return
    for node in subject.workflow.graph.find("reload-full-event"):
        yield Finding(
            "error",
            "never-reloads",
            node,
            "It never reloads: the trigger's node in this graph does not say misp_core_format, and MISP asks that.",
            'Set "misp_core_format": true in the data of the trigger\'s node, or place the trigger anew in the editor.',
        )


def rendered_by_others(subject: Subject) -> Iterator[Finding]:
    """A text that MISP has rendered by misp-modules, and cannot do without."""
    for node in subject.nodes:
        module = subject.module(node) if node.type != "trigger" else None  # an empty filter of a trigger is none
        for param in module.params if module is not None and not module.is_python else ():
            if param.jinja and str(node.params.get(param.id) or "").strip():
                yield Finding(
                    "warning",
                    "rendered",
                    node,
                    f"MISP has '{param.id}' rendered by misp-modules. When that or the Enrichment service is down, "
                    "MISP before 2.5.19 crashes here: nothing behind it runs, a publication stays "
                    "“Publishing.” for ever, and no reason is logged; later ones take the text for empty.",
                    "Leave it empty where the graph must hold or must end cleanly.",
                )


def not_offered(subject: Subject) -> Iterator[Finding]:
    """A choice that MISP's editor does not offer; what MISP makes of it is not what its name says."""
    for node in subject.nodes:
        module = subject.module(node)
        for param in module.config.get("params") or () if module is not None and not module.is_python else ():
            options, value = param.get("options"), node.params.get(param.get("id"))
            if not isinstance(options, dict) or not options or value in (None, "") or str(value) in options:
                continue
            yield Finding(
                "warning",
                "not-offered",
                node,
                f"MISP's editor does not offer '{value}' for '{param['id']}', and may take it otherwise than it reads.",
                f"It offers: {', '.join(options)}.",
            )


def _before_a_no(subject: Subject) -> set[str]:
    """The nodes from which a path leads over an else, or over a second output, to a stop-execution."""
    nodes = subject.workflow.graph.nodes
    stops = {node.key for node in subject.workflow.graph.find(STOP_EXECUTION)}
    on_the_way = stops | subject.before(stops)
    forks = {
        node.key
        for node in nodes.values()
        if node.type == "logic" and any(edge.target in on_the_way for edge in node.outputs.get(ELSE, ()))
    }
    return subject.before(forks)


def silent_failures(subject: Subject) -> Iterator[Finding]:
    """On a blocking trigger a failing module that does not block is passed over."""
    if not subject.can_block:
        return
    relied_on: dict[str, set[str]] = {}
    for node, module in subject.python():
        if module.blocking:
            continue
        if node.module not in relied_on:
            others = (one.key for one in subject.nodes if one.type == "action" and one.module != node.module)
            relied_on[node.module] = subject.before(others)
        if node.key in relied_on[node.module]:
            yield Finding("warning", "goes-on", node, "When it fails, the nodes behind it run all the same.",
                          "Do not let them rely on it.")  # fmt: skip


def secrets_in_nodes(subject: Subject) -> Iterator[Finding]:
    """What stands in a node is in every export, blueprint and debug log."""
    for node in subject.nodes:
        module = subject.module(node)
        specs = declared(module) if module is not None and module.is_python else {}
        for name, value in node.params.items():
            secret = specs.get(name, {}).get("secret", speaks_of_secret(name))
            if secret and isinstance(value, str) and value.strip():
                yield Finding(
                    "warning",
                    "secret-in-node",
                    node,
                    f"The parameter '{name}' holds a secret, which every export of the workflow carries.",
                    "Put it into a destination of the settings file, and name that in 'destination'.",
                )


def parameters(subject: Subject) -> Iterator[Finding]:
    """Parameters that the module does not have, or that it needs and the node leaves empty."""
    for node, module in subject.python():
        specs = declared(module)
        known = {param.id for param in module.params}
        renamed = {old: name for name, spec in specs.items() for old in spec.get("formerly", ())}
        for name in node.params if known else ():  # of a module without any, perhaps no more than the name is known
            if name in renamed:
                said = f"The parameter '{name}' is called '{renamed[name]}' now, and MISP sends it by that name only."
                way = f"What it says is lost: 'misp-workflow mend' puts it under '{renamed[name]}'."
                yield Finding("error", "renamed", node, said, way)
            elif name not in known:
                said = f"The module has no parameter '{name}'{did_you_mean(name, [*known, *renamed])}."
                yield Finding("warning", "unknown-parameter", node, said, "MISP does not send it; mend the name.")
        for name, spec in specs.items():
            empty = not str(node.params.get(name) or "").strip()
            if spec.get("required") and empty and not str(node.params.get("destination") or "").strip():
                yield Finding("warning", "missing-parameter", node, f"The parameter '{name}' is not set.",
                              "The module will answer with an error.")  # fmt: skip


def without_rule(subject: Subject) -> Iterator[Finding]:
    """A gate of this pack on which no rule is set: it judges nothing, and so lets nothing pass."""
    for node, module in subject.python():
        rules = {name: spec for name, spec in declared(module).items() if spec.get("rule")}
        if rules and not any(_says_something(node.params.get(name), spec) for name, spec in rules.items()):
            yield Finding("error", "no-rule", node, "None of the gate's rules is set, so it lets nothing pass.",
                          f"Set one, such as '{next(iter(rules))}'.")  # fmt: skip


def _says_something(value: object, spec: Mapping[str, Any]) -> bool:
    text = str("" if value is None else value).strip(" \n,")
    return text not in ("", str(spec.get("default", "")), str(spec.get("value", "")))
