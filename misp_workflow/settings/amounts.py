"""Amounts with a unit: "10 min", "256 MiB"."""

from __future__ import annotations

import re
from collections.abc import Mapping

SECONDS = {"s": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}
BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def amount(text: str, units: Mapping[str, int]) -> float | None:
    """Return how much a text says in the units' base, None when it is no such amount."""
    found = AMOUNT.fullmatch(text)
    unit = found and (units.get(found[2]) or units.get(found[2].casefold().removesuffix("s")))
    return float(found[1]) * unit if found and unit else None
