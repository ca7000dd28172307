"""What the commands write with: nothing that stands in an event or an answer commands the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
import rich.console
from rich.segment import Segment

from misp_workflow.printable import printable


class Console(rich.console.Console):
    """rich's, with every text in its printable form; what rich itself says to the terminal stays."""

    def render(self, renderable: Any, options: rich.console.ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def echo(text: str | bytes, *, err: bool = False, nl: bool = True) -> None:
    """Write text, or JSON as bytes of UTF-8, to standard output or standard error."""
    shown = printable(text) if isinstance(text, str) else printable(text.decode()).encode()
    click.echo(shown, err=err, nl=nl)
