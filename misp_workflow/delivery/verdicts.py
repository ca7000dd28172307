"""How often each gate passed, refused and could not decide, for monitoring: one byte a verdict.

    <state folder>/verdicts/publish_gate.passed

The size of a file is the count. Several processes append to it at once without a lock, kill -9 loses nothing, and there
is nothing to read back in.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from misp_workflow.printable import logger
from misp_workflow.settings import state

Verdict = Literal["passed", "refused", "undecided"]

LOG = logger("misp_workflow.delivery")
NAME = "verdicts"


def count(state_folder: Path, gate: str, verdict: Verdict) -> None:
    """Count one verdict. That it cannot be counted is logged, and changes no verdict."""
    folder = state_folder / NAME
    try:
        try:
            _append(folder / f"{gate}.{verdict}")
        except FileNotFoundError:
            state.prepare(state_folder)
            folder.mkdir(mode=0o700, exist_ok=True)
            _append(folder / f"{gate}.{verdict}")
    except OSError as error:
        LOG.warning("The verdicts of %s are not counted: %s", gate, error.strerror)


def counts(state_folder: Path) -> dict[tuple[str, str], int]:
    """Return how often, by gate and verdict."""
    try:
        files = sorted((state_folder / NAME).iterdir())
    except OSError:
        return {}
    return {(file.stem, file.suffix.lstrip(".")): file.stat().st_size for file in files}


def _append(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, b".")
    finally:
        os.close(descriptor)
