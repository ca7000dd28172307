"""The kit's own server: it starts the real one, reads its log, and stops what it started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from misp_workflow.errors import WorkflowError
from misp_workflow.testing import MispModulesServer, free_port

pytestmark = pytest.mark.server

PLAIN = """
moduleinfo = {"version": "7", "module-type": ["action"], "name": "Plain"}

def handler(q=False):
    return {"data": len(q)}

def introspection():
    return {}

def version():
    return {**moduleinfo, "config": {"params": {}}}
"""


@pytest.fixture
def custom(tmp_path: Path) -> Path:
    (tmp_path / "action_mod").mkdir()
    (tmp_path / "action_mod" / "plain_one.py").write_text(PLAIN)
    (tmp_path / "action_mod" / "needs_more.py").write_text("import no_such_library")
    return tmp_path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_serves_a_custom_folder_beside_upstream(custom: Path):
    with MispModulesServer(custom=custom) as server:
        listed = {module["name"]: module for module in server.modules()}
        assert listed["plain_one"]["meta"]["version"] == "7"
        assert "testaction" in listed
        assert "plain_one" in server.loaded()
        assert server.failed()["needs_more"] == "No module named 'no_such_library'"
        assert server.query(b'{"module": "plain_one"}') == {"data": 23}
        assert server.request("GET", "/healthcheck") == (200, b'{"status":true}')
        pid = server.pid
    assert not alive(pid)


def test_takes_another_port_when_the_wished_one_is_taken(custom: Path):
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        taken = occupied.getsockname()[1]
        with MispModulesServer(taken, custom=custom) as server:
            assert server.port != taken
            assert server.url == f"http://127.0.0.1:{server.port}"
            assert server.modules()


def test_takes_the_wished_port_when_it_is_free(custom: Path):
    wished = free_port()
    with MispModulesServer(wished, custom=custom) as server:
        assert server.port == wished


def test_killed_and_started_again_on_the_same_port(custom: Path):
    with MispModulesServer(custom=custom) as server:
        port, first = server.port, server.pid
        server.kill()
        assert not alive(first)
        with pytest.raises(ConnectionRefusedError):
            server.modules()
        with pytest.raises(WorkflowError, match="not running"):
            _ = server.pid
        server.start()
        assert (server.port, server.modules() != []) == (port, True)


def test_says_why_it_did_not_start(custom: Path):
    (custom / "action_mod" / "broken.py").write_text("1 / 0")
    with (
        pytest.raises(WorkflowError, match=r"(?s)did not start.*ZeroDivisionError") as caught,
        MispModulesServer(custom=custom),
    ):
        pass
    assert "\n" in str(caught.value)


def test_environment_reaches_the_server(custom: Path):
    source = PLAIN.replace("len(q)", "__import__('os').environ['MISP_WORKFLOW_STATE']")
    (custom / "action_mod" / "plain_one.py").write_text(source)
    with MispModulesServer(custom=custom, environment={"MISP_WORKFLOW_STATE": "/nowhere"}) as server:
        assert server.query({"module": "plain_one"}) == {"data": "/nowhere"}


def test_a_port_is_given_to_one_only_before_somebody_listens_there(monkeypatch: pytest.MonkeyPatch):
    """Two servers that were started at once were given the same one now and then, and one of them failed."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    given: list[set[int]] = []
    for worker in ("gw0", "gw2", "gw4"):  # one that takes the place of another has a new number
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        given.append({free_port() for _ in range(40)})
        assert len(given[-1]) == 40
    assert not given[0] & given[1] and not given[1] & given[2] and not given[0] & given[2]
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "1")
    assert free_port() not in given[2]
