"""Rules of what MISP does not store or cannot run. Mirrors WorkflowGraphTool."""

from __future__ import annotations

from collections.abc import Iterator

from misp_workflow import php
from misp_workflow.errors import GraphError, did_you_mean
from misp_workflow.runner.data.triggers import TRIGGERS, find
from misp_workflow.runner.graph import graph as graphs
from misp_workflow.runner.modules.catalogue import came_with, unknown
from misp_workflow.runner.said.check.subject import Finding, Subject

LABEL = "filtering-label"


def one_trigger(subject: Subject) -> Iterator[Finding]:
    """MISP stores no graph without exactly one trigger, and none under a trigger that it does not have."""
    triggers = subject.workflow.graph.triggers
    if len(triggers) != 1:
        named = ", ".join(f"{node.module} ({node.id})" for node in triggers) or "none"
        yield Finding("error", "one-trigger", None, f"A workflow needs exactly one trigger, this one has {named}.",
                      "Keep one.")  # fmt: skip
    for node in triggers:
        if find(node.module) is None:
            said = f"MISP has no such trigger{did_you_mean(node.module, TRIGGERS)}."
            yield Finding("error", "unknown-trigger", node, said, "Choose one that it has.")


def no_cycle(subject: Subject) -> Iterator[Finding]:
    """MISP stores no graph with a cycle."""
    edges = graphs.cycle(subject.workflow.graph)
    if edges:
        way = ", ".join(f"{start.module} ({start.id}) → {end.module} ({end.id})" for start, end in edges)
        yield Finding("error", "cycle", edges[0][0], f"The graph runs in a circle: {way}.", "Remove one connection.")


def one_connection(subject: Subject) -> Iterator[Finding]:
    """MISP stores one connection per output, but for the modules that allow more."""
    for key, targets in graphs.multiple_connections(subject.workflow.graph).items():
        yield Finding(
            "error",
            "several-connections",
            subject.workflow.graph.nodes[key],
            f"One output leads to {len(targets)} nodes.",
            "Put a concurrent-task between them, or connect them one after the other.",
        )


def never_opened(subject: Subject) -> Iterator[Finding]:
    """MISP works out the filters in force on each input; of one that no path reaches it has none, and dies."""
    graph = subject.workflow.graph
    try:
        labels = graphs.filter_labels(graph) if graph.triggers else {}
    except GraphError:  # more paths than anybody can walk: nothing is known of their filters
        return
    for key, reached in labels.items():
        node = graph.nodes[key]
        if unreached := [source for source in _sources(node) if source not in reached]:
            yield Finding(
                "error",
                "never-opened",
                node,
                "A filter is in force here, and another of its inputs comes from a node that no path leads to "
                f"({', '.join(unreached)}): MISP stores and runs this, answers with an internal error, and never shows "
                "or opens the workflow again.",
                "Remove that connection.",
            )


def some_without_label(subject: Subject) -> Iterator[Finding]:
    """MISP pairs the filters of one kind with their labels; where some of them bear none it dies of the pairing."""
    for module in (*graphs.SETTING_FILTERS, graphs.FILTER_RESET):
        nodes = [
            node for node in subject.workflow.graph.nodes.values() if (node.type, node.module) == ("logic", module)
        ]
        without = [node for node in nodes if LABEL not in node.params]
        if without and len(without) < len(nodes):
            yield Finding(
                "error",
                "no-label",
                without[0],
                f"Another {module} has a label ({LABEL}) and this one has none: MISP stores and runs this, answers "
                "with an internal error, and never shows or opens the workflow again.",
                "Write the label at each of them, as MISP's editor does.",
            )


def _sources(node: graphs.Node) -> list[str]:
    """The nodes that a node's own list of inputs names."""
    ports = php.values(php.to_array(node.raw.get("inputs")))
    edges = [edge for port in ports for edge in php.values(php.to_array(php.item(port, "connections")))]
    return [php.to_string(php.item(edge, "node")) for edge in edges]


def odd_parts(subject: Subject) -> Iterator[Finding]:
    """MISP stores no node whose data, and no connection that, is a text, and no output whose connections are no list.

    Of other odd things it takes no notice, or dies when it gets there.
    """
    for node in subject.nodes:
        ports = php.values(php.to_array(node.raw.get("outputs")))
        lists = [php.item(port, "connections") for port in ports if php.is_array(port) and port]
        links = [link for links in lists if php.is_array(links) for link in php.values(links)]
        odd = [part for part in (node.raw.get("data"), *links) if isinstance(part, str)]
        if odd or not all(map(php.is_array, lists)):
            said = "Its data or one of its connections is no object, or an output has no list of connections."
            yield Finding("error", "not-stored", node, f"{said} MISP does not store that.", "Export it from MISP anew.")


_A = {"action": "an action", "logic": "a logic"}


def unknown_modules(subject: Subject) -> Iterator[Finding]:
    """A module that MISP does not know fails at every run; a logic module then takes its else path."""
    misp = subject.world.misp
    for node in subject.nodes:
        if node.type not in ("logic", "action") or subject.module(node) is not None:
            continue
        if since := came_with(node.module, misp):
            said, advice = f"{unknown(node.module, misp)}.", f"Upgrade to {since} or later, or remove the node."
        else:
            near = did_you_mean(node.module, subject.modules.by_type[node.type])
            said = f"Neither MISP nor the misp-modules asked here has {_A[node.type]} module of this name{near}."
            advice = "Install it, or remove the node."
        yield Finding("error", "unknown-module", node, said, advice)
