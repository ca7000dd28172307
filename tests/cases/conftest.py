from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from brokers import Brokers

from misp_workflow.delivery import deliver
from misp_workflow.testing import free_port
from misp_workflow.testing.misp import MispStandIn
from misp_workflow.testing.server import end

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
def request_tracker(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real RT on SQLite, with its user root and password password."""
    setup = program(RT_SETUP)
    folder, port = tmp_path_factory.mktemp("rt"), free_port()
    (folder / "empty").mkdir()
    (folder / "RT_SiteConfig.pm").write_text(CONFIG.format(folder=folder, port=port))
    told = {"RT_SITE_CONFIG": str(folder / "RT_SiteConfig.pm"), "RT_SITE_CONFIG_DIR": str(folder / "empty")}
    environment = {**os.environ, **told, "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        made = [setup, "--action", "init", "--dba", "", "--dba-password", ""]
        subprocess.run(made, env=environment, cwd=folder, stdout=log, stderr=log, check=True, timeout=1500)
        served = [str(RT_SERVER), "--server", "Starlet", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(served, env=environment, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: _answers(f"{url}/REST/2.0/queues/all"), process)
        yield url
    finally:
        end(process)


REDMINE = Path("/usr/share/redmine")
REDMINE_DATABASE = Path("/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default")
REDMINE_KEY = "0123456789abcdef0123456789abcdef01234567"
WEB_SERVERS = "/usr/share/rubygems-integration/all/gems/webrick-*/lib"


@pytest.fixture(scope="session")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a real Redmine on SQLite, and the key of its admin; too slow a start for continuous integration."""
    servers = sorted(Path("/").glob(WEB_SERVERS.lstrip("/")))
    if not (REDMINE.exists() and servers and os.access(REDMINE_DATABASE, os.R_OK)):
        pytest.skip("redmine with redmine-sqlite and ruby-webrick is not installed here")
    folder, port = tmp_path_factory.mktemp("redmine"), free_port()
    for name in ("config", "files", "log", "tmp"):
        (folder / name).mkdir()
    shutil.copy(REDMINE_DATABASE, folder / "redmine.db")
    (folder / "config" / "database.yml").write_text(
        f"production:\n  adapter: sqlite3\n  database: {folder}/redmine.db\n"
    )
    (folder / "config" / "secret_key.txt").write_text(REDMINE_KEY)
    with contextlib.closing(sqlite3.connect(folder / "redmine.db")) as database, database:
        database.execute("UPDATE users SET must_change_passwd = 0 WHERE login = 'admin'")
        database.execute("INSERT INTO settings (name, value) VALUES ('rest_api_enabled', '1')")
        row = "INSERT INTO tokens (user_id, action, value, created_on, updated_on) VALUES (1, 'api', ?, datetime(), datetime())"
        database.execute(row, [REDMINE_KEY])
    # Debian keeps instances in a folder of its own; the way there is taken from it.
    told = {
        "X_DEBIAN_SITEID": "../" * 12 + str(folder).lstrip("/"),
        "RAILS_ENV": "production",
        "RUBYLIB": str(servers[0]),
    }
    words = ["bin/rails", "server", "-u", "webrick", "-e", "production", "-b", "127.0.0.1", "-p", str(port)]
    with (folder / "out").open("wb") as log:
        environment = {**os.environ, **told, "HOME": str(folder)}
        process = subprocess.Popen(
            [*words, "-P", f"{folder}/pid"], cwd=REDMINE, env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: _answers(f"{url}/issues.json"), process)
        yield url, REDMINE_KEY
    finally:
        end(process)


FLOWINTEL = "MISP_WORKFLOW_TEST_FLOWINTEL"
"""Names a checkout of FlowIntel with its Python environment in `env`, for those who have one."""
SERVE = (
    "import sys; from app import create_app; create_app().run(host='127.0.0.1', port=int(sys.argv[1]), threaded=True)"
)


@pytest.fixture(scope="session")
def flowintel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a real FlowIntel on SQLite, and the key of its admin; no package, so that it is named."""
    checkout = Path(os.environ.get(FLOWINTEL, ""))
    if not os.environ.get(FLOWINTEL) or not (checkout / "app.py").exists():
        pytest.skip(f"{FLOWINTEL} names no checkout of FlowIntel with its environment in env")
    folder, port = tmp_path_factory.mktemp("flowintel") / "flowintel", free_port()
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns("env", ".git", "instance", "node_modules"))
    for name in ("config.py", "config_module.py"):
        shutil.copy(folder / "conf" / f"{name}.default", folder / "conf" / name)
    python = str(checkout / "env" / "bin" / "python")
    told = {**os.environ, "FLASKENV": "testing", "HISTORY_DIR": str(folder / "history"), "PYTHONPATH": str(folder)}
    with (folder / "log").open("wb") as log:
        subprocess.run([python, "app.py", "-i"], env=told, cwd=folder, stdout=log, stderr=log, check=True, timeout=1500)
        words = [python, "-c", SERVE, str(port)]
        process = subprocess.Popen(words, env=told, cwd=folder, stdout=log, stderr=log)
    with contextlib.closing(sqlite3.connect(next((folder / "instance").glob("*.sqlite")))) as database:
        ((key,),) = database.execute("SELECT api_key FROM user WHERE id = 1").fetchall()
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: _answers(f"{url}/api/case/all"), process)
        yield url, key
    finally:
        end(process)


@pytest.fixture
def misp(rules) -> Iterator[MispStandIn]:
    """A stand-in for the operator's MISP, which the settings name."""
    with MispStandIn(recorded=json.loads(RECORDED.read_text())) as standin:
        rules(f'answer_within = "60 s"\n[misp]\nurl = "{standin.url}"\nkey = "{standin.key}"\nverify_tls = false\n')
        yield standin


@pytest.fixture
def redis_settings(brokers: Brokers, rules) -> Iterator[None]:
    """Settings of machines that share a Redis."""
    pytest.importorskip("redis", reason="the extra 'queue' is not installed")
    with brokers("redis") as broker:
        rules(f'answer_within = "60 s"\n[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase of all of them"\n')
        yield
        deliver.stop()


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(6000):
        assert process.poll() is None, "the server ended"
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError("the server did not answer")


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True
