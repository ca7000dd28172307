"""What is judged already, one line for each file or event, so that a backtest that was killed goes on where it was."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from misp_workflow.errors import InputError

Row = dict[str, Any]

BEGINS = b'{"key":'
"""How every line begins. A file that does not is somebody's own, and stays as it is."""


def cache_folder() -> Path:
    """Return where this platform keeps what a program can do without."""
    home = Path(os.path.expanduser("~")).absolute()  # noqa: PTH111 - a service may have no home, which is no error
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(home))) / "misp-workflow" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "misp-workflow"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "misp-workflow"


class Journal:
    """A file of {"key", "name", "rows" | "problem"} lines, for its owner only; a context manager.

    `fresh`: what it holds so far is thrown away.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self._fresh = fresh

    def __enter__(self) -> Journal:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written: {error.strerror}. Name another file: --journal."
            ) from None
        self._file = os.fdopen(handle, "r+b")
        begun = self._file.read(len(BEGINS))
        if begun and not BEGINS.startswith(begun):
            self._file.close()
            raise InputError(f"{self.path} is there and no journal of a backtest. Name another file: --journal.")
        self._file.seek(0)
        self._end = 0 if self._fresh else self._whole_lines()
        self._file.truncate(self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _whole_lines(self) -> int:
        """Return where the last whole line ends: a killed process may leave a piece of one."""
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
        return end

    def keys(self) -> set[str]:
        """Return what is judged already."""
        return {str(line["key"]) for line in self.lines()}

    def lines(self) -> Iterator[Row]:
        """Yield every line, in the order in which they were written."""
        self._file.flush()
        with self.path.open("rb") as file:
            for line in file:
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError:
                    raise InputError(f"{self.path} is damaged: begin anew with --fresh.") from None

    def add(self, line: Row) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(orjson.dumps(line) + b"\n")
        self._file.flush()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
