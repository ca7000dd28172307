"""What analysts ask of a value: is it in our networks, does it look like this, whose domain is it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import regex

from misp_workflow.errors import TemplateError
from misp_workflow.suffixes import public_suffixes
from misp_workflow.template.attributes import reading
from misp_workflow.template.limits import current
from misp_workflow.template.style import cut
from misp_workflow.template.values import Indicator, items, number, text

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_PATTERN = 500
"""Characters of a regular expression."""
PATIENCE = 0.2
"""Seconds that one search may take: a pattern can go back and forth on a text for years."""
SEARCH_STEPS = 10
MAX_ADDRESS = 64
MAX_HOST = 1_000


# --- addresses --------------------------------------------------------------------------------------------------------


def in_network(value: Any, network: Any) -> bool:
    """Whether an address, or a network as a whole, lies in `network` ("10.0.0.0/8")."""
    return in_networks(value, [network])


def in_networks(value: Any, networks: Any) -> bool:
    """Whether it lies in one of them: a list, or a text with commas or spaces. What is no address lies in none."""
    listed = text(networks).replace(",", " ").split() if isinstance(networks, str) else items(networks)
    current().spend(len(listed) + 1)
    known = [_network(text(one).strip()) for one in listed]
    return any(_within(one, other) for one in _addresses(value) for other in known)


def is_private(value: Any) -> bool:
    """Whether an address cannot be one on the Internet: private, loopback, link-local, reserved, for documentation."""
    return any(not one.is_global for one in _addresses(value))


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.subnet_of(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.subnet_of(other)
    return False


def _addresses(value: Any) -> list[Network]:
    """Return the addresses and networks in a value: "198.51.100.7|443" has one, an attribute that of its value."""
    parts = _written(value).split("|", 4)[:4]
    return [network for part in parts if (network := _read(part.strip().strip("[]")))]


def _written(value: Any) -> str:
    """Return the text of a value, or of an attribute's."""
    written = text(reading(value, "value", "") if isinstance(value, Mapping) else value)
    current().read(len(written))
    return written


@lru_cache(maxsize=4096)
def _read(written: str) -> Network | None:
    if len(written) > MAX_ADDRESS:
        return None
    try:
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        return ipaddress.ip_network((mapped, network.prefixlen - 96)) if mapped else network
    return network


def _network(written: str) -> Network:
    network = _read(written[: MAX_ADDRESS + 1])
    if network is None:
        raise TemplateError(f"'{written[:40]}' is no network or address, such as 10.0.0.0/8")
    return network


# --- regular expressions ----------------------------------------------------------------------------------------------


def matches(value: Any, pattern: Any, ignore_case: bool = False) -> bool:
    """Whether the regular expression is found anywhere in the text; ^ and $ hold it to the ends."""
    written, compiled = _for_search(value, pattern, ignore_case)
    try:
        return compiled.search(written, timeout=PATIENCE) is not None
    except TimeoutError:
        raise _too_long(pattern) from None


def regex_replace(value: Any, pattern: Any, replacement: Any = "", ignore_case: bool = False, count: int = 0) -> str:
    r"""Return the text with what the regular expression finds replaced; `\1` in `replacement` is the first group.

    `count` is how many at most, 0 for all.
    """
    written, compiled = _for_search(value, pattern, ignore_case)
    template, most = text(replacement), number(count, "the count", 0, 1_000_000)
    if len(template) > MAX_PATTERN:
        raise TemplateError(f"a replacement has up to {MAX_PATTERN} characters")
    run, made, place, times = current(), [], 0, 0
    groups = template.count("\\")
    try:
        for found in compiled.finditer(written, timeout=PATIENCE):
            run.spend(2)
            longest = max(len(part or "") for part in (found[0], *found.groups())) if groups else 0
            run.grow(len(template) + groups * longest + found.start() - place)
            made += [written[place : found.start()], found.expand(template) if groups else template]
            place, times = found.end(), times + 1
            if times == most:
                break
    except TimeoutError:
        raise _too_long(pattern) from None
    except (regex.error, IndexError):
        raise TemplateError(f"'{template[:40]}' is no replacement: it names a group that is not there") from None
    run.grow(len(written) - place)
    whole = "".join([*made, written[place:]])
    return Indicator(whole) if isinstance(value, (Indicator, Mapping)) else whole


def _for_search(value: Any, pattern: Any, ignore_case: bool) -> tuple[str, regex.Pattern[str]]:
    written = cut(_written(value))
    current().spend(SEARCH_STEPS)
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise TemplateError(f"a regular expression is a text of up to {MAX_PATTERN} characters")
    return written, _compiled(str(pattern), bool(ignore_case))


@lru_cache(maxsize=256)
def _compiled(pattern: str, ignore_case: bool) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, OverflowError, RecursionError) as error:
        raise TemplateError(f"'{pattern[:60]}' is no regular expression: {str(error)[:100]}") from None


def _too_long(pattern: Any) -> TemplateError:
    return TemplateError(f"the regular expression '{str(pattern)[:60]}' takes too long on this text; make it simpler")


# --- domains ----------------------------------------------------------------------------------------------------------


def domain_of(value: Any) -> str:
    """Return the domain in a domain, host name, address of mail or web address, in small letters; "" for none."""
    for part in _written(value).split("|", 4)[:4]:
        if host := _host(part.strip()[:MAX_HOST]):
            return Indicator(host)
    return ""


def registrable_domain(value: Any) -> str:
    """Return the part of the domain that somebody registered ("evil.co.uk"), by the Public Suffix List; "" for none."""
    host = domain_of(value)
    return Indicator(public_suffixes().privatesuffix(str(host)) or "") if host else ""


def _host(part: str) -> str:
    if "://" in part:
        try:
            part = urlsplit(part).hostname or ""
        except ValueError:
            return ""
    else:
        part = part.partition("/")[0].rpartition("@")[2].partition(":")[0]
    host = part.lower().rstrip(".")
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(_is_label(label) for label in labels) or labels[-1].isdecimal():
        return ""
    return host


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum()


FILTERS: dict[str, Callable[..., Any]] = {
    "in_network": in_network,
    "in_networks": in_networks,
    "is_private": is_private,
    "matches": matches,
    "regex_replace": regex_replace,
    "domain_of": domain_of,
    "registrable_domain": registrable_domain,
}
TESTS: dict[str, Callable[..., Any]] = {
    "in_network": in_network,
    "in_networks": in_networks,
    "is_private": is_private,
    "private": is_private,
    "matches": matches,
}
