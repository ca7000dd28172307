"""Keys of recipients in a folder: one file for each, named by the address."""

from __future__ import annotations

from pathlib import Path


class UnusableKeyError(Exception):
    """There is a key, and it must not or cannot be used; the sentence says whose and why."""


def file_of(address: str, folder: Path, endings: tuple[str, ...]) -> Path | None:
    """Return the file with the key of this address, whatever the case of its letters; None when there is none."""
    wanted = {f"{address}{ending}".casefold() for ending in endings}
    try:
        return next((file for file in sorted(folder.iterdir()) if file.name.casefold() in wanted), None)
    except OSError as error:
        raise UnusableKeyError(f"the folder of keys {folder} cannot be read: {error.strerror}") from None


def read(path: Path, what: str) -> bytes:
    """Return the content of a file of keys; UnusableKeyError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableKeyError(f"{what} cannot be read from {path}: {error.strerror}") from None
