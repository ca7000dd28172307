"""The first thing that a newcomer runs shows a delivery, and nothing that went wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.py"


def test_the_demo_delivers_its_message():
    done = subprocess.run([sys.executable, DEMO], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✔ slack_message (3)" in done.stdout
    assert "success: the event is published\n" in done.stdout
    assert "The receiver got POST /services/soc-chat" in done.stdout
    assert not done.stderr
