from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lists_kit import write_settings


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put settings with these lists in force: keep({"fw": {"format": "plain"}}, own_domains=[…])."""

    def put_in_force(lists: dict[str, dict[str, Any]], **house: Any) -> Path:
        file = write_settings(tmp_path, lists, **house)
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))
        return tmp_path / "lists"

    return put_in_force
