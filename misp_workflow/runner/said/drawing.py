"""The graph of a workflow as the editor draws it: boxes and lines, with the way of a run lit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from misp_workflow.runner.graph.graph import Edge, Node

BOX_WIDTH, BOX_HEIGHT, MARGIN = 210, 64, 40
"""Pixels of a node and around the drawing; the editor's nodes are a little larger."""
ASIDE, BELOW = 70, 40
"""Pixels that stay of the gap to the next node, so that more of a graph is seen at once: editors are wide."""
WRONG = ("error", "crash", "unknown", "disabled")
"""Outcomes of a node that are drawn as bad."""


@dataclass(frozen=True)
class Box:
    """A node as it is drawn: where, what became of it ("" when the run never came there), and whether it blocked."""

    node: Node
    x: float
    y: float
    outcome: str
    blocked: bool = False

    @property
    def anchor(self) -> str:
        """Where on the page the node's first step stands."""
        return f"node-{self.node.id}"

    @property
    def decides(self) -> bool:
        """Whether its outputs are a then and an else."""
        return self.node.type == "logic" and self.node.module.endswith(("-if", "_if", "if"))


@dataclass(frozen=True)
class Line:
    """A connection as it is drawn: an SVG path, whether the run took it, its output, and the label there."""

    path: str
    taken: bool
    other: bool
    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """All of a graph, in the pixels of its own size; `first` is the node to be looked at first."""

    boxes: list[Box]
    lines: list[Line]
    width: int
    height: int
    first: Box | None
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def draw(
    nodes: Mapping[str, Node], outcomes: Mapping[str, str], blocking: str | None, taken: Collection[Edge]
) -> Drawing:
    """Return the drawing. `outcomes` say what became of each node, by key, as the run came there; `blocking` is the key
    of the blocker.
    """
    places = _places(nodes.values())
    boxes = {key: Box(node, *places[key], outcomes.get(key, ""), key == blocking) for key, node in nodes.items()}
    width = max((box.x for box in boxes.values()), default=0) + BOX_WIDTH + MARGIN
    height = max((box.y for box in boxes.values()), default=0) + BOX_HEIGHT + MARGIN
    came = [boxes[key] for key in outcomes if key in boxes]
    wrong = [box for box in came if box.blocked] or [box for box in came if box.outcome in WRONG]
    first = next(reversed(wrong or came), None)
    return Drawing([*boxes.values()], _lines(boxes, taken), round(width), round(height), first)


@cache
def template(file: Path, **filters: Any) -> jinja2.Template:
    """Return a page's template, which may use `graph.html` and `style.html` of this folder; everything is escaped."""
    folders = [file.parent, Path(__file__).parent]
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=jinja2.FileSystemLoader(folders)
    )
    environment.filters.update(filters)
    return environment.get_template(file.name)


def _places(nodes: Iterable[Node]) -> dict[str, tuple[float, float]]:
    """Return the editor's places, without wide gaps, at the page's corner; nodes without one of their own in a row."""
    listed = list(nodes)
    places = [node.position for node in listed]
    if len(set(places)) < len(places):
        places = [(index * (BOX_WIDTH + 60.0), (index % 3) * 30.0) for index in range(len(listed))]
    across = _closer([x for x, _ in places], BOX_WIDTH + ASIDE)
    down = _closer([y for _, y in places], BOX_HEIGHT + BELOW)
    return {node.key: (across[x], down[y]) for node, (x, y) in zip(listed, places, strict=True)}


def _closer(places: Iterable[float], most: float) -> dict[float, float]:
    """Return where what stood at each of the places is drawn: in the same order, no further apart than `most`."""
    drawn: dict[float, float] = {}
    at, before = float(MARGIN), None
    for place in sorted(set(places)):
        at += 0 if before is None else min(place - before, most)
        drawn[place], before = at, place
    return drawn


def _lines(boxes: Mapping[str, Box], taken: Collection[Edge]) -> list[Line]:
    return [
        _line(box, target, edge.output == "output_2", edge in taken)
        for box in boxes.values()
        for edge in box.node.edges()
        if (target := boxes.get(edge.target))
    ]


def _line(start: Box, end: Box, second: bool, taken: bool) -> Line:
    x, y = start.x + BOX_WIDTH, start.y + BOX_HEIGHT * (0.72 if second else 0.4)
    label = ("else" if second else "then") if start.decides else ""
    return Line(_curve(x, y, end), taken, second, label, x + 8, y + (16 if second else -7))


def _curve(x1: float, y1: float, end: Box) -> str:
    x2, y2 = end.x, end.y + BOX_HEIGHT / 2
    bend = max(40.0, abs(x2 - x1) / 2)
    return f"M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
