"""The graph that the editor stores, read once; what MISP refuses in it and warns of.

Mirrors WorkflowGraphTool with its GraphUtil, MultipleOutputConnectionGraph, PathWarningsGraph and GraphWalker.
A stored graph is drawflow's:

    {"1": {"id": 1, "data": {…}, "outputs": {"output_1": {"connections": [{"node": "2"}]}}}, …}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow import php
from misp_workflow.errors import GraphError, PhpCrash

CONCURRENT_TASK = "concurrent-task"
FILTER = "generic-filter-data"
FILTER_RESET = "generic-filter-reset"
FILTER_TAG = "filter-tag"
FILTER_TIMESTAMP = "filter-timestamp"
SETTING_FILTERS = (FILTER, FILTER_TAG, FILTER_TIMESTAMP)
BLOCKING_AFTER_CONCURRENT = "This path leads to a blocking node from a non-blocking context"

# MISP walks every path anew, so a graph of joined branches can hold more steps than any machine has time for.
MAX_STEPS = 100_000


@dataclass(frozen=True)
class Edge:
    """One connection: from which node, at which output and position, to which node (both as keys of the graph)."""

    source: str
    output: str
    position: int
    target: str

    def __str__(self) -> str:
        return f"{self.source}:{self.output}:{self.position}:{self.target}"


class Path:
    """The edges that led to a node, in order. Paths share their beginnings, so that a long one is cheap to note."""

    __slots__ = ("_hash", "_length", "before", "edge")

    def __init__(self, before: Path | None = None, edge: Edge | None = None) -> None:
        self.before, self.edge = before, edge
        self._length = 0 if before is None else len(before) + 1
        self._hash = hash((None if before is None else hash(before), edge))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Edge]:
        edges = []
        path: Path | None = self
        while path is not None and path.edge is not None:
            edges.append(path.edge)
            path = path.before
        return reversed(edges)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self._hash == other._hash and list(self) == list(other)


START = Path()
"""The path to where a walk begins."""


@dataclass(frozen=True)
class Node:
    """One box of the editor. `id` is what MISP prints; `key` is the place in the stored graph, usually the same."""

    key: str
    id: int | float | str | None
    type: str
    module: str
    params: Mapping[str, Any]
    filters: Mapping[str, Any]
    outputs: Mapping[str, tuple[Edge, ...]]
    multiple_connections: bool
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def position(self) -> tuple[float, float]:
        """Where the editor draws the node, in pixels."""
        x, y = self.raw.get("pos_x"), self.raw.get("pos_y")
        return (x if isinstance(x, (int, float)) else 0.0, y if isinstance(y, (int, float)) else 0.0)

    def edges(self) -> Iterator[Edge]:
        for edges in self.outputs.values():
            yield from edges


@dataclass(frozen=True)
class Graph:
    """The nodes in the order in which they are stored."""

    nodes: Mapping[str, Node]

    @classmethod
    def parse(cls, stored: Any) -> Graph:
        """Read what MISP stores as a workflow's `data`. Raises GraphError when it is no graph at all."""
        if isinstance(stored, list):
            stored = {str(index): node for index, node in enumerate(stored)}
        if not isinstance(stored, Mapping):
            raise GraphError("The workflow's graph is neither an object nor a list of nodes.")
        # Frames, MISP's grouping rectangles, stand beside the nodes and are none. Nor is what is empty or no object.
        return cls(
            {str(key): _node(str(key), node) for key, node in stored.items() if key != "_frames" and _some(node)}
        )

    @property
    def triggers(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.type == "trigger"]

    def find(self, module: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.module == module]


def _some(stored: Any) -> bool:
    """Whether something is a node, or a text, which MISP does not store; of anything else it takes no notice."""
    return isinstance(stored, str) or (isinstance(stored, Mapping) and bool(stored))


def _node(key: str, stored: Any) -> Node:
    if not isinstance(stored, Mapping):
        raise GraphError(f"Node {key} of the workflow is a text, which MISP does not store.")
    data = stored.get("data")
    data = data if isinstance(data, Mapping) else {}
    node_id = stored.get("id")
    return Node(
        key=key,
        id=node_id if isinstance(node_id, (int, float, str)) else None,
        type=_text(data.get("module_type")),
        module=_text(data.get("id")),
        params=as_mapping(php.canonical(data.get("indexed_params"))),
        filters=as_mapping(php.canonical(data.get("saved_filters"))),
        outputs={name: _connections(key, name, output) for name, output in as_mapping(stored.get("outputs")).items()},
        multiple_connections=php.truthy(data.get("multiple_output_connection")),
        raw=stored,
    )


