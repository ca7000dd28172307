"""The gallery shows what the actions say today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_gallery_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("docs_gallery", ROOT / "docs" / "gallery.py")
    assert spec and spec.loader
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    assert (ROOT / "docs" / "gallery.md").read_text() == gallery.page(), "run 'python docs/gallery.py'"
    shown = set(gallery.TRIGGERS)
    assert {path.stem for path in (ROOT / "tests" / "captures").glob("[!v]*.json")} <= shown
