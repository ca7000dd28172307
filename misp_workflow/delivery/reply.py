"""What a server answered over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reply:
    """One answer: its status, headers and body; `cut` when the body is longer than what was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
