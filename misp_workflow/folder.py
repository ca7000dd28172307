"""Where the actions are: in a checkout beside this package, in an installation in misp-modules' own folder."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "misp_modules" / "modules" / "action_mod"
