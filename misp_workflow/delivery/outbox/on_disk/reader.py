"""Questions to the SQLite file, which need no commit and disturb none."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from misp_workflow.delivery.outbox.on_disk.file import File, is_corruption

Result = TypeVar("Result")


class Reader:
    """One connection for the questions of all threads. `corrupt(error, inode)` hears of a damaged file."""

    def __init__(self, file: File, corrupt: Callable[[sqlite3.Error, int], None]) -> None:
        self._file = file
        self._corrupt = corrupt
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def ask(
        self,
        question: Callable[[sqlite3.Connection], Result],
        without: Result,
        damaged: Callable[[sqlite3.Error], object],
    ) -> Result:
        """Return the answer; `without` when there is no file yet, or none that can be read. Else sqlite3.Error.

        `damaged` hears of it too when that is because the file is damaged.
        """
        with self._lock:
            try:
                return question(self._open())
            except FileNotFoundError:
                return without
            except sqlite3.Error as error:
                if is_corruption(error):
                    self._corrupt(error, self._inode)
                    damaged(error)
                    return without
                if "no such table" in str(error) or "no such column" in str(error):  # not made, or not migrated, yet
                    return without
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        """Return the connection, another one when the file is another one than it was."""
        inode = self._file.inode()
        if self._connection is None or inode != self._inode:
            if self._connection is not None:
                self._connection.close()
            self._connection, self._inode = None, inode
            self._connection = self._file.read()
        return self._connection
