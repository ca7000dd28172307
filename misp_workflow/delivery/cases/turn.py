"""One at a time on one case: threads, processes, and machines that share a Redis.

Whoever looks for a case and makes it when there is none must be alone with it, or two publishes at once make two. On
one machine that is a lock on a file in the state folder, which ends with its process; where `outbox.url` names a Redis,
a key there, which ends by itself a little after the try's deadline.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from misp_workflow.errors import DeliveryError
from misp_workflow.settings import Settings, state

FILES = 64
"""Files that the cases share: two of one file wait for each other, which costs time only."""
NAMESPACE = "misp-workflow:case:"
SPARE = 5.0
"""Seconds that a key in Redis outlives the deadline."""
PART = 0.6
"""The part of the time left that may be waited."""


class BusyError(DeliveryError):
    """Somebody else works on the case, and went on for as long as could be waited."""


@contextlib.contextmanager
def turn(rules: Settings, name: str, deadline: float) -> Iterator[None]:
    """Be alone with the case `name` until the block ends; BusyError when it takes too long, before `deadline`."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    left = max(deadline - time.monotonic(), 0.0)
    url = rules.outbox.url
    if url.startswith(("redis://", "rediss://")):
        with _in_redis(url, digest, left):
            yield
    else:
        with _on_disk(rules.state_folder, digest, left * PART):
            yield


@contextlib.contextmanager
def _on_disk(folder: Path, digest: str, patience: float) -> Iterator[None]:
    try:
        place = folder / "cases"
        state.prepare(folder)
        place.mkdir(mode=0o700, exist_ok=True)
        path = place / f"{int(digest[:8], 16) % FILES:02d}.lock"
        lock = sqlite3.connect(path, timeout=patience, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise DeliveryError(f"Cases cannot be kept in {folder}: {error}.") from None
    with contextlib.closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")  # nothing is ever written: the lock is all that is wanted
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BusyError("Somebody else works on it.") from None
            raise DeliveryError(f"Cases cannot be kept in {folder}: {error}.") from None
        yield


@contextlib.contextmanager
def _in_redis(url: str, digest: str, left: float) -> Iterator[None]:
    import redis
    from redis.exceptions import LockError, RedisError

    client = redis.Redis.from_url(url, socket_connect_timeout=2.0, socket_timeout=5.0)
    with contextlib.closing(client):
        lock = client.lock(NAMESPACE + digest, timeout=left + SPARE, blocking_timeout=left * PART, sleep=0.05)
        try:
            mine = lock.acquire()
        except (RedisError, OSError) as error:
            raise DeliveryError(f"Redis cannot say whose turn it is ({error}).") from None
        if not mine:
            raise BusyError("Somebody else works on it.")
        try:
            yield
        finally:
            with contextlib.suppress(LockError, RedisError, OSError):  # it ends by itself
                lock.release()