def _connections(source: str, name: str, output: Any) -> tuple[Edge, ...]:
    connections = output.get("connections") if isinstance(output, Mapping) else None
    if isinstance(connections, Mapping):
        connections = list(connections.values())
    if not isinstance(connections, list):
        return ()
    # What is no connection leads to no node, and so to MISP's death.
    targets = (one.get("node") if isinstance(one, Mapping) else None for one in connections)
    return tuple(
        Edge(source, name, position, php.array_key(target))
        for position, target in enumerate(targets)
        if not php.is_array(target)
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_mapping(value: Any) -> Mapping[str, Any]:
    """A PHP array as a mapping; empty for what is none."""
    if isinstance(value, Mapping):
        return value
    return {str(index): item for index, item in enumerate(value)} if isinstance(value, list) else {}


# --- walking ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """A node reached, and the edges that led there."""

    node: Node
    path: Path


Choose = Callable[[Visit], Iterable[Edge]]


def walk(graph: Graph, start: Node, choose: Choose, *, max_steps: int = MAX_STEPS) -> Iterator[Visit]:
    """Visit the nodes depth first, the start included, each as often as paths lead to it.

    No edge is taken twice within one path, so cycles end. `choose` says which edges leave a node and is asked after the
    visit of that node was consumed. Raises PhpCrash where MISP follows an edge to a node that is not there, and
    GraphError after `max_steps` visits.
    """
    first = Visit(start, START)
    yield first
    stack: list[tuple[Path, Iterator[Edge]]] = [(START, iter(choose(first)))]
    taken: set[Edge] = set()
    steps = 1
    while stack:
        path, edges = stack[-1]
        edge = next((edge for edge in edges if edge not in taken), None)
        if edge is None:
            stack.pop()
            taken.difference_update(() if path.edge is None else (path.edge,))
            continue
        steps += 1
        if steps > max_steps:
            raise GraphError(
                "The walk was given up, for it has no end in sight: MISP runs a node once for every path that leads to "
                "it, and this graph has too many paths. Join fewer branches, or remove the cycle."
            )
        node = graph.nodes.get(edge.target)
        if node is None:
            raise PhpCrash(
                "TypeError", "Workflow::executeNode(): Argument #1 ($node) must be of type array, null given"
            )
        visit = Visit(node, Path(path, edge))
        yield visit
        taken.add(edge)
        stack.append((visit.path, iter(choose(visit))))


def walk_existing(graph: Graph, start: Node) -> Iterator[Visit]:
    """Like walk, for checks before anything runs: edges that lead nowhere are passed over."""
    return walk(graph, start, lambda visit: (edge for edge in visit.node.edges() if edge.target in graph.nodes))


# --- what MISP checks ------------------------------------------------------------------------------------------------


def cycle(graph: Graph) -> list[tuple[Node, Node]]:
    """The edges of the first cycle in the order in which MISP names them; empty when there is none."""
    finished: set[str] = set()
    for node in graph.nodes.values():
        if node.key not in finished and (found := _cycle_from(graph, node, finished)):
            return found
    return []


def _cycle_from(graph: Graph, start: Node, finished: set[str]) -> list[tuple[Node, Node]]:
    trail: list[tuple[Node, Iterator[Node]]] = [(start, _successors(graph, start))]
    open_nodes = {start.key}
    while trail:
        node, successors = trail[-1]
        following = next((other for other in successors if other.key not in finished), None)
        if following is None:
            trail.pop()
            open_nodes.discard(node.key)
            finished.add(node.key)
        elif following.key in open_nodes:
            return _named_backwards([step for step, _ in trail], following)
        else:
            trail.append((following, _successors(graph, following)))
            open_nodes.add(following.key)
    return []


def _successors(graph: Graph, node: Node) -> Iterator[Node]:
    return (graph.nodes[edge.target] for edge in node.edges() if edge.target in graph.nodes)


def _named_backwards(trail: list[Node], head: Node) -> list[tuple[Node, Node]]:
    """From the edge that closes the cycle back to its head; of a loop onto itself, the whole way there too."""
    edges = [(trail[-1], head)]
    for before, after in zip(reversed(trail[:-1]), reversed(trail[1:]), strict=True):
        edges.append((before, after))
        if before.key == head.key:
            break
    return edges


def multiple_connections(graph: Graph) -> dict[str, list[str]]:
    """Targets of outputs that hold more connections than MISP allows, by node. A later output hides an earlier one."""
    return {
        node.key: [edge.target for edge in edges]
        for node in graph.nodes.values()
        if not node.multiple_connections
        for edges in node.outputs.values()
        if len(edges) > 1
    }


@dataclass(frozen=True)
class PathWarning:
    """An edge on the way from a concurrent task to a node that cannot block there."""

    source: str
    target: str
    blocking_node: Node


def path_warnings(graph: Graph, is_blocking: Callable[[Node], bool]) -> list[PathWarning]:
    """Every edge of every path from a concurrent task to a blocking node, as often as there are such paths."""
    return [
        PathWarning(edge.source, edge.target, visit.node)
        for start in graph.find(CONCURRENT_TASK)
        for visit in walk_existing(graph, start)
        if visit.path and is_blocking(visit.node)
        for edge in visit.path
    ]


def filter_labels(graph: Graph) -> dict[str, dict[str, list[str]]]:
    """Labels of the filters in force on each connection, `{node: {node before: [label]}}`.

    Where several paths use a connection, the last one counts, as in the editor. Nodes without any filter are left out.
    Raises PhpCrash for a graph without trigger.
    """
    if not graph.triggers:
        raise PhpCrash(
            "TypeError", "WorkflowGraphTool::getNodeIdForTrigger(): Return value must be of type int, null returned"
        )
    labels: dict[str, dict[str, list[str]]] = {}
    in_force: dict[Path, list[str]] = {}
    for visit in walk_existing(graph, graph.triggers[0]):
        before = in_force.get(visit.path.before or START, [])
        if visit.path.edge is not None:
            labels.setdefault(visit.node.key, {})[visit.path.edge.source] = before
        in_force[visit.path] = _after_filter(visit.node, before)
    return {node: before for node, before in labels.items() if any(before.values())}


def _after_filter(node: Node, labels: list[str]) -> list[str]:
    if node.module in SETTING_FILTERS:
        return [*labels, _text(node.params.get("filtering-label")) or "A"]
    if node.module == FILTER_RESET:
        removed = node.params.get("filtering-label")
        return [] if removed in (None, "all") else [label for label in labels if label != removed]
    return labels
