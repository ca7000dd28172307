"""Addresses that people write: read in one way that fails in a sentence, shown in one way that shows no password."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import SplitResult, quote, urlsplit

UNREADABLE = "an address that cannot be read"
_ENCODED = "in a user name or password write @ as %40, # as %23, / as %2F, ? as %3F, [ as %5B, % as %25"


def split(text: str) -> SplitResult | None:
    """Return the parts of an address, None when they cannot be told apart."""
    try:
        parts = urlsplit(text)
        _ = (parts.hostname, parts.port)  # read when asked for, and only then found to be wrong
    except ValueError:
        return None
    return parts


def trouble(text: str, schemes: Sequence[str]) -> str:
    """Return what is wrong with an address, for a sentence that begins with its name; "" for nothing.

    The sentence part never quotes the address: a password may stand in it.
    """
    listed = ", ".join(f"{scheme}://" for scheme in schemes[:-1]) + f" or {schemes[-1]}://" * bool(schemes)
    if any(not letter.isprintable() or letter.isspace() for letter in text):
        return "has a space or an invisible character in its address"
    parts = split(text)
    if parts is None:
        return f"is no address that can be read: {_ENCODED}"
    if parts.scheme not in schemes or not text.startswith(f"{text[: len(parts.scheme)]}://"):
        return f"must {'be a web address that begins' if 'https' in schemes else 'begin'} with {listed}"
    if not parts.hostname:
        return f"names no server: after {parts.scheme}:// its name is missing; {_ENCODED}"
    if "@" in f"{parts.path}{parts.query}{parts.fragment}" and parts.netloc.count(":") and "@" not in parts.netloc:
        return f"is no address that can be read for sure: {_ENCODED}"
    return ""


def shown(text: str) -> str:
    """Return an address for people's eyes: without user, password, query and fragment, where secrets stand."""
    parts = split(text)
    if parts is None or not parts.hostname or not parts.scheme:
        return UNREADABLE if text else ""
    server = parts.netloc.rpartition("@")[2]
    rest = "?***" if parts.query else ""
    return "".join(c if c.isprintable() else "?" for c in f"{parts.scheme}://{server}{parts.path}{rest}")


def event_page(misp: str, key: str) -> str:
    """Return the address of an event in the MISP of this address, by its uuid or number; "" when that is unknown."""
    server = public(misp).rstrip("/") if misp and key else ""
    return f"{server}/events/view/{quote(key, safe='')}" if server else ""


def public(text: str) -> str:
    """Return an address as others may have it: without user and password."""
    parts = split(text)
    if parts is None:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
