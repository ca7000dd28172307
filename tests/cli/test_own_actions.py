"""Whose action files are whose, where upstream's lie in the same folder."""

from __future__ import annotations

from importlib.metadata import PackagePath
from pathlib import Path
from types import SimpleNamespace

import pytest

from misp_workflow import installed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation beside misp-modules: one action of ours, one of theirs that cannot be loaded here."""
    place = tmp_path / "misp_modules" / "modules" / "action_mod"
    place.mkdir(parents=True)
    (place / "ours.py").write_text("")
    (place / "theirs.py").write_text("from . import nothing")
    monkeypatch.setattr(installed, "FOLDER", place)
    return place


def listing(*names: str, root: Path) -> SimpleNamespace:
    files = [PackagePath(f"misp_modules/modules/action_mod/{name}") for name in names]
    for file in files:
        file.dist = SimpleNamespace(locate_file=lambda path: root / path)
    return SimpleNamespace(files=files)


def test_ours_are_those_that_the_distribution_lists(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(installed, "distribution", lambda name: listing("ours.py", root=tmp_path))
    assert [file.name for file in installed.own_actions()] == ["ours.py"]


def test_in_a_checkout_all_of_the_folder_are(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(installed, "distribution", lambda name: listing("ours.py", root=tmp_path / "elsewhere"))
    assert [file.name for file in installed.own_actions()] == ["ours.py", "theirs.py"]
