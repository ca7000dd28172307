from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts_kit import Shop


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A folder of programs; outside pytest's own, which no other user may enter."""
    if sys.platform != "linux":
        pytest.skip("scripts are run on Linux only")
    folder = Path(tempfile.mkdtemp(prefix="scripts-"))
    folder.chmod(0o755)
    made = Shop(folder)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(made.settings))
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "kept at home")
    yield made
    assert made.settle() == [], "a program left somebody behind"
    shutil.rmtree(folder)
