"""A real Node-RED, where it is installed: what it answers is what the action takes for a yes or a no."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing import free_port
from misp_workflow.testing.contract import ActionFile
from misp_workflow.testing.server import end

ACTION = Path(__file__).parents[2] / "misp_modules/modules/action_mod/automation_start.py"
FOLDER = "MISP_WORKFLOW_TEST_NODE_MODULES"
"""Names a node_modules/.bin folder, for those who do not install it for the whole machine."""


def _peer(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get(FOLDER, ""), os.environ["PATH"]]))
    if found is None:
        pytest.skip(f"{name} is not installed here (npm install {name}; {FOLDER} names its node_modules/.bin)")
    return found


def _served(words: list[str], environment: dict[str, str], address: str, folder: Path) -> Iterator[str]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, env={**os.environ, **environment}, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(1800):
            assert process.poll() is None, (folder / "log").read_text()
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except urllib.error.HTTPError as error:
                error.close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        end(process)


FLOW = [
    {"id": "t", "type": "tab", "label": "misp"},
    {"id": "i", "type": "http in", "z": "t", "url": "/misp", "method": "post", "wires": [["o", "f"]]},
    {"id": "o", "type": "http response", "z": "t", "statusCode": "202", "wires": []},
    {"id": "f", "type": "file", "z": "t", "filename": "", "overwriteFile": "true", "wires": [[]]},
    {"id": "s", "type": "http in", "z": "t", "url": "/silent", "method": "post", "wires": [[]]},
]


@pytest.fixture(scope="module")
def node_red(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a real Node-RED, and the file in which its flow writes what it gets."""
    program, folder, port = _peer("node-red"), tmp_path_factory.mktemp("node-red"), free_port()
    flow = [{**node, "filename": str(folder / "got")} if node["type"] == "file" else node for node in FLOW]
    (folder / "flows.json").write_text(json.dumps(flow))
    told = f"uiHost: '127.0.0.1', uiPort: {port}, flowFile: 'flows.json', httpAdminRoot: false"
    (folder / "settings.js").write_text(f"module.exports = {{ {told} }}\n")
    words = [program, "--userDir", str(folder), "--settings", str(folder / "settings.js")]
    for address in _served(words, {"HOME": str(folder)}, f"http://127.0.0.1:{port}", folder):
        _wait_until_loaded(f"{address}/misp")
        yield address, folder / "got"


def _wait_until_loaded(url: str) -> None:
    _wait_for(lambda: _status(url) not in (404, None))


def _status(url: str) -> int | None:
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return None


def _wait_for(ready: Callable[[], Any]) -> Any:
    for _ in range(600):
        if found := ready():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")


def ask(system: str, url: str, data: dict[str, Any], **params: str) -> dict[str, Any]:
    given = {"system": system, "webhook_url": url, "selected_or_all": "all", **params}
    return ActionFile.load(ACTION).module.handler(
        q=json.dumps({"module": "automation_start", "data": data, "params": given})
    )


def test_node_red_starts_a_flow_with_the_event(node_red: tuple[str, Path], captures: dict[str, Any]):
    (address, got), data = node_red, captures["event-publish"]["data"]
    assert ask("node-red", f"{address}/misp", data)["data"]["status"] == "delivered"
    uuid = data["Event"]["uuid"]
    assert _wait_for(lambda: got.exists() and uuid in got.read_text())


def test_node_red_without_such_an_endpoint_is_a_no(node_red: tuple[str, Path], captures: dict[str, Any]):
    assert "404" in ask("node-red", f"{node_red[0]}/nosuch", captures["event-publish"]["data"])["error"]


def test_node_red_without_a_response_node_never_says_yes(node_red: tuple[str, Path], captures: dict[str, Any], rules):
    rules('answer_within = "2 s"\n')
    assert ask("node-red", f"{node_red[0]}/silent", captures["event-publish"]["data"])["data"]["status"] == "queued"


def test_node_red_calls_a_large_body_a_failure_of_its_own(node_red: tuple[str, Path]):
    """apiMaxLength is 5 MB; it answers 500, which no repetition mends: max_bytes of the destination does."""
    text = json.dumps({"text": "x" * 6_000_000}).encode()
    request = urllib.request.Request(f"{node_red[0]}/misp", text, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    refused.value.close()
    assert refused.value.code == 500
