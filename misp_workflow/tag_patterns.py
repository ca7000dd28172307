"""What a pattern of tags means: names, and a level of TLP or PAP however either of the two writes it."""

from __future__ import annotations

from collections.abc import Iterable

from misp_workflow import deadline
from misp_workflow.event import matching
from misp_workflow.markings import UNKNOWN, read_tag


def tagged(names: Iterable[str], pattern: str) -> list[str]:
    """Return the tags that a pattern means: by name, or as the level that they say by the clearance's own reading."""
    return [
        name
        for name in deadline.paced(names)
        if matching([name, *read_tag(name).names], pattern) or _same_level(name, pattern)
    ]


def _same_level(name: str, pattern: str) -> bool:
    """Whether a tag counts as the level that a pattern names; one that nobody can read counts as the strictest."""
    wanted, found = read_tag(pattern), read_tag(name)
    return any(one == other != UNKNOWN for one, other in ((wanted.tlp, found.tlp), (wanted.pap, found.pap)))
