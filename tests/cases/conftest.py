from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from misp_workflow.delivery import deliver
from misp_workflow.testing import free_port
from misp_workflow.testing.misp import MispStandIn

RECORDED = Path(__file__).parents[1] / "misp" / "recorded" / "exchanges.json"
RT_SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
RT_SETUP = "rt-setup-database-5"
CONFIG = """
Set($rtname, 'example.org');
Set($Organization, 'example.org');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.db');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($MailCommand, 'testfile');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'error');
1;
"""


@pytest.fixture(scope="session")
def request_tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real RT on SQLite, with its user root and password password."""
    setup = shutil.which(RT_SETUP, path=f"{os.environ['PATH']}:/usr/sbin")
    if setup is None or not RT_SERVER.exists():
        pytest.skip("request-tracker5 is not installed here")
    folder, port = tmp_path_factory.mktemp("rt"), free_port()
    (folder / "empty").mkdir()
    (folder / "RT_SiteConfig.pm").write_text(CONFIG.format(folder=folder, port=port))
    told = {"RT_SITE_CONFIG": str(folder / "RT_SiteConfig.pm"), "RT_SITE_CONFIG_DIR": str(folder / "empty")}
    environment = {**os.environ, **told, "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        made = [setup, "--action", "init", "--dba", "", "--dba-password", ""]
        subprocess.run(made, env=environment, cwd=folder, stdout=log, stderr=log, check=True, timeout=300)
        served = [str(RT_SERVER), "--server", "Starlet", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(served, env=environment, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: _answers(f"{url}/REST/2.0/queues/all"), process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def misp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MispStandIn]:
    """A stand-in for the operator's MISP, which the settings name."""
    with MispStandIn(recorded=json.loads(RECORDED.read_text())) as standin:
        file = tmp_path / "settings.toml"
        file.write_text(
            f'answer_within = "30 s"\n[misp]\nurl = "{standin.url}"\nkey = "{standin.key}"\nverify_tls = false\n'
        )
        file.chmod(0o600)
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))
        yield standin


@pytest.fixture
def redis_settings(program: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of machines that share a Redis, which runs until the test ends."""
    pytest.importorskip("redis", reason="the extra 'queue' is not installed")
    port = free_port()
    words = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    file = tmp_path / "settings.toml"
    told = (
        f'answer_within = "30 s"\n[outbox]\nurl = "redis://127.0.0.1:{port}/0"\nkey = "a pass phrase of all of them"\n'
    )
    file.write_text(told)
    file.chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))
    try:
        _wait_until(lambda: _listens(port), process)
        yield
        deliver.stop()
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        assert process.poll() is None, "the server ended"
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError("the server did not answer")


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
