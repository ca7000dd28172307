"""Wall clocks jump; what waits must neither die of that nor wait for ever."""

from __future__ import annotations

import time
from pathlib import Path

JUMP = 30.0
"""Seconds. Less is a correction like any other."""


class Clock:
    """The time as the outbox sees it; tests bring their own."""

    def wall(self) -> float:
        """Seconds since 1970, as far as this machine knows."""
        return time.time()

    def steady(self) -> float:
        """Seconds that nobody can set; they begin anew when the machine does."""
        return time.monotonic()

    def boot(self) -> str:
        """Tells one run of the machine from the next; "" where the system does not say."""
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""
