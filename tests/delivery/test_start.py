"""What the server's start costs: nothing is loaded where nothing can wait, and what waits is sent on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from misp_workflow.delivery import OUTBOX_FILE
from misp_workflow.delivery.outbox.on_disk.file import NAME

HEAVY = ["jinja2", "requests", "sqlite3", "cryptography", "misp_workflow.delivery.deliver"]
SERVER_START = """
import threading
from misp_workflow import delivery
delivery.start()
for thread in threading.enumerate():
    if thread.name == "misp-workflow-start":
        thread.join()
"""


def loaded(folder: Path, code: str, config: str = "") -> set[str]:
    """Return what is heavy of what the code loads: who measures coverage has loaded some of it before."""
    environment = {**os.environ, "MISP_WORKFLOW_STATE": str(folder), "MISP_WORKFLOW_CONFIG": config}
    code = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*(sys.modules.keys() - before))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split()).intersection(HEAVY)


def test_the_names_of_the_outbox_agree():
    assert OUTBOX_FILE == NAME


def test_without_an_outbox_nothing_is_loaded(tmp_path: Path):
    assert loaded(tmp_path, SERVER_START) == set()


def test_with_an_outbox_delivery_is_loaded(tmp_path: Path):
    (tmp_path / NAME).touch()
    assert "misp_workflow.delivery.deliver" in loaded(tmp_path, SERVER_START)


def test_with_an_outbox_elsewhere_delivery_is_loaded(tmp_path: Path):
    settings = tmp_path / "settings.toml"
    settings.touch(mode=0o600)
    settings.write_text('[outbox]\nurl = "redis://127.0.0.1:1/0"\n')
    assert "misp_workflow.delivery.deliver" in loaded(tmp_path / "state", SERVER_START, str(settings))


@pytest.mark.parametrize("name", ["misp_workflow.action", "misp_workflow.settings"])
def test_importing_an_action_loads_no_heavy_library(name: str, tmp_path: Path):
    assert loaded(tmp_path, f"import {name}").isdisjoint(["jinja2", "requests", "sqlite3"])
