"""The Public Suffix List (https://publicsuffix.org/), read once by whoever needs it first."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@cache
def public_suffixes() -> PublicSuffixList:
    """Return the list; reading it takes tens of milliseconds, for which the start of misp-modules must not wait."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
