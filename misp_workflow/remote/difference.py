"""What differs between two versions of a workflow, as a person would say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from misp_workflow.remote.document import Content, same
from misp_workflow.runner.graph.graph import CONCURRENT_TASK, FILTER, FILTER_RESET, Graph, Node
from misp_workflow.runner.said.report import secrets_in
from misp_workflow.words import whole_number

Kind = Literal["name", "description", "debug", "node added", "node removed", "node replaced", "parameter", "filter",
               "edge added", "edge removed", "edge moved", "moved", "frame", "detail"]  # fmt: skip
HIDDEN = "***"
EMPTY = "nothing"
LONGEST = 120
"""Characters of a value in a sentence."""
BRANCHES = {"output_1": "then", "output_2": "else"}
ONE_WAY = {FILTER, FILTER_RESET, CONCURRENT_TASK}
"""Logic modules that decide nothing."""
OWN = {"data", "id", "inputs", "outputs", "pos_x", "pos_y"}
"""Members of a node with rules of their own; the others are details."""


@dataclass(frozen=True)
class Change:
    """One difference. `node` is its number in the graph, "" for the workflow itself; secrets are "***"."""

    kind: Kind
    node: str
    module: str
    what: str
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        return f"{self.module} ({self.node}): {self.what}" if self.node else self.what

    def data(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)


def changes(before: Content, after: Content) -> list[Change]:
    """Return what makes `after` of `before`; nothing exactly when MISP would say that they are the same."""
    found: list[Change] = []
    for kind, old, new in (
        ("name", before.name, after.name),
        ("description", before.description, after.description),
        ("debug", before.debug, after.debug),
    ):
        if old != new:
            label = "debug mode" if kind == "debug" else kind
            found.append(Change(kind, "", "", f"{label}: {shown(old)} → {shown(new)}", old, new))  # type: ignore[arg-type]
    old_graph, new_graph = Graph.parse(before.graph), Graph.parse(after.graph)
    for key in sorted(old_graph.nodes.keys() | new_graph.nodes.keys(), key=_number):
        found += _of_node(old_graph.nodes.get(key), new_graph.nodes.get(key), old_graph, new_graph)
    if not same(before.graph.get("_frames"), after.graph.get("_frames")):
        found.append(Change("frame", "", "", "the frames around nodes are others"))
    if not found and before.fingerprint != after.fingerprint:
        found.append(Change("detail", "", "", "something that only the editor reads"))
    return found


def _of_node(old: Node | None, new: Node | None, before: Graph, after: Graph) -> Iterator[Change]:
    if old is None or new is None:
        node = new or old
        assert node is not None, "one of the two is there"
        kind: Kind = "node added" if old is None else "node removed"
        yield Change(kind, node.key, node.module, "added" if old is None else "removed")
        if new is not None:
            yield from _edges(None, new, before, after)
        return
    if (old.module, old.type) != (new.module, new.type):
        what = f"takes the place of {old.module}"
        yield Change("node replaced", new.key, new.module, what, old.module, new.module)
        yield from _edges(old, new, before, after)
        return
    hidden = {*secrets_in(old.module, old.params, None), *secrets_in(new.module, new.params, None)}
    yield from _values("parameter", new, old.params, new.params, hidden)
    yield from _values("filter", new, old.filters, new.filters, hidden)
    yield from _edges(old, new, before, after)
    if old.position != new.position:
        yield Change("moved", new.key, new.module, "stands elsewhere in the picture", old.position, new.position)
    yield from _details(old, new, hidden)


def _values(
    kind: Kind, node: Node, old: Mapping[str, Any], new: Mapping[str, Any], hidden: Iterable[str]
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        if same(one, other) and (name in old) == (name in new):
            continue
        if any(secret in (str(one), str(other)) for secret in hidden):
            one, other = (HIDDEN if value not in (None, "") else value for value in (one, other))
        label = f"filter {name}" if kind == "filter" else name
        if name not in old:
            what = f"{label}: there now, and empty" if shown(other) == EMPTY else f"{label} set to {shown(other)}"
        elif name not in new and shown(one) == EMPTY:
            what = f"{label}: no longer there, and it was empty"
        elif name not in new:
            what = f"{label} taken out (was {shown(one)})"
        else:
            what = f"{label}: {_step(one, other)}"
        yield Change(kind, node.key, node.module, what, one, other)


def _edges(old: Node | None, new: Node, before: Graph, after: Graph) -> Iterator[Change]:
    was, now = _targets(old), _targets(new)
    gone = [(way, one) for way, targets in was.items() for one in targets if one not in now.get(way, ())]
    come = [(way, one) for way, targets in now.items() for one in targets if one not in was.get(way, ())]
    for way, target in come:
        other = next((pair for pair in gone if pair[1] == target), None) or (
            next((pair for pair in gone if pair[0] == way), None)
        )
        called = f"{_way(new, way)} leads to {_called(target, after)}"
        if other is None:
            yield Change("edge added", new.key, new.module, f"{called} now", None, [way, target])
            continue
        gone.remove(other)
        instead = (
            f"{_way(new, other[0])} no longer" if other[1] == target else f"no longer to {_called(other[1], before)}"
        )
        what = f"{called}, {instead}"
        yield Change("edge moved", new.key, new.module, what, list(other), [way, target])
    for way, target in gone:
        what = f"{_way(new, way)} no longer leads to {_called(target, before)}"
        yield Change("edge removed", new.key, new.module, what, [way, target], None)
    for way, targets in now.items():
        if way in was and targets != was[way] and sorted(targets) == sorted(was[way]):
            what = f"{_way(new, way)} leads to the same nodes in another order"
            yield Change("edge moved", new.key, new.module, what, was[way], targets)


def _targets(node: Node | None) -> dict[str, list[str]]:
    return {way: [edge.target for edge in edges] for way, edges in node.outputs.items()} if node else {}


def _way(node: Node, output: str) -> str:
    if node.type == "logic" and node.module not in ONE_WAY and output in BRANCHES:
        return BRANCHES[output]
    return "it" if output == "output_1" else output


def _called(key: str, graph: Graph) -> str:
    node = graph.nodes.get(key)
    return f"{node.module} ({key})" if node else f"node {key}, which is not there"


def _details(old: Node, new: Node, hidden: Iterable[str]) -> Iterator[Change]:
    """What no other rule speaks of: the editor's own members, and its double book-keeping of connections."""
    parts = [(name, old.raw.get(name), new.raw.get(name)) for name in sorted((old.raw.keys() | new.raw.keys()) - OWN)]
    one, other = old.raw.get("data"), new.raw.get("data")
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = sorted((one.keys() | other.keys()) - {"indexed_params", "saved_filters"})
        parts += [
            (f"data.{name}", one.get(name), other.get(name)) for name in names if name not in ("id", "module_type")
        ]
    if old.outputs == new.outputs:
        parts += [(name, old.raw.get(name), new.raw.get(name)) for name in ("inputs", "outputs", "id")]
    for name, was, now in parts:
        if not same(was, now):
            if any(secret in str(was) or secret in str(now) for secret in hidden):
                was = now = HIDDEN
            yield Change("detail", new.key, new.module, f"{name}: {_step(was, now)}", was, now)


def _step(was: Any, now: Any) -> str:
    """From one value to the other, also where both read the same."""
    if shown(was) != shown(now) or HIDDEN in (was, now):
        return f"{shown(was)} → {shown(now)}"
    return "no longer there" if now is None else "there now, and empty" if was is None else "written otherwise"


def shown(value: Any) -> str:
    """Return a value as it stands in a sentence."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        words = ", ".join(map(str, value)) or EMPTY
    else:
        words = EMPTY if value in (None, "") else f"“{value}”" if isinstance(value, str) else str(value)
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _number(key: str) -> tuple[int, str]:
    number = whole_number(key)
    return (10**18 if number is None else number, key)
