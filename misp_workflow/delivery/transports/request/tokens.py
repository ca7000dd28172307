"""Access tokens that a service gives for a while: in this process's memory only, for less long than it said."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable

EARLY = 60.0
"""Seconds before its end that a token is not used any more: a request takes time, and clocks differ."""
MOST = 256

_lock = threading.Lock()
_known: dict[Hashable, tuple[str, float]] = {}


def known(key: Hashable) -> str:
    """Return the token that was kept under the key (address, name and secret of who asks), "" when there is none."""
    with _lock:
        token, until = _known.get(key, ("", 0.0))
        return token if time.monotonic() < until else ""


def keep(key: Hashable, token: str, seconds: float) -> None:
    """Keep a token that is good for so many seconds from now."""
    with _lock:
        while len(_known) >= MOST:
            del _known[next(iter(_known))]
        _known[key] = (token, time.monotonic() + seconds - EARLY)


def forget(key: Hashable) -> None:
    """Forget a token that was refused."""
    with _lock:
        _known.pop(key, None)
