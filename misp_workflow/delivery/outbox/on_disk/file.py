"""The SQLite file itself: who may read it, how it is opened, what happens when it is broken or replaced."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from misp_workflow.delivery.outbox.on_disk.schema import REBUILD, migrate
from misp_workflow.errors import DeliveryError
from misp_workflow.printable import logger
from misp_workflow.settings import state

LOG = logger("misp_workflow.delivery")
NAME = "outbox.sqlite3"
BUSY = 3.0
"""Seconds that one process waits for another one's commit."""


class File:
    """The file in its folder. `write` is for the writer's thread alone, `read` for the thread that asks."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._connection: sqlite3.Connection | None = None
        self._opened = 0
        self._checked = False
        self.generation = 0  # counts how often the file was opened for writing

    def write(self) -> sqlite3.Connection:
        """Return the open connection; open the file anew when it is another one than it was."""
        if self._connection is not None and self.inode() == self._opened:
            return self._connection
        self.close()
        state.prepare(self.path.parent)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._opened = self.inode()
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # in WAL mode: each commit reaches the disk
            connection.execute("PRAGMA wal_autocheckpoint = 250")  # a megabyte: small disks fill up late
            self._check(connection)
            migrate(connection)
            self._look_everywhere(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self.generation += 1
        return connection

    def read(self) -> sqlite3.Connection:
        """Return a new connection to the file; FileNotFoundError when nothing was ever put. The caller closes it."""
        self.path.stat()
        return self._connect()

    def close(self) -> None:
        """Close the writing connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def mend(self, error: Exception) -> bool:
        """Do what can be done about an error; return whether that gives another try a chance."""
        if is_corruption(error):
            self._put_aside(error)
            return True
        if "full" in str(error) and self._connection is not None:
            with contextlib.suppress(sqlite3.Error):  # what has been copied over need not stand in the log, too
                return bool(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        return False

    def _put_aside(self, error: Exception) -> None:
        """Move a corrupt file away, so that a new one is begun."""
        self.close()
        if self.inode() in (0, self._opened):  # otherwise another process has already begun a new one
            put_aside(self.path, "outbox", error)
        self._checked = False

    def aside(self) -> list[Path]:
        """Return the corrupt files that were put aside and that nobody removed yet."""
        return aside(self.path)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.text_factory = _text
        return connection

    def inode(self) -> int:
        """Return what tells this file from another of the same name; 0 when there is none."""
        return inode(self.path)

    def _check(self, connection: sqlite3.Connection) -> None:
        if not self._checked:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok" and "in column" not in found and " value in " not in found:  # those cost one row only
                raise sqlite3.DatabaseError(found)

    def _look_everywhere(self, connection: sqlite3.Connection) -> None:
        """Once a process: find out anew where to look for work."""
        if not self._checked:
            connection.execute("BEGIN IMMEDIATE")
            for statement in REBUILD:
                connection.execute(statement)
            connection.execute("COMMIT")
            self._checked = True


def inode(path: Path) -> int:
    """Return what tells a file from another of the same name; 0 when there is none."""
    # Never by opening it: closing a second descriptor would drop the locks of SQLite's own.
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def put_aside(path: Path, what: str, error: Exception) -> None:
    """Rename a corrupt file and what SQLite keeps beside it, and say so; OSError as the system gives it."""
    aside = path.with_name(f"{path.name}.corrupt-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")  # noqa: PTH104 - names, not paths
    LOG.error("The %s %s was corrupt (%s). It is kept as %s; a new one is begun.", what, path, error, aside)


def aside(path: Path) -> list[Path]:
    """Return the corrupt files of that name that were put aside and that nobody removed yet."""
    return sorted(one for one in path.parent.glob(f"{path.name}.corrupt-*") if not one.name.endswith(("-wal", "-shm")))


def _text(raw: bytes) -> str:
    """Return text as it stands in the file; one damaged letter must not keep the rest from being read."""
    return raw.decode("utf-8", "replace")


def is_corruption(error: Exception) -> bool:
    """Whether the error says that the file is damaged or no database; other troubles have classes of their own."""
    return type(error) is sqlite3.DatabaseError


def refusal(path: Path, error: Exception, done: tuple[str, str] = ("write", "written")) -> DeliveryError:
    """Return the error that says why the outbox cannot be written, or read, and what to do."""
    if isinstance(error, DeliveryError):
        return error
    text = str(error)
    if "full" in text or "No space" in text:
        why = "the disk is full: make room"
    elif "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
        otherwise = "give it the right, or name another folder in MISP_WORKFLOW_STATE; see docs/install.md"
        why = f"this user may not {done[0]} there: {state.refusal(path.parent) or otherwise}"
    elif "locked" in text:
        why = "another process holds it"
    else:
        why = getattr(error, "strerror", None) or text.rstrip(".")
    return DeliveryError(f"The outbox {path} cannot be {done[1]} ({why}).")


def damaged_file(path: Path, error: Exception) -> str:
    """Return the sentence for people who look into a damaged file."""
    return (
        f"The outbox {path} is damaged ({error}), so what waits in it is not known. The next process that writes to it "
        "puts it aside and begins a new one; what can be saved of it: sqlite3 FILE .recover."
    )


def no_room(path: Path, most: int) -> DeliveryError:
    """Return the error that says that the outbox has as many bytes as it may have."""
    bound = f"{most // 1024**2} MiB, outbox.max_bytes"
    return DeliveryError(f"The outbox {path} is full ({bound}): see what waits with 'misp-workflow outbox'.")
