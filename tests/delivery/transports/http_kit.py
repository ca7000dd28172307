"""What the tests of the HTTP transport share."""

from __future__ import annotations

import socket
import threading
import time

from misp_workflow.delivery.transports import http
from misp_workflow.effects import Post
from misp_workflow.testing.receiver import Receiver

KEY = "mw_0123456789abcdef"


def send(receiver: Receiver, seconds: float = 10.0, **fields):
    post = Post(**{"label": "a test", "service": "Slack", "url": receiver.url + "/hook", **fields})
    return http.send(post, KEY, time.monotonic() + seconds)


class RawServer:
    """One connection's worth of bytes, which may be no HTTP at all."""

    def __init__(self, data: bytes, hold: bool) -> None:
        self.data, self.hold = data, hold
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            connection.sendall(self.data)
            if self.hold:
                self.done.wait(60)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        self.socket.close()
