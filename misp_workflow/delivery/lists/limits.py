"""What must never be blocked, whatever an event says: our own, everybody's, nobody's."""

from __future__ import annotations

import ipaddress
from functools import cache
from urllib.parse import urlsplit

from misp_workflow.delivery.guard.networks import inside, readings
from misp_workflow.delivery.lists.values import Entry, Network, UnfitError, name
from misp_workflow.settings.lists import ListRules, Lists
from misp_workflow.suffixes import public_suffixes

WIDEST = {4: 8, 6: 19}
"""The shortest prefix that a list takes: a wider network is half the Internet."""


def refusal(entry: Entry, rules: ListRules, house: Lists) -> str:
    """Return why the entry may not stand in the list, in half a sentence; "" when it may."""
    if entry.kind == "ip":
        return _network_refusal(entry.network, rules, house)
    host = _host(entry)
    if not host:
        return ""
    addresses = list(readings(host))
    if not addresses:
        return _name_refusal(host, entry.kind, rules, house)
    return next(filter(None, (_network_refusal(ipaddress.ip_network(one), rules, house) for one in addresses)), "")


def _host(entry: Entry) -> str:
    """Return the name or address that blocking the entry would hit; "" for what names none."""
    if entry.kind in ("domain", "hostname"):
        return entry.value
    if entry.kind == "url":
        return urlsplit(entry.value).hostname or ""
    return entry.value.rpartition("@")[2] if entry.kind == "email" else ""


def _network_refusal(network: Network, rules: ListRules, house: Lists) -> str:
    if network.prefixlen < WIDEST[network.version]:
        return f"is wider than /{WIDEST[network.version]}"
    meant = [network, *map(ipaddress.ip_network, inside(network.network_address))]
    if any(_overlaps(one, own) for own in house.own_networks for one in meant):
        return "is a network of our own (lists.own_networks)"
    if any(_overlaps(one, allowed) for allowed in rules.allow for one in meant):
        return "is on the list's allow-list"
    if not rules.reserved and any(network.overlaps(one) for one in _reserved(network.version)):
        return "is private, reserved or for documentation"
    return ""


def _overlaps(network: Network, text: str) -> bool:
    other = _read_network(text)
    return other is not None and other.version == network.version and network.overlaps(other)


@cache
def _read_network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


RESERVED = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
    "::/8 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 "
    "fc00::/7 fe80::/10 fec0::/10 ff00::/8"
)
"""The special-purpose registries of IANA: https://www.iana.org/assignments/iana-ipv4-special-registry/ and -ipv6-."""


@cache
def _reserved(version: int) -> list[Network]:
    return [network for text in RESERVED.split() if (network := ipaddress.ip_network(text)).version == version]


def _name_refusal(host: str, kind: str, rules: ListRules, house: Lists) -> str:
    if "." not in host:
        return "is a top-level name" if kind != "hostname" else "is a name without a domain"
    if kind != "url" and public_suffixes().is_public(host):
        return "is a public suffix, under which many others have their names"
    if any(_covers(own, host, kind) for own in house.own_domains):
        return "is a name of our own (lists.own_domains)"
    if any(_covers(allowed, host, kind) for allowed in rules.allow if _read_network(allowed) is None):
        return "is on the list's allow-list"
    return ""


def _covers(allowed: str, host: str, kind: str) -> bool:
    """Whether blocking the host would hit a name that is allowed: the name, what is below it, or a domain above it."""
    try:
        wanted = name(allowed.removeprefix("*."))
    except UnfitError:
        return False
    below = host == wanted or host.endswith(f".{wanted}")
    return below or (kind == "domain" and wanted.endswith(f".{host}"))
