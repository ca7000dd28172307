"""The pytest plugin in somebody else's project: fixtures are there, their own actions are served."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

ACTION = """
import json, urllib.request

def handler(q=False):
    url = json.loads(q)["params"]["url"]
    with urllib.request.urlopen(urllib.request.Request(url, data=b"hello"), timeout=60) as response:
        return {"data": response.status}

def introspection():
    return {}

def version():
    return {"module-type": ["action"], "name": "Their own", "version": "1", "config": {"params": {"url": {"type": "string"}}}}
"""

TEST = """
from pathlib import Path

import pytest

@pytest.fixture(scope="session")
def misp_modules_custom():
    return Path(__file__).parent

def test_their_own_action(misp_modules_server, receiver):
    assert misp_modules_server.query({"module": "their_own", "params": {"url": receiver.url}}) == {"data": 200}
    assert receiver.requests[0].body == b"hello"

def test_a_fresh_receiver_each_time(receiver):
    assert receiver.requests == []
"""


def test_in_a_project_of_its_own(tmp_path: Path):
    (tmp_path / "action_mod").mkdir()
    (tmp_path / "action_mod" / "their_own.py").write_text(ACTION)
    (tmp_path / "test_theirs.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
