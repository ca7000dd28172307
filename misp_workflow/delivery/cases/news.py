"""What a call says that a case does not show yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Any]


@dataclass
class Changes:
    """What a call says that the case does not show yet. `unknown`: nobody knows what it showed before.

    `fuller`: only a part of the event was known until now, so that there are facts which are no news.
    """

    facts: dict[str, str] = field(default_factory=dict)
    lost_facts: list[str] = field(default_factory=list)
    added: list[Item] = field(default_factory=list)
    corrected: list[Item] = field(default_factory=list)
    gone: list[Item] = field(default_factory=list)
    back: bool = False
    unknown: bool = False
    fuller: bool = False

    def __bool__(self) -> bool:
        parts = (self.facts, self.lost_facts, self.added, self.corrected, self.gone)
        return any(parts) or self.back or self.unknown or self.fuller
