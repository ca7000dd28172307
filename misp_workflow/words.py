"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return "1 event", "2 events", "1,000 events"; `nouns` is the plural of what takes no plain s."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
