"""Every action file there is, and everybody to whom one can speak."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# The events of the guard's own tables, and the templates' corpus of hostile text with what reads it.
sys.path += [str(Path(__file__).parents[1] / room) for room in ("guard", "template")]

from leaks_kit import ACTION_FILES, World

from misp_workflow.testing.contract import ActionFile


@pytest.fixture(scope="session", params=ACTION_FILES, ids=lambda path: path.stem)
def action(request: pytest.FixtureRequest) -> ActionFile:
    return ActionFile.load(request.param)


@pytest.fixture(scope="session")
def _world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def world(_world: World, captures: dict[str, Any], rules: Callable[[str], None]) -> World:
    """Everybody, nothing having come yet, with settings that know MISP and nothing else."""
    _world.remember(captures)
    _world.clear()
    rules(_world.settings())
    return _world
