"""The delivery log: one JSON line per final receipt, in `delivery.log` of the state folder."""

from __future__ import annotations

import contextlib
import datetime
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from misp_workflow.printable import logger, printable
from misp_workflow.settings import state

LOG = logger("misp_workflow.delivery")
NAME = "delivery.log"
MOST_BYTES = 16 * 1024 * 1024
"""Then the file becomes delivery.log.1, and the one before is gone. logrotate may do the same."""
LOOK_EVERY = 1.0
"""Seconds between two looks whether the file is too long, or another one than it was."""


class DeliveryLog:
    """Appends to the log; that it cannot be written is logged once, and harms no delivery."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / NAME
        self._clock = clock
        self._lock = threading.Lock()
        self._broken = False
        self._file = -1  # kept open: to open it for each line would cost a delivery five turns instead of one
        self._looked = -math.inf

    def write(self, status: str, **fields: Any) -> None:
        """Append {"time": …, "status": status, …}; fields that are empty are left out."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        kept = {name: value for name, value in fields.items() if value not in ("", None)}
        LOG.debug("%s: %s", status, kept)  # not what misp-modules writes down: it stands here
        line = f"{printable(orjson.dumps({'time': now, 'status': status, **kept}).decode())}\n".encode()
        with self._lock:
            try:
                if self._clock() - self._looked >= LOOK_EVERY:
                    self._look()
                os.write(self._file, line)
                self._broken = False
            except OSError as error:
                self._close()
                if not self._broken:
                    LOG.error("The delivery log %s cannot be written: %s", self._path, error.strerror)
                self._broken = True

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._close()

    def _look(self) -> None:
        """Open the file that has the name now, a new one when that is too long."""
        self._close()
        state.prepare(self._path.parent)
        with contextlib.suppress(OSError):  # never written yet, another process was quicker, or else it just grows
            if self._path.stat().st_size > MOST_BYTES:
                self._path.replace(self._path.with_name(NAME + ".1"))
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._looked = self._clock()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._looked = -1, -math.inf
