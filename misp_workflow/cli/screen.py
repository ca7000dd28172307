"""What the commands write with: nothing that stands in an event or an answer commands the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click
import rich.console
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from misp_workflow.printable import printable

UNWRAPPED = 10_000
"""Columns of what is no terminal."""

QUIET = "misp_workflow.quiet"
"""Under what a command remembers --quiet."""

MOST_WRAPPED = 3
"""Columns of a table that may be wrapped: more of them leave nothing of each."""


class Console(rich.console.Console):
    """rich's, with every text in its printable form; what rich itself says to the terminal stays.

    What goes to a file or another program is not wrapped: its lines belong to whoever reads them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rendering = False
        if not (self.is_terminal or "width" in options or "COLUMNS" in os.environ):
            self.width = UNWRAPPED

    def print_hanging(self, markup: str, indent: int) -> None:
        """Print a paragraph: its first line `indent` columns in, and what does not fit there two columns more."""
        lines = Text.from_markup(markup).wrap(self, max(self.width - indent - 2, 1), justify="left")
        for number, line in enumerate(lines):
            self.print(Text(" " * (indent + 2 * bool(number))) + line)

    def print_table(self, table: Table) -> None:
        """Print the table, or, where its columns do not fit side by side, one block of lines for each row."""
        unbound = self.options.update(max_width=UNWRAPPED)
        fits = Measurement.get(self, unbound, table).maximum <= self.width
        if fits or len(table.columns) <= MOST_WRAPPED:
            self.print(table)
            return
        if table.title:
            self.print(table.title, style="italic")
        for first, *others in zip(*(list(column.cells) for column in table.columns), strict=True):
            self.print(first, style="bold")
            for column, cell in zip(table.columns[1:], others, strict=True):
                if str(cell).strip():
                    told = Text.assemble((f"{_plain(column.header)}: ", "dim"), _text(cell))
                    self.print_hanging(told.markup, 2)

    def render(self, renderable: Any, options: rich.console.ConsoleOptions | None = None) -> Iterable[Segment]:
        if isinstance(renderable, Table) and self.width >= UNWRAPPED:
            renderable.expand = False  # there is no edge to reach
        outermost, self._rendering = not self._rendering, True  # within a table spaces keep the columns apart
        try:
            segments = super().render(renderable, options)
            for segment in _unpadded(segments) if outermost and not self.is_terminal else segments:
                yield segment if segment.control else Segment(printable(segment.text), segment.style)
        finally:
            self._rendering = not outermost


def _unpadded(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the segments without the spaces that fill lines up to the edge: a file has none."""
    line: list[Segment] = []
    for segment in segments:
        *ended, begun = segment.text.split("\n") if not segment.control else [segment.text]
        for text in ended:
            yield from _without_end((*line, Segment(text, segment.style)))
            yield Segment.line()
            line = []
        line += [segment._replace(text=begun)] if begun else []
    yield from line


def _without_end(line: Sequence[Segment]) -> Sequence[Segment]:
    while line and not line[-1].control and not line[-1].text.strip(" "):
        line = line[:-1]
    return (*line[:-1], line[-1]._replace(text=line[-1].text.rstrip(" "))) if line else line


def _text(cell: Any) -> Text:
    return cell if isinstance(cell, Text) else Text.from_markup(str(cell))


def _plain(header: Any) -> str:
    return " ".join(_text(header).plain.split())


def note(text: str) -> None:
    """Write a remark to standard error, unless the caller wants none (--quiet); warnings and errors are no remarks."""
    context = click.get_current_context(silent=True)
    if not (context and context.meta.get(QUIET)):
        echo(text, err=True)


def echo(text: str | bytes, *, err: bool = False, nl: bool = True) -> None:
    """Write text, or JSON as bytes of UTF-8, to standard output or standard error."""
    shown = printable(text) if isinstance(text, str) else printable(text.decode()).encode()
    click.echo(shown, err=err, nl=nl)


def echo_list(values: Iterable[Any]) -> None:
    """Write a JSON list to standard output, one item at a time."""
    begun = False
    for value in values:
        echo(("," if begun else "[") + "\n  " + json.dumps(value), nl=False)
        begun = True
    echo("\n]" if begun else "[]")
