"""Which of the messages that a process has in its memory are its own still."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class Fetching:
    """For a consumer of dramatiq's: it acknowledges only what it has fetched itself.

    After a connection broke, the broker hands out anew what was fetched over it, perhaps to another machine. What is
    left of that in our memory is not ours any more. To acknowledge it over the new connection would take some other
    message away: RabbitMQ numbers a connection's messages from one on.
    """

    def __init__(self, broker: Any, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)  # type: ignore[call-arg]
        vars(broker).setdefault("latest", {})[queue_name] = self

    def __next__(self) -> Any:
        message = super().__next__()  # type: ignore[misc]
        if message is not None:
            message.fetched_by = self
        return message

    def ack(self, message: Any) -> None:
        """Acknowledge the message, if it is this consumer's."""
        if message.fetched_by is self:
            super().ack(message)  # type: ignore[misc]


class Turns:
    """One thread at a time has a message; another one, after a broken connection, waits: by then it may be over."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, serial: str) -> Iterator[None]:
        """Have the message with that serial for oneself."""
        with self._changed:
            self._changed.wait_for(lambda: serial not in self.taken)
            self.taken.add(serial)
        try:
            yield
        finally:
            with self._changed:
                self.taken.discard(serial)
                self._changed.notify_all()


def is_ours(broker: Any, message: Any) -> bool:
    """Whether a message was fetched over the connection that is in use now."""
    return message is None or broker.latest.get(message.queue_name) is message.fetched_by
