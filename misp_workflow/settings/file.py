"""Find the settings file, read it again when it changes, keep the last good reading while it is broken."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from misp_workflow import deadline
from misp_workflow.errors import SettingsError
from misp_workflow.settings.model import Settings
from misp_workflow.settings.reader import literal_secrets, read
from misp_workflow.settings.state import default_state_folder, home

FILE_VARIABLE = "MISP_WORKFLOW_CONFIG"
STATE_VARIABLE = "MISP_WORKFLOW_STATE"
_VARIABLES = (FILE_VARIABLE, STATE_VARIABLE)
SYSTEM_FILE = Path("/etc/misp-workflow.toml")
MAX_FILE = 4 * 1024 * 1024

Signature = tuple[str, int, int, int, str]
"""What must be the same for the file to be the same: path, change time, size, inode, and the state variable."""


LOOK_EVERY = 0.25
"""Seconds between two looks at the file: each look is a moment in which a busy server's other threads go first."""


@dataclass(frozen=True)
class _Reading:
    """`looked`: when the file was last looked at, a time of the monotonic clock. `named`: what the environment said."""

    signature: Signature
    settings: Settings
    looked: float
    named: tuple[str | None, ...]


_lock = threading.Lock()
_reading: _Reading | None = None


def current() -> Settings:
    """Return the settings in force now. Never raises; what is wrong with the file stands in `problem`.

    Another file named in the environment counts at once, a change of the file within LOOK_EVERY seconds.
    """
    global _reading
    now, named = time.monotonic(), tuple(map(os.environ.get, _VARIABLES))
    known = _reading
    if known is None or known.named != named or (now - known.looked >= LOOK_EVERY and not deadline.is_alone()):
        with _lock:
            known = _reading
            if known is None or known.named != named or now - known.looked >= LOOK_EVERY:
                known = _reading = _looked(known, now, named)
    return known.settings


def at_hand() -> tuple[Settings, bool]:
    """Return the settings as they were when the file was last looked at, and whether it is to be looked at again.

    So whoever must not wait for a disk knows them; the first time, and where another file is named, it is looked at.
    """
    known, named = _reading, tuple(map(os.environ.get, _VARIABLES))
    if known is None or known.named != named:
        return current(), False
    return known.settings, time.monotonic() - known.looked >= LOOK_EVERY


def in_force() -> Settings:
    """Return the settings for somebody who looks after what they name; SettingsError when they cannot be used.

    Without them another folder, another outbox or another MISP would be looked at, and found in order.
    """
    found = current()
    if not found.usable:
        raise SettingsError(f"{found.problem} What these settings name is not known until that is mended.")
    return found


def _looked(known: _Reading | None, now: float, named: tuple[str | None, ...]) -> _Reading:
    """Look at the file; read it only when it is another than before."""
    path, status = _find()
    signature = _signature(path, status)
    if known is not None and known.signature == signature:
        return replace(known, looked=now, named=named)
    return _Reading(signature, _load(path, known), now, named)


def load(path: Path) -> Settings:
    """Return the settings in that file; SettingsError when it cannot be used."""
    try:
        status, raw = _content(path)
        text = raw.decode("utf-8")
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"The settings file {path} is not UTF-8 text.") from None
    settings = _with_environment(read(text, path, default_state_folder()))
    _refuse_open_file(path, status, settings)
    return settings


def _content(path: Path) -> tuple[os.stat_result, bytes]:
    """Return the status of the file, and what it holds; SettingsError when it is none or too long."""
    # Not blocking: a pipe put there must not hold up an answer.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123 - see above
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SettingsError(f"The settings file {path} is no regular file.")
        raw = file.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise SettingsError(f"The settings file {path} is longer than {MAX_FILE // 1024**2} MiB.")
    return status, raw


def user_file() -> Path:
    """Return where a user's own settings file stands on this platform."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", str(home()))) / "misp-workflow" / "misp-workflow.toml"
    if sys.platform == "darwin":
        return home() / "Library" / "Application Support" / "misp-workflow" / "misp-workflow.toml"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "misp-workflow.toml"


def _find() -> tuple[Path | None, os.stat_result | None]:
    """Return the file to use and its status. Where a named file is missing, no other one is looked for."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        path = _path(named)
        return path, _stat(path)
    for path in (SYSTEM_FILE, user_file()):
        status = _stat(path)
        if status is not None:
            return path, status
    return None, None


@lru_cache(maxsize=1)
def _path(named: str) -> Path:
    return Path(named)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _signature(path: Path | None, status: os.stat_result | None) -> Signature:
    state = os.environ.get(STATE_VARIABLE, "")
    if status is None:
        return (str(path), 0, 0, 0, state)
    # The change time, unlike the modification time, also moves when only the mode changes.
    return (str(path), max(status.st_mtime_ns, status.st_ctime_ns), status.st_size, status.st_ino, state)


def _load(path: Path | None, known: _Reading | None) -> Settings:
    if path is None:
        return _with_environment(Settings(state_folder=default_state_folder()))
    try:
        return load(path)
    except SettingsError as error:
        problem = str(error)
    if known is not None and known.settings.path == path and known.settings.usable:
        return replace(known.settings, problem=f"{problem} The settings read before are still in force.")
    return _with_environment(Settings(path=path, problem=problem, usable=False, state_folder=default_state_folder()))


def _with_environment(settings: Settings) -> Settings:
    """Return the settings with the state folder that the environment names, if it does."""
    named = os.environ.get(STATE_VARIABLE)
    return replace(settings, state_folder=Path(named).absolute()) if named else settings


def _refuse_open_file(path: Path, status: os.stat_result, settings: Settings) -> None:
    """Raise SettingsError when others may change the file, or read it while it holds secrets.

    Reading by the group is allowed: root owns the file, and misp-modules reads it as a member of the group.
    """
    if sys.platform == "win32":
        return
    if status.st_mode & stat.S_IWOTH:
        raise SettingsError(f"Everybody may change the settings file {path}; do: chmod o-w {path}")
    secrets = literal_secrets(settings)
    if secrets and status.st_mode & stat.S_IROTH:
        raise SettingsError(
            f"Everybody may read the settings file {path}, which holds a secret ({secrets[0]}); "
            f"do: chmod o-r {path}, or write env:NAME or file:/path instead of the secret."
        )
