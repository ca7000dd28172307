"""Message brokers, started for a test and ended with it."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import running
from streams_kit import Start

from misp_workflow.testing import free_port


@pytest.fixture
def nothing_left_for_other_tests() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a broker on a free port, and stop it by its process id: start(program, *arguments with {port})."""
    with contextlib.ExitStack() as started:

        def start_one(*command: str, port: int | None = None, **environment: str) -> int:
            number = port or free_port()
            words = [word.replace("{port}", str(number)).replace("{folder}", str(tmp_path)) for word in command]
            log, told = tmp_path / f"log-{number}", {**os.environ, **environment}
            started.enter_context(running(*words, port=number, log=log, env=told))
            return number

        yield start_one
