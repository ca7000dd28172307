"""What differs between two versions of a workflow, as a person would say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from misp_workflow.remote.document import Content, same
from misp_workflow.runner.graph import Graph, Node
from misp_workflow.runner.report import secrets_in

Kind = Literal["name", "description", "debug", "node added", "node removed", "node replaced", "parameter", "filter",
               "edge added", "edge removed", "edge moved", "moved", "frame", "detail"]  # fmt: skip
HIDDEN = "***"
LONGEST = 120
"""Characters of a value in a sentence."""
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
    return found


def _of_node(old: Node | None, new: Node | None, before: Graph, after: Graph) -> Iterator[Change]:
    if old is None or new is None:
        node = new or old
        assert node is not None, "one of the two is there"
        kind: Kind = "node added" if old is None else "node removed"
        yield Change(kind, node.key, node.module, "added" if old is None else "removed")
        yield from _edges(old, new, before, after)
        return
    if (old.module, old.type) != (new.module, new.type):
        what = f"takes the place of {old.module}"
        yield Change("node replaced", new.key, new.module, what, old.module, new.module)
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
            what = f"{label} set to {shown(other)}"
        elif name not in new:
            what = f"{label} taken out (was {shown(one)})"
        else:
            what = f"{label}: {shown(one)} → {shown(other)}"
        yield Change(kind, node.key, node.module, what, one, other)


def _edges(old: Node | None, new: Node | None, before: Graph, after: Graph) -> Iterator[Change]:
    node = new or old
    assert node is not None, "one of the two is there"
    outputs = {**(old.outputs if old else {}), **(new.outputs if new else {})}
    for output in sorted(outputs):
        was = [edge.target for edge in (old.outputs.get(output, ()) if old else ())]
        now = [edge.target for edge in (new.outputs.get(output, ()) if new else ())]
        if was == now:
            continue
        way = _way(node, output)
        gone, come = [one for one in was if one not in now], [one for one in now if one not in was]
        if len(gone) == len(come) == 1:
            what = f"{way} leads to {_called(come[0], after)}, no longer to {_called(gone[0], before)}"
            yield Change("edge moved", node.key, node.module, what, gone[0], come[0])
            continue
        for target in come:
            what = f"{way} leads to {_called(target, after)} now"
            yield Change("edge added", node.key, node.module, what, None, target)
        for target in gone:
            what = f"{way} no longer leads to {_called(target, before)}"
            yield Change("edge removed", node.key, node.module, what, target, None)
        if not gone and not come:
            yield Change("edge moved", node.key, node.module, f"{way} leads to the same nodes in another order", was, now)


def _way(node: Node, output: str) -> str:
    if node.type == "logic" and output in ("output_1", "output_2") and len(node.outputs) > 1:
        return "then" if output == "output_1" else "else"
    return output if output != "output_1" else "it"


def _called(key: str, graph: Graph) -> str:
    node = graph.nodes.get(key)
    return f"{node.module} ({key})" if node else f"node {key}, which is not there"


def _details(old: Node, new: Node, hidden: Iterable[str]) -> Iterator[Change]:
    """What no other rule speaks of: the editor's own members, and its double book-keeping of connections."""
    parts = [(name, old.raw.get(name), new.raw.get(name)) for name in sorted((old.raw.keys() | new.raw.keys()) - OWN)]
    one, other = old.raw.get("data"), new.raw.get("data")
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = sorted((one.keys() | other.keys()) - {"indexed_params", "saved_filters"})
        parts += [(f"data.{name}", one.get(name), other.get(name)) for name in names if name not in ("id", "module_type")]
    if old.outputs == new.outputs:
        parts += [(name, old.raw.get(name), new.raw.get(name)) for name in ("inputs", "outputs", "id")]
    for name, was, now in parts:
        if not same(was, now):
            if any(secret in str(was) or secret in str(now) for secret in hidden):
                was = now = HIDDEN
            what = f"{name}: {shown(was)} → {shown(now)}"
            yield Change("detail", new.key, new.module, what, was, now)


def shown(value: Any) -> str:
    """Return a value as it stands in a sentence."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        words = ", ".join(map(str, value)) or "nothing"
    else:
        words = "nothing" if value in (None, "") else f"“{value}”" if isinstance(value, str) else str(value)
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _number(key: str) -> tuple[int, str]:
    return (int(key) if key.isdecimal() else 10**9, key)
