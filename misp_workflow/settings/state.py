"""The state folder: where it is, whose it is, and who may make files in it.

What is accepted lives there, so the command line must look where the service does, and must leave nothing behind that
the service cannot use: a file of root's among www-data's takes the outbox away from it.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

NAME = "misp-workflow"
SERVICE_FOLDER = Path("/var/lib") / NAME
"""Where a service keeps its state (FHS 3.0, 5.8); looked at wherever it exists."""
FILES = ("outbox.sqlite3", "outbox.key", "delivery.log")
"""Whoever owns one of these is the one whose state it is."""


def home() -> Path:
    """Return the user's folder; a service may have none, and that is no reason to fail."""
    return Path(os.path.expanduser("~")).absolute()  # noqa: PTH111 - Path.home() raises where there is none


def default_state_folder() -> Path:
    """Return where state is kept when neither the environment's own variable nor the settings name a folder.

    systemd's StateDirectory=misp-workflow, else /var/lib/misp-workflow where somebody made it, else where this
    platform keeps a program's state for a user.
    """
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(home()))) / NAME
    if sys.platform == "darwin":
        return home() / "Library" / "Application Support" / NAME / "state"
    for named in os.environ.get("STATE_DIRECTORY", "").split(":"):
        if Path(named).name == NAME:
            return Path(named)
    users = os.environ.get("XDG_STATE_HOME")
    if not users and os.path.isdir(SERVICE_FOLDER):  # noqa: PTH112 - never raises
        return SERVICE_FOLDER
    return Path(users or home() / ".local" / "state") / NAME


def owner(folder: Path) -> int | None:
    """Return the user id whose state the folder holds; None when there is none yet, or the system has no such ids."""
    if not hasattr(os, "geteuid"):
        return None
    for path in (*(folder / name for name in FILES), folder):
        try:
            return path.stat().st_uid
        except OSError:
            continue
    return None


def of_others(folder: Path) -> list[str]:
    """Return the names of the files in the folder, and one below it, that are not the user's whose state it is."""
    user = owner(folder)
    if user is None:
        return []
    found = []
    for path in sorted((*folder.glob("*"), *folder.glob("*/*"))):
        try:
            if path.lstat().st_uid != user:
                found.append(str(path.relative_to(folder)))
        except OSError:  # gone meanwhile
            continue
    return found


def user_name(user: int) -> str:
    """Return the name of a user id, or "user 1000" when it has none here."""
    try:
        import pwd

        return pwd.getpwuid(user).pw_name
    except (ImportError, KeyError):
        return f"user {user}"


def whose(folder: Path) -> str:
    """Return "/var/lib/misp-workflow, which is www-data's" for the middle of a sentence."""
    user = owner(folder)
    return f"{folder}, which does not exist yet" if user is None else f"{folder}, which is {user_name(user)}'s"


def refusal(folder: Path) -> str:
    """Return "" when this user may make files there, otherwise why not and what to do, for the middle of a sentence.

    A folder that is another user's but holds no state yet is fine for whom the system lets in, except for root.
    """
    user = owner(folder)
    if user is None or user == os.geteuid():
        return ""
    has_state = any(_is_there(folder / name) for name in FILES)
    if not has_state and os.geteuid() != 0 and os.access(folder, os.W_OK | os.X_OK):
        return ""
    theirs, me = user_name(user), user_name(os.geteuid())
    return (
        f"the state folder {folder} is {theirs}'s, and this is {me}; run it as {theirs} "
        f"(sudo -u {theirs} misp-workflow …), or name a folder of your own in MISP_WORKFLOW_STATE"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def prepare(folder: Path) -> None:
    """Make the folder where it is missing, mode 0700; OSError as the system gives it, or as `refusal` says."""
    if why := refusal(folder):
        raise PermissionError(errno.EACCES, why)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
