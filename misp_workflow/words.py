"""Numbers in sentences, and in texts of others."""

from __future__ import annotations

MOST_DIGITS = 18
"""What fits into 64 bits whatever the digits; Python itself reads no number of more than 4,300."""


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return "1 event", "2 events", "1,000 events"; `nouns` is the plural of what takes no plain s."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def whole_number(text: str) -> int | None:
    """Return the number that a text is, None when it is none; "²" is one to Python's isdigit, and to nobody else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None
