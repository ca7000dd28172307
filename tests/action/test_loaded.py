"""What is loaded is out of the garbage collector's sight after the first call, in misp-modules and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ACTIONS = Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod"
PROGRAM = """
import gc, sys, types
sys.path.insert(0, sys.argv[1])
if sys.argv[2]:
    sys.modules["misp_modules"] = types.ModuleType("misp_modules")
import publish_gate
before = gc.get_freeze_count()
publish_gate.dict_handler({"module": "publish_gate", "data": {"Event": {"info": "x"}}, "params": {}})
first = gc.get_freeze_count()
publish_gate.dict_handler({"module": "publish_gate", "data": {"Event": {"info": "x"}}, "params": {}})
print(before, first > 1000, gc.get_freeze_count() > first)
"""


@pytest.mark.parametrize(("server", "kept"), [("misp-modules", True), ("", False)])
def test_what_is_loaded_is_not_looked_through_again(server: str, kept: bool) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ACTIONS), server], capture_output=True, text=True, timeout=600
    )
    assert ran.stdout.split() == ["0", str(kept), "False"], ran.stderr
