"""Real brokers for the tests: redis-server and rabbitmq-server on free loopback ports, with folders of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import is_open, wait_for_port

from misp_workflow.testing.server import end, free_port

HOSTS = [f"host-{number}" for number in range(32)]
"""Virtual hosts of the one RabbitMQ: more than tests that ask for one."""


class Redis:
    """redis-server; `append` says whether it keeps an append-only file."""

    def __init__(self, program: str, folder: Path, *, append: bool = True) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        self._command = [program, *options, "--appendonly", "yes" if append else "no", "--appendfsync", "always"]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self._process)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        end(self._process)


class RabbitServer:
    """rabbitmq-server with an epmd of its own (that one would stay behind otherwise), and the virtual hosts HOSTS."""

    def __init__(self, folder: Path) -> None:
        names = free_port()
        self.port = free_port()
        self.unused = HOSTS[::-1]
        self._folder = folder
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"misp-workflow-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        }
        (folder / "plugins").write_text("[].\n")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "users": [{"name": "guest", "password": "guest", "tags": []}],
            "vhosts": [{"name": host} for host in HOSTS],
            "permissions": [{"user": "guest", "vhost": host, **everything} for host in HOSTS],
        }
        (folder / "definitions.json").write_text(json.dumps(definitions))
        (folder / "rabbitmq.conf").write_text(
            "vm_memory_high_watermark.relative = 0.6\ndisk_free_limit.absolute = 1MB\n"
            f"load_definitions = {folder}/definitions.json\n"
        )
        self._epmd = shutil.which("epmd") or "epmd"
        self._names = subprocess.Popen(
            [self._epmd, "-port", str(names), "-address", "127.0.0.1"], env=self._environment
        )
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def start(self) -> None:
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_for_port(self.port, self._process)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, 9)
        self._process.wait()
        while is_open(self.port) or self._is_known():  # the next one must not meet the one that is dying
            time.sleep(0.02)

    def _is_known(self) -> bool:
        """Whether the epmd still has this node's name: none may be there twice."""
        said = subprocess.run([self._epmd, "-names"], env=self._environment, capture_output=True, text=True)
        return f"misp-workflow-{self.port} " in said.stdout

    @contextlib.contextmanager
    def alarm(self) -> Iterator[None]:
        """Let it have no memory left: it takes nothing then, and listens to no connection that publishes."""
        try:
            self._control("absolute", "1MB")
            yield
        finally:
            self._control("0.6")

    def _control(self, *watermark: str) -> None:
        command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "set_vm_memory_high_watermark", *watermark]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, 15)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self.kill()
        self._names.terminate()
        self._names.wait()


class Rabbit:
    """A virtual host that no other test has, on a RabbitMQ that is shared: to start one takes seconds."""

    def __init__(self, server: RabbitServer) -> None:
        self.host = server.unused.pop()
        self.port = server.port
        self.url = f"amqp://guest:guest@127.0.0.1:{server.port}/{self.host}"
        self.start, self.kill, self.alarm = server.start, server.kill, server.alarm


class Brokers:
    """Brokers for tests: `with brokers("redis") as broker`. Skips the test where the program is not installed."""

    def __init__(self, program: Callable[[str], str], factory: pytest.TempPathFactory) -> None:
        self._program, self._factory = program, factory
        self._rabbit: RabbitServer | None = None

    @contextlib.contextmanager
    def __call__(self, kind: str) -> Iterator[Redis | Rabbit]:
        if kind == "rabbitmq":
            yield Rabbit(self._running_rabbit())
            return
        redis = Redis(self._program("redis-server"), self._factory.mktemp("redis"))
        try:
            yield redis
        finally:
            redis.stop()

    def _running_rabbit(self) -> RabbitServer:
        self._program("rabbitmq-server")
        self._program("epmd")
        if not self._rabbit:
            self._rabbit = RabbitServer(self._factory.mktemp("rabbitmq"))
        elif not self._rabbit.is_running:  # a test that failed has left it killed
            self._rabbit.start()
        return self._rabbit

    def stop(self) -> None:
        if self._rabbit:
            self._rabbit.stop()
