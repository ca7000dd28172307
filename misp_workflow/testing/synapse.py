"""A real Matrix homeserver for tests: matrix-synapse with its own folder, on a loopback port.

    with Synapse(folder) as server:
        token = server.register("misp")
        room = server.create_room(token)

Needs matrix-synapse (`pip install matrix-synapse`) in the Python that is given, by default this one. Users are made
with the registration secret, which only this server knows.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from misp_workflow.errors import WorkflowError
from misp_workflow.testing.server import end, free_port

CONFIG = """
server_name: localhost
pid_file: {folder}/synapse.pid
listeners:
  - {{port: {port}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: "{folder}/synapse.db"}}}}
log_config: {folder}/log.yaml
media_store_path: {folder}/media
signing_key_path: {folder}/signing.key
registration_shared_secret: {secret}
macaroon_secret_key: {secret}
form_secret: {secret}
report_stats: false
trusted_key_servers: []
suppress_key_server_warning: true
rc_message: {{per_second: 1000, burst_count: 1000}}
"""
LOG_CONFIG = """
version: 1
handlers: {out: {class: logging.StreamHandler}}
root: {level: WARNING, handlers: [out]}
"""


class Synapse:
    """The homeserver; a context manager. `folder` is where it keeps everything.

    WorkflowError, with the end of its log, when it does not start.
    """

    def __init__(self, folder: Path, python: str = sys.executable, patience: float = 120.0) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._python, self._patience = folder, python, patience
        self._secret = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Synapse:
        config = self._folder / "homeserver.yaml"
        config.write_text(CONFIG.format(folder=self._folder, port=self.port, secret=self._secret))
        (self._folder / "log.yaml").write_text(LOG_CONFIG)
        command = [self._python, "-m", "synapse.app.homeserver", "--config-path", str(config)]
        subprocess.run([*command, "--generate-keys"], check=True, capture_output=True, cwd=self._folder)  # noqa: S603
        with (self._folder / "out.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - no shell
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server's process."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def register(self, name: str, *, admin: bool = False) -> str:
        """Make a user and return an access token.

        https://element-hq.github.io/synapse/latest/admin_api/register_api.html
        """
        nonce = self.ask("GET", "/_synapse/admin/v1/register")["nonce"]
        role, password = "admin" if admin else "notadmin", secrets.token_hex(8)
        signed = "\0".join([nonce, name, password, role]).encode()
        mac = hmac.new(self._secret.encode(), signed, hashlib.sha1).hexdigest()
        user = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        return str(self.ask("POST", "/_synapse/admin/v1/register", user)["access_token"])

    def create_room(self, token: str) -> str:
        """Make a room and return its id."""
        return str(self.ask("POST", "/_matrix/client/v3/createRoom", {}, token)["room_id"])

    def messages(self, token: str, room: str) -> list[dict[str, Any]]:
        """Return the contents of the messages in the room, the oldest first."""
        path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/messages?dir=f&limit=1000"
        events = self.ask("GET", path, token=token)["chunk"]
        return [event["content"] for event in events if event["type"] == "m.room.message"]

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """One request of the client or the admin API; WorkflowError for any answer but 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            said = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise WorkflowError(f"Synapse answered {response.status} to {method} {path}: {said[:300]!r}")
        return json.loads(said)

    def _wait(self) -> None:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                self.ask("GET", "/_matrix/client/versions")
            except (OSError, WorkflowError):
                time.sleep(0.1)
            else:
                return
        log = (self._folder / "out.log").read_text(errors="replace")
        raise WorkflowError(f"The Matrix server did not start. The end of its log:\n{log[-2000:]}")
