"""The files that people give, and the folders full of them, which others may have filled."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from misp_workflow.errors import InputError

MOST = 2**30
"""Bytes of one file; a MISP's whole answer has a tenth."""
PIPES = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Where a shell's `<(…)` and `-` stand. Any other pipe or device could hold us up for ever."""


def content(path: Path) -> bytes:
    """Return what is in a file, without the mark of UTF-8 before it; InputError when it cannot be had."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) and not str(path).startswith(PIPES):
                raise InputError(f"{path} is no regular file.")
            if status.st_size > MOST:
                raise InputError(f"{path} has more than {MOST >> 20:,} MiB: give what is in it in several files.")
            return file.read().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def _without_waiting(name: str, flags: int) -> int:
    """Open it also when it is a pipe into which nobody writes yet; to be read, it waits again."""
    number = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(number, True)
    return number


def json_files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and below whose name ends in .json, in order; links to folders are not followed.

    InputError when one of the folders cannot be read: what is in it would be passed over in silence.
    """
    found = os.walk(folder, onerror=_unreadable)
    yield from sorted(Path(place, name) for place, _, names in found for name in names if name.endswith(".json"))


def _unreadable(error: OSError) -> None:
    raise InputError(f"The folder {error.filename} cannot be read: {error.strerror}.") from None
