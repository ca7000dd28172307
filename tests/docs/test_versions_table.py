"""The page about fidelity says of versions what the engine's tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from misp_workflow.runner.data.profiles import CHANGES, MIRRORED

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_tables_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("docs_versions", DOCS / "versions.py")
    assert spec and spec.loader
    versions = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(versions)
    text = (DOCS / "fidelity.md").read_text(encoding="utf-8")
    assert versions.page(text) == text, "run 'python docs/versions.py'"
    rows = [line for line in text.splitlines() if line.startswith(f"| {CHANGES[0].what} |")]
    assert len(rows) == 1 and rows[0].count(" | ") == len(MIRRORED) + 1
