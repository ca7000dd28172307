"""What stands between the dramatiq outbox and the two brokers: what each broker must do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import urlsplit

from dramatiq.broker import Broker

from misp_workflow.delivery.outbox.at_broker.envelope import REPLACED, Envelope
from misp_workflow.delivery.outbox.at_broker.fetching import Turns
from misp_workflow.errors import SettingsError


class Backend(Protocol):
    """What Redis and RabbitMQ do each in their own way."""

    @property
    def broker(self) -> Broker:
        """dramatiq's broker."""

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """What the library raises when the broker cannot be used."""

    @property
    def turns(self) -> Turns:
        """What is being tried."""

    def known(self, key: str) -> str:
        """Return what was noted of the key: "", "waiting", "sent", or "tick"."""

    def note(self, key: str, what: str, seconds: float) -> None:
        """Remember something of the key for so long."""

    def forget(self, key: str) -> None:
        """Remember nothing of the key."""

    def is_over(self, key: str, serial: str) -> bool:
        """Whether the key was sent already, or this very message replaced or taken out while a worker had it."""

    def replaced(self, serial: str, seconds: float = REPLACED) -> None:
        """Remember for a while that this message is over: another one was put in its place."""

    def unwanted(self, key: str, serial: str) -> None:
        """Nobody wants this message, whether it is there or comes yet: our workers leave it alone from now on."""

    def say(self) -> None:
        """Tell the other workers of it, as far as that can be done; it is done again before anything is fetched."""

    def count(self, lane: str, how: str, number: int) -> None:
        """Add to the number of effects that ended."""

    def ended(self) -> dict[tuple[str, str], int]:
        """Return those numbers, as far as they are kept."""

    def look(self) -> Iterator[tuple[str, Envelope]]:
        """Yield every envelope and the queue that it is in; some of them at a time are in memory."""

    def moving(self) -> tuple[bool, str]:
        """Whether a worker has something that `look` does not show, and a mark.

        As long as it stays the same mark, nothing went through a worker's hands back to where a look had been already.
        """

    def take(self, keys: Collection[str], before: Callable[[str, Envelope], None]) -> list[tuple[str, Envelope]]:
        """Take these out of their queues, each after `before` was called: what that puts is there when this is gone."""

    def gathered(self, queue: str, most: int) -> AbstractContextManager[tuple[list[Envelope], Callable[[], None]]]:
        """Give what is in a digest's queue, and a function that removes it for good; else it goes back in the end."""

    def due(self, queue: str) -> float:
        """Return when what is first in a digest's queue has waited long enough; 0 when each queue has one tick only."""

    def longest_wait(self, seconds: float) -> float:
        """Return the longest time, up to so many seconds, after which what waits so long is sure to come."""

    def close(self) -> None:
        """Close every connection."""

    def notices(self) -> list[str]:
        """Return what an operator should know."""


def open_backend(url: str) -> Backend:
    """Return the backend for the address; SettingsError when its library is not installed."""
    try:
        if urlsplit(url).scheme in ("redis", "rediss"):
            from misp_workflow.delivery.outbox.at_broker.redis import RedisBackend

            return RedisBackend(url)
        from misp_workflow.delivery.outbox.at_broker.rabbitmq import RabbitBackend

        return RabbitBackend(url)
    except ValueError:  # the text of it may quote the password
        raise SettingsError("outbox.url has an option after its ? that cannot be used.") from None
    except ImportError as error:
        raise SettingsError(f"outbox.url needs more: pip install 'misp-workflow-actions[queue]' ({error}).") from None
