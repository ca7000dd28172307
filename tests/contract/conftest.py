"""Every action file of this checkout, loaded as `misp-modules -c` loads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from misp_workflow.testing.contract import ActionFile

ACTION_FILES = sorted((Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod").glob("*.py"))


@pytest.fixture(scope="session", params=ACTION_FILES, ids=lambda path: path.stem)
def action(request: pytest.FixtureRequest) -> ActionFile:
    return ActionFile.load(request.param)


@pytest.fixture(scope="session")
def action_files() -> list[Path]:
    return ACTION_FILES
