"""What the command line waits for, where a call of MISP's cannot: MISP's warninglists, read anew by each process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.progress import Progress

from misp_workflow import settings
from misp_workflow.action import params as parameters
from misp_workflow.action.rules import Rule, read_book
from misp_workflow.cli.screen import Console
from misp_workflow.delivery import warninglists
from misp_workflow.errors import InputError, WorkflowError
from misp_workflow.event import text
from misp_workflow.runner.graph.graph import Node

Patterns = tuple[str, ...]


def for_lists_of(rules: Iterable[Rule]) -> None:
    """Wait for the warninglists that the rules name; InputError when they cannot be had."""
    _wait(rule.values.warninglists for rule in rules)


def for_lists_in(nodes: Iterable[Node], *, send: bool = False) -> None:
    """Wait for the warninglists that nodes need; what cannot be had the action itself will say.

    `send`: the run is not dry, so those too that keep values out of lists for devices.
    """
    for node in nodes:
        for patterns in (*_named(node), *(_kept_out(node) if send else ())):
            try:
                _wait([patterns])
            except InputError:
                continue


def _wait(wanted: Iterable[Patterns]) -> None:
    found = [patterns for patterns in dict.fromkeys(wanted) if patterns]
    if not found:
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading the warninglists …", total=None)

        def told(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of or None)

        for patterns in found:
            warninglists.load(patterns, told)


def _named(node: Node) -> Iterator[Patterns]:
    yield _listed(node.params.get("warninglists"))
    name = text(node.params.get("rules")).strip()
    try:
        book = settings.current().rules.get(name)
        yield from (rule.values.warninglists for rule in (read_book(book) if book else ()))
    except WorkflowError:
        return


def _kept_out(node: Node) -> Iterator[Patterns]:
    place = settings.current().destinations.get(text(node.params.get("destination")).strip())
    if place is not None and place.list is not None:
        yield place.list.warninglists


def _listed(value: object) -> Patterns:
    """Return the patterns as an action reads them."""
    spec = {"type": "large_string", "format": "list", "description": ""}
    found: Patterns = parameters.read({"it": spec}, {"it": value if isinstance(value, str) else ""}, {}).it
    return found
