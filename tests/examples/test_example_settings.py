"""The example settings name every place that an example workflow sends to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "workflows").glob("*.json"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_destination_of_the_examples_is_there(file, monkeypatch):
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(ROOT / "examples" / "misp-workflow.toml"))
    told = json.loads(CliRunner().invoke(main, ["check", "--json", str(file)]).output)[str(file)]
    assert [one for one in told if one["rule"] != "fails-open"] == []
