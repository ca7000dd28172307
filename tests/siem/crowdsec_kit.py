"""The real CrowdSec's local API, as the tests of records start and read it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from programs import running

from misp_workflow.testing import free_port

PASSWORD, BOUNCER = "machine-password-1", "bouncer-key-1234567"
CONFIG = """
common: {{daemonize: false, log_media: stdout, log_level: error, working_dir: .}}
config_paths: {{config_dir: {folder}/, data_dir: {folder}/, hub_dir: {folder}/, index_path: {folder}/index.json,
  simulation_path: {folder}/simulation.yaml, notification_dir: {folder}/, plugin_dir: {folder}/}}
db_config: {{log_level: error, type: sqlite, db_path: {folder}/crowdsec.db, use_wal: true}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {folder}/client.yaml}}
  server: {{log_level: error, listen_uri: "127.0.0.1:{port}", profiles_path: {folder}/profiles.yaml}}
prometheus: {{enabled: false}}
"""
PROFILE = 'name: none\nfilters:\n - "false"\non_success: break\n'


class CrowdSec:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def decisions(self) -> list[dict[str, str]]:
        """Return every decision that a bouncer is told."""
        asked = urllib.request.Request(f"{self.url}/v1/decisions", headers={"X-Api-Key": BOUNCER})
        with urllib.request.urlopen(asked, timeout=60) as found:
            return json.load(found) or []

    def banned(self) -> dict[str, tuple[str, ...]]:
        """Return what a bouncer is told: value -> its decisions' scope, type, origin and scenario."""
        decisions = self.decisions()
        values = [one["value"] for one in decisions]
        assert len(values) == len(set(values)), f"a decision is there twice: {values}"
        return {one["value"]: (one["scope"], one["type"], one["origin"], one["scenario"]) for one in decisions}


@contextmanager
def crowdsec_running(tmp_path: Path, program: Callable[[str], str]) -> Iterator[CrowdSec]:
    """CrowdSec's local API on a free port, with a machine that may decide and a bouncer that reads."""
    daemon, cli, port = program("crowdsec"), program("cscli"), free_port()
    (tmp_path / "config.yaml").write_text(CONFIG.format(folder=tmp_path, port=port))
    (tmp_path / "index.json").write_text("{}")
    (tmp_path / "simulation.yaml").write_text("simulation: off\n")
    (tmp_path / "profiles.yaml").write_text(PROFILE)
    (tmp_path / "client.yaml").write_text(f"url: http://127.0.0.1:{port}/\nlogin: none\npassword: none\n")
    config = str(tmp_path / "config.yaml")
    for words in (
        ["machines", "add", "misp", "--password", PASSWORD, "-f", str(tmp_path / "machine.yaml")],
        ["bouncers", "add", "reader", "-k", BOUNCER],
    ):
        subprocess.run([cli, "-c", config, *words], check=True, capture_output=True)
    with running(daemon, "-c", config, "-no-cs", port=port, log=tmp_path / "log"):
        yield CrowdSec(port)
