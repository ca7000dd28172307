"""Which message began a thread, for services that tell its identifier only in their answer (Slack's `ts`).

Also which answer a request has that is still being worked on there (TAXII's status). One small file in the state
folder. It is a courtesy: where it cannot be read or written, messages go out all the same, each on its own. A machine
knows the threads that it began itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import sqlite3
import time

from misp_workflow import settings
from misp_workflow.effects import Post
from misp_workflow.printable import logger
from misp_workflow.settings import state

LOG = logger("misp_workflow.delivery")

FILE = "threads.sqlite3"
FORGOTTEN_AFTER = 90 * 86_400.0
"""Seconds. Nobody answers to an older thread; the next message begins a new one."""
PATIENCE = 0.5
"""Seconds that another process may hold the file."""


def joined(post: Post) -> Post:
    """Return the post as part of its thread, or the same one when the thread has not begun."""
    if not (post.thread and isinstance(post.json, dict)) or post.thread_as in post.json:
        return post
    found = first(post)
    return dataclasses.replace(post, json={**post.json, post.thread_as: found}) if found else post


def first(post: Post) -> str:
    """Return what began the post's thread, "" when it has not begun."""
    found = _ask("SELECT first FROM threads WHERE name = ? AND at > ?", _name(post), _oldest())
    return found[0][0] if found else ""


def began(post: Post, name: str) -> None:
    """Note which message the post was; the first one counts, until it is forgotten."""
    _ask("DELETE FROM threads WHERE at <= ?", _oldest())
    _ask("INSERT OR IGNORE INTO threads (name, first, at) VALUES (?, ?, ?)", _name(post), name, time.time())


def lost(post: Post) -> None:
    """Forget the post's thread: its first message is no longer there."""
    _ask("DELETE FROM threads WHERE name = ?", _name(post))


def _ask(statement: str, *values: str | float) -> list[tuple[str]]:
    """Return what the table answers; nothing, with the reason in the log, when it cannot be used."""
    try:
        folder = settings.current().state_folder
        state.prepare(folder)
        path = folder / FILE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS threads (name TEXT PRIMARY KEY, first TEXT, at REAL)")
            return connection.execute(statement, values).fetchall()
    except (OSError, sqlite3.Error) as error:
        LOG.warning("Threads are not remembered: %s", error)
        return []


def _name(post: Post) -> str:
    """Return what tells threads apart: where, with whose credentials, which; nothing of it can be read back."""
    return hashlib.sha256("\0".join((post.thread_url or post.url, post.bearer, post.thread)).encode()).hexdigest()


def _oldest() -> float:
    return time.time() - FORGOTTEN_AFTER
