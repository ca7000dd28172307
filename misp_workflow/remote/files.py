"""Writing files that people keep."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from misp_workflow.errors import InputError


def save(path: Path, text: str, *, secret: bool = False) -> None:
    """Write a file whole or not at all; `secret`: for its owner only. InputError when it cannot be.

    Whoever may not read what is there may not read what takes its place either.
    """
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            name = file.name
            file.write(text)
        if not secret:
            umask = os.umask(0)
            os.umask(umask)
            before = path.stat().st_mode if path.exists() else 0o666
            os.chmod(name, 0o666 & ~umask & before)  # noqa: PTH101 - it is a name that tempfile gave
        os.replace(name, path)  # noqa: PTH105
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
