"""Rules of what MISP never tells about nodes: what fails open, what leaks. Mirrors no class; the engine shows it."""

from __future__ import annotations

from collections.abc import Iterator

from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.said.check.subject import Finding, Subject, declared
from misp_workflow.runner.said.report import speaks_of_secret
from misp_workflow.runner.walk.walk import STOP_EXECUTION


def open_gates(subject: Subject) -> Iterator[Finding]:
    """A Python gate that is silent has said yes; only a graph can say no in its place."""
    if not subject.can_block:
        return
    for node, module in subject.python():
        if module.blocking and not _fail_closed(subject, node):
            yield Finding(
                "warning",
                "fails-open",
                node,
                "When misp-modules is down, slow or answers nonsense, MISP takes the silence for a yes.",
                "Let the gate leave a tag when it approves, and put reload-full-event, IF :: Tag and stop-execution on "
                "the else path behind it (docs/gates.md).",
            )


def _fail_closed(subject: Subject, gate: Node) -> bool:
    after = subject.reachable(gate)
    stops = subject.workflow.graph.find(STOP_EXECUTION)
    return any("output_2" in after.get(node.key, ()) for node in stops)


def silent_failures(subject: Subject) -> Iterator[Finding]:
    """On a blocking trigger a failing module that does not block is passed over."""
    if not subject.can_block:
        return
    for node, module in subject.python():
        if not module.blocking and any(other.module != node.module for other in _actions_after(subject, node)):
            yield Finding("warning", "goes-on", node, "When it fails, the nodes behind it run all the same.",
                          "Do not let them rely on it.")  # fmt: skip


def _actions_after(subject: Subject, node: Node) -> Iterator[Node]:
    for key in subject.reachable(node):
        other = subject.workflow.graph.nodes.get(key)
        if other is not None and other.type == "action":
            yield other


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
        for name in node.params:
            if name not in known:
                yield Finding("warning", "unknown-parameter", node, f"The module has no parameter '{name}'.",
                              "It is ignored; look for a misspelt name.")  # fmt: skip
        for name, spec in specs.items():
            empty = not str(node.params.get(name) or "").strip()
            if spec.get("required") and empty and not str(node.params.get("destination") or "").strip():
                yield Finding("warning", "missing-parameter", node, f"The parameter '{name}' is not set.",
                              "The module will answer with an error.")  # fmt: skip
