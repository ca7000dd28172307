"""Secrets by reference: `env:NAME` and `file:/path` are read at each use, so that a rotated secret works at once."""

from __future__ import annotations

import os
import stat
import sys

from misp_workflow import deadline
from misp_workflow.errors import SettingsError

MAX_SECRET = 64 * 1024
"""Bytes; a certificate with its key and chain fits."""

_MAY_NOT = stat.S_IRWXG | stat.S_IRWXO
_MAY_NOT_OF_ROOT = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO


def is_reference(value: str) -> bool:
    """Whether the value says where a secret is, instead of being it."""
    return value.startswith(("env:", "file:"))


def resolve(value: str, where: str) -> str:
    """Return what the reference points to, or `value` itself when it is none.

    `where` is the setting's name, for the error. One line break at the end of a file is not part of the secret.
    Raises SettingsError: variable not set, file missing, too open, too long, not text.
    """
    if value.startswith("env:"):
        return _from_environment(value[4:], where)
    if value.startswith("file:"):
        return _from_file(value[5:], where)
    return value


def _from_environment(name: str, where: str) -> str:
    found = os.environ.get(name, "")
    if not found:
        raise SettingsError(f"{where} is to come from the environment variable {name}, which is not set here.")
    return found


def _from_file(path: str, where: str) -> str:
    deadline.may_wait()
    sentence = f"{where} is to come from the file {path}, "
    if not os.path.isabs(path):  # noqa: PTH117 - a Path would quietly tidy what the operator wrote
        raise SettingsError(f"{sentence}which is not an absolute path.")
    try:
        # Not blocking: a pipe put there must not hold up an answer.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise SettingsError(f"{sentence}which cannot be read: {error.strerror}.") from None
    try:
        too_open = _openness(os.fstat(handle))
        content = b"" if too_open else os.read(handle, MAX_SECRET + 1)
    finally:
        os.close(handle)
    if too_open:
        raise SettingsError(f"{sentence}which {too_open}.")
    return _as_text(content, sentence)


def _openness(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if sys.platform == "win32":
        return ""  # access lists rule there, the mode says nothing
    if status.st_mode & (_MAY_NOT_OF_ROOT if _is_lent_by_root(status) else _MAY_NOT):
        mode = stat.S_IMODE(status.st_mode)
        return (
            f"others than its owner may use (mode {mode:04o}); do: chmod 0400, or give it to root and the group of "
            "misp-modules, with mode 0640"
        )
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    return ""


def _is_lent_by_root(status: os.stat_result) -> bool:
    """Whether root keeps the file for a service, which reads it as the file's group."""
    return status.st_uid == 0 and status.st_gid != 0


def _as_text(content: bytes, sentence: str) -> str:
    if len(content) > MAX_SECRET:
        raise SettingsError(f"{sentence}which is longer than {MAX_SECRET // 1024} KiB.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise SettingsError(f"{sentence}which is not UTF-8 text.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SettingsError(f"{sentence}which is empty.")
    return text
