"""Looking at an action sends nothing: only misp-modules' own start lets go what waits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ACTION = Path(__file__).resolve().parents[2] / "misp_modules" / "modules" / "action_mod" / "slack_message.py"
LOOK = """
import sys
from pathlib import Path
from misp_workflow import delivery
from misp_workflow.testing.contract import ActionFile
calls = []
delivery.start = lambda: calls.append(1)
if sys.argv[2] == "server":
    import misp_modules
action = ActionFile.load(Path(sys.argv[1])).module
action.introspection(), action.version()
print(len(calls))
"""


@pytest.mark.parametrize(("where", "started"), [("command line", 0), ("server", 2)])
def test_only_the_server_sends_on(where: str, started: int, tmp_path: Path) -> None:
    environment = {**os.environ, "MISP_WORKFLOW_STATE": str(tmp_path)}
    command = [sys.executable, "-c", LOOK, str(ACTION), where]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert int(done.stdout) == started
