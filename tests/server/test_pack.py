"""The pack in the real misp-modules server, asked as a real MISP asks."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from misp_workflow.testing import Receiver, answer
from misp_workflow.testing.contract import ActionFile, sample_params, trouble_with

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]
ACTION_FILES = sorted((ROOT / "misp_modules" / "modules" / "action_mod").glob("*.py"))
NAMES = {path.stem for path in ACTION_FILES}


def test_the_command_of_the_readme_shows_every_action(misp_modules_server, program):
    [wanted] = set(
        re.findall(r"curl -s http://127\.0\.0\.1:6666/modules \| jq '(.*)'", (ROOT / "README.md").read_text())
    )
    status, listing = misp_modules_server.request("GET", "/modules")
    assert status == 200
    shown = subprocess.run([program("jq"), "-c", wanted], input=listing, capture_output=True, check=True).stdout
    versions = {entry["name"]: entry["version"] for entry in map(json.loads, shown.splitlines())}
    assert versions.keys() > NAMES
    assert all(versions[name] for name in NAMES)


def test_the_log_has_no_failure_of_ours(misp_modules_server):
    assert misp_modules_server.loaded() >= NAMES
    assert not NAMES & misp_modules_server.failed().keys()


@pytest.mark.parametrize("path", ACTION_FILES, ids=lambda path: path.stem)
def test_every_captured_body_is_answered(path: Path, misp_modules_server, captures):
    with Receiver() as receiver:
        receiver.always(answer({"ok": True}))
        params = sample_params(ActionFile.load(path), receiver.url)
        for trigger, body in captures.items():
            for given in (params, dict.fromkeys(params, ""), []):
                reply = misp_modules_server.query({**body, "module": path.stem, "params": given})
                assert trouble_with(reply) == "", trigger
    assert "Something went wrong when processing" not in misp_modules_server.log()


@pytest.fixture(scope="module")
def big() -> bytes:
    return b'{"Event":{"info":"' + b"x" * 50_000_000 + b'"}}'


@pytest.mark.parametrize("path", ACTION_FILES, ids=lambda path: path.stem)
def test_big_and_deep_requests_are_answered(path: Path, misp_modules_server, big: bytes):
    start = json.dumps({"module": path.stem, "params": []}).encode()[:-1]
    for data in (b'{"a":' * 500 + b"1" + b"}" * 500, big):
        body = b"".join((start, b',"data":', data, b"}"))
        assert trouble_with(misp_modules_server.query(body)) == ""
    assert misp_modules_server.query({"module": "testaction"}) == {"data": True}
