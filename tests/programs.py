"""Programs that tests start and that listen on a port: there when they take connections, ended by their own process id."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def running(*command: str | Path, port: int, log: Path, **options: Any) -> Iterator[None]:
    """Run a server until the block ends; what it says goes to the file `log`."""
    with log.open("wb") as said:
        process = subprocess.Popen([*map(str, command)], stdout=said, stderr=said, **options)
    try:
        wait_for_port(port, process, log)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path | None = None, seconds: float = 900) -> None:
    """Wait until it listens, which takes RabbitMQ minutes on a busy machine; one that has ended is noticed at once."""
    end = time.monotonic() + seconds
    while not is_open(port):
        told = log.read_text(errors="replace")[-2000:] if log else ""
        assert process.poll() is None, f"the server ended at once: {told}"
        assert time.monotonic() < end, f"nothing listens on port {port}: {told}"
        time.sleep(0.02)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
