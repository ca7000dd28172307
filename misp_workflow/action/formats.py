"""From what a node says to a typed value: one reader for each format that a parameter can have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email import policy
from email.utils import formataddr
from typing import Any, TypeVar
from urllib.parse import urlsplit

from misp_workflow.action import listing
from misp_workflow.delivery.guard.addresses import LONGEST_HOST, ascii_name
from misp_workflow.errors import ParameterError
from misp_workflow.settings import gathering
from misp_workflow.settings.gathering import Gathering
from misp_workflow.words import MOST_DIGITS

Bounded = TypeVar("Bounded", int, float)

_LOCAL_PART = re.compile(r"[!#$%&'*+/=?^_`{|}~0-9A-Za-z.-]{1,64}")  # RFC 5322, section 3.2.3
_BEFORE_DOMAIN = re.compile(r"(?:https?://)?(?:\*?[@.])?")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def typed(name: str, spec: Mapping[str, Any], raw: Any) -> Any:
    """Return the value of a parameter as its table declares it; ParameterError names it. `params` has the formats."""
    form = spec.get("format", "text")
    if isinstance(raw, bool):
        raw = "true" if raw else "false"
    elif isinstance(raw, (int, float)):
        raw = str(raw)
    elif raw is None:
        raw = ""
    elif isinstance(raw, (list, tuple)) and form == "list" and all(isinstance(item, str) for item in raw):
        return _listed(name, spec, raw)
    if not isinstance(raw, str):
        raise ParameterError(f"Parameter '{name}' must be text.")
    given = raw if spec.get("type") == "large_string" else raw.strip()
    if not given.strip():
        if spec.get("required"):
            raise ParameterError(f"Parameter '{name}' is not set: {spec['description']}.")
        return _empty(form, spec.get("default"))
    return _READERS[form](name, spec, given)


def _empty(form: str, default: Any) -> Any:
    if default is not None:
        return tuple(default) if form == "list" else default
    return {"list": (), "boolean": False, "integer": None, "number": None, "digest": None}.get(form, "")


def _text(name: str, spec: Mapping[str, Any], given: str) -> str:
    return given


def _integer(name: str, spec: Mapping[str, Any], given: str) -> int:
    try:
        value = int(given)
    except ValueError:
        raise ParameterError(f"Parameter '{name}' must be a whole number.") from None
    if abs(value) >= 10**MOST_DIGITS:
        raise ParameterError(f"Parameter '{name}' must be a whole number of at most {MOST_DIGITS} digits.")
    return _bounded(name, spec, value)


def _number(name: str, spec: Mapping[str, Any], given: str) -> float:
    try:
        value = float(given)
    except ValueError:
        raise ParameterError(f"Parameter '{name}' must be a number.") from None
    return _bounded(name, spec, value)


def _bounded(name: str, spec: Mapping[str, Any], value: Bounded) -> Bounded:
    low, high = spec.get("minimum"), spec.get("maximum")
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = " and ".join([f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None))
        raise ParameterError(f"Parameter '{name}' must be {bounds}.")
    return value


def _boolean(name: str, spec: Mapping[str, Any], given: str) -> bool:
    try:
        return _BOOLEANS[given.lower()]
    except KeyError:
        raise ParameterError(f"Parameter '{name}' must be true or false.") from None


def _url(name: str, spec: Mapping[str, Any], given: str) -> str:
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or any(ord(letter) <= 32 for letter in given if not spec.get("template")):
        raise ParameterError(f"Parameter '{name}' must be a whole address that begins with https:// or http://.")
    return given.rstrip("/") if not (parts.path.strip("/") or parts.query) else given


def _email(name: str, spec: Mapping[str, Any], given: str) -> str:
    display, address = _mailbox(given)
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not domain or not _LOCAL_PART.fullmatch(local) or not domain.replace("-", "").replace(".", "").isalnum():
        raise ParameterError(f"Parameter '{name}': '{given}' is no e-mail address.")
    return formataddr((display, f"{local}@{domain}"))


def _domain(name: str, spec: Mapping[str, Any], given: str) -> str:
    """Return a domain in small letters; one that nothing could ever belong to would be a rule that says nothing."""
    domain = ascii_name(_BEFORE_DOMAIN.sub("", listing.bare(given).lower(), count=1).rstrip("./"))
    if len(domain) > LONGEST_HOST or not _DOMAIN.fullmatch(domain):
        raise ParameterError(f"Parameter '{name}': '{given}' is no domain, such as example.org.")
    return domain


def _mailbox(given: str) -> tuple[str, str]:
    """Return the name and the address of exactly one mailbox; ("", "") for anything else, however like one it looks."""
    try:
        read = policy.default.header_factory("To", given)
    except (ValueError, IndexError):  # a line break, and what the library stumbles over
        return "", ""
    if read.defects or len(read.addresses) != 1 or read.groups[0].display_name is not None:
        return "", ""
    return read.addresses[0].display_name, read.addresses[0].addr_spec


def _list(name: str, spec: Mapping[str, Any], given: str) -> tuple[str, ...]:
    items = listing.items(name, given, spec.get("each", "name"))
    if not "".join(items).strip() and not spec.get("required"):
        return tuple(_empty("list", spec.get("default")))  # a comment only
    return _listed(name, spec, items)


def _listed(name: str, spec: Mapping[str, Any], items: Iterable[str]) -> tuple[str, ...]:
    found = tuple(item.strip() for item in items if item.strip(" \t\r\n,;"))
    if not found and spec.get("required"):
        raise ParameterError(f"Parameter '{name}' is not set: {spec['description']}.")
    found = tuple(_READERS[spec.get("each", "name")](name, spec, item) for item in found)
    if "choices" not in spec:
        return found
    for item in found:
        if _chosen(spec, item) is None:
            raise ParameterError(f"Parameter '{name}' may hold {_offered(spec)}; '{item}' is none of them.")
    return tuple(str(_chosen(spec, item)) for item in found)


def _digest(name: str, spec: Mapping[str, Any], given: str) -> Gathering:
    try:
        return gathering.read(given)
    except ValueError:
        raise ParameterError(f"Parameter '{name}' must be {gathering.WHAT}.") from None


def _choice(name: str, spec: Mapping[str, Any], given: str) -> str:
    chosen = _chosen(spec, given)
    if chosen is None:
        raise ParameterError(f"Parameter '{name}' must be one of: {_offered(spec)}.")
    return chosen


def _chosen(spec: Mapping[str, Any], given: str) -> str | None:
    """Return the choice that a value names, by itself or by a word or number that means the same."""
    wanted = given.lower()
    meant = spec.get("words", {}).get(wanted, wanted)
    return next((str(choice) for choice in spec["choices"] if choice.lower() == meant.lower()), None)


def _offered(spec: Mapping[str, Any]) -> str:
    """Return the choices, each with the first word or number that means the same."""
    words: dict[str, str] = {}
    for word, choice in spec.get("words", {}).items():
        words.setdefault(choice, word)
    return ", ".join(f"{choice} ({words[choice]})" if choice in words else choice for choice in spec["choices"])


_READERS: dict[str, Any] = {
    "text": _text,
    "word": listing.word,
    "type": listing.attribute_type,
    "tag": listing.pattern,
    "name": listing.name,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "url": _url,
    "email": _email,
    "domain": _domain,
    "list": _list,
    "choice": _choice,
    "digest": _digest,
}
