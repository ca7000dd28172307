"""The delivery log: one JSON line per final receipt, in `delivery.log` of the state folder."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import threading
from pathlib import Path
from typing import Any

import orjson

LOG = logging.getLogger("misp_workflow.delivery")
NAME = "delivery.log"
MOST_BYTES = 16 * 1024 * 1024
"""Then the file becomes delivery.log.1, and the one before is gone. logrotate may do the same: nothing is kept open."""


class DeliveryLog:
    """Appends to the log; that it cannot be written is logged once, and harms no delivery."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._lock = threading.Lock()
        self._broken = False

    def write(self, status: str, **fields: Any) -> None:
        """Append {"time": …, "status": status, …}; fields that are empty are left out."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        kept = {name: value for name, value in fields.items() if value not in ("", None)}
        line = orjson.dumps({"time": now, "status": status, **kept}) + b"\n"
        with self._lock:
            try:
                self._append(line)
                self._broken = False
            except OSError as error:
                if not self._broken:
                    LOG.error("The delivery log %s cannot be written: %s", self._path, error.strerror)
                self._broken = True

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        if size > MOST_BYTES:
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                self._path.replace(self._path.with_name(NAME + ".1"))
