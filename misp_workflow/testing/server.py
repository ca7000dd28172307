"""The real misp-modules server as a process of its own, with the pack in it."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from misp_workflow.errors import WorkflowError

STARTED = "MISP modules server started on"
LOADED = re.compile(r"MISP module (\S+) \(type=\w+\) imported")
FAILED = re.compile(r"MISP module (\S+) \(type=\w+\) failed: (.*)")
GRACE = 5.0  # seconds a server gets to end by itself before it is killed


_SERVERS_PORTS = range(20_000, 32_000)
"""Below what systems give to clients: one that asks again and again for a server that is away could be given that
server's port, meet itself there, and keep the server from coming back."""


_GIVEN: deque[int] = deque(maxlen=50)
"""Those given out last: whoever asked for them may not listen yet."""


def _own_ports() -> range:
    """Each of several workers of pytest-xdist has its own: what another asked for is free until somebody listens."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0"
    return _SERVERS_PORTS[int(number) % workers :: workers]


def free_port(wanted: int = 0, host: str = "127.0.0.1") -> int:
    """Return `wanted` when nobody listens there, else any port that is free right now."""
    drawn = random.SystemRandom().sample(_own_ports(), 100)  # tests that draw examples seed the common one
    others = [port for port in drawn if port not in _GIVEN]
    for port in (wanted, *others) if wanted else others:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            _GIVEN.append(port)
            return port
    raise WorkflowError(f"No free port on {host}.")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process that was started here to end; kill it when it does not within GRACE seconds."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def pack_folder() -> Path | None:
    """The folder for `misp-modules -c` that holds the pack's actions; None when misp-modules finds them by itself.

    A wheel puts them into misp-modules' own folder. A checkout, an editable install included, leaves them where they
    are.
    """
    ours = Path(__file__).resolve().parents[2] / "misp_modules" / "modules"
    spec = find_spec("misp_modules")
    upstream = (
        [Path(folder).resolve() / "modules" for folder in (spec.submodule_search_locations or [])] if spec else []
    )
    return None if ours in upstream or not (ours / "action_mod").is_dir() else ours


class MispModulesServer:
    """misp-modules on a loopback port; a context manager that stops the process it started.

    `port`: the wished one; when it is taken, or 0, any free one (read `.port`). `custom`: what `-c` gets; by default
    the pack's folder where that is needed. `environment` is laid over this process's own. `python` may belong to
    another virtual environment. WorkflowError, with the end of the log, when the server does not come up.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        custom: Path | str | None = "pack",
        environment: Mapping[str, str] | None = None,
        python: Path | str = sys.executable,
        patience: float = 300.0,
    ) -> None:
        self.host = host
        self.port = port
        self._custom = pack_folder() if custom == "pack" else custom
        self._environment = {**os.environ, **(environment or {})}
        self._python = str(python)
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        # The server also works in this folder, so that nothing is imported from where the caller happens to stand.
        self._folder = tempfile.TemporaryDirectory(prefix="misp-modules-")
        self._log = Path(self._folder.name) / "server.log"

    @property
    def url(self) -> str:
        """What MISP's setting Plugin.Action_services_url and _port would say."""
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running server; WorkflowError when it is not running."""
        if self._process is None:
            raise WorkflowError("The misp-modules server is not running.")
        return self._process.pid

    def __enter__(self) -> MispModulesServer:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and remove the log. Leaving the context does it."""
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Start, and return once the server answers. A port that somebody took in between is replaced."""
        for _ in range(3):
            self.port = free_port(self.port, self.host)
            before = len(self.log())
            self._launch()
            if self._came_up(before):
                return
            if "Address already in use" not in self.log()[before:]:
                break
        raise WorkflowError(f"The misp-modules server did not start. The end of its log:\n{self.log()[-2000:]}")

    def stop(self) -> None:
        """Ask the server to end; kill it when a module holds it up. Nothing happens when it is not running."""
        if self._process is None:
            return
        end(self._process)
        self._process = None

    def kill(self) -> None:
        """End the server the hard way (SIGKILL), as a crash or the out-of-memory killer would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """Everything the server has written, over all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def loaded(self) -> set[str]:
        """Names of the modules that the server says it imported."""
        return set(LOADED.findall(self.log()))

    def failed(self) -> dict[str, str]:
        """Modules that the server could not import, with its reason. Many of upstream's are here: they need extras."""
        return dict(FAILED.findall(self.log()))

    def modules(self) -> list[dict[str, Any]]:
        """What MISP gets from GET /modules."""
        listed: list[dict[str, Any]] = json.loads(self.request("GET", "/modules")[1])
        return listed

    def query(self, body: Mapping[str, Any] | bytes, timeout: float = 60.0) -> Any:
        """POST a request as MISP does, and return the decoded answer; ValueError when it is not JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return json.loads(self.request("POST", "/query", raw, timeout)[1])

    def request(self, method: str, path: str, body: bytes | None = None, timeout: float = 60.0) -> tuple[int, bytes]:
        """One HTTP request to the server: its status and body. OSError as the network gives it."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _launch(self) -> None:
        command = [self._python, "-m", "misp_modules", "-l", self.host, "-p", str(self.port)]
        if self._custom is not None:
            command += ["-c", str(Path(self._custom).resolve())]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                command,
                cwd=self._folder.name,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _came_up(self, before: int) -> bool:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self._process = None
                return False
            if STARTED in self.log()[before:]:
                return True
            time.sleep(0.05)
        self.kill()
        return False
