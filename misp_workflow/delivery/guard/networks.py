"""Which addresses a connection may go to. Judged after the name was resolved, for every connection and redirect."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

from misp_workflow import settings
from misp_workflow.settings import Networks

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = (
    "169.254.169.254",  # AWS, Azure, Google Cloud, OpenStack, DigitalOcean, Oracle
    "169.254.170.2",  # AWS: credentials of containers
    "169.254.170.23",
    "169.254.42.42",  # Scaleway
    "169.254.0.23",  # Tencent
    "100.100.100.200",  # Alibaba Cloud
    "168.63.129.16",  # Azure's host
    "192.0.0.192",  # Oracle Cloud, formerly
    "fd00:ec2::/32",  # AWS: instance metadata, credentials of containers
    "fd20:ce::/32",  # Google Cloud
    "fd00:c1::/32",  # Oracle Cloud
    "fd00:42::/32",  # Scaleway
    "fd00:a9fe:a9fe::/48",  # Linode
)
"""Where the services are that hand a cloud machine's credentials to whoever asks from within."""

METADATA_NAMES = frozenset(
    (
        "instance-data",  # AWS
        "instance-data.ec2.internal",
        "metadata",  # Google Cloud
        "metadata.google.internal",
        "metadata.goog",
        "metadata.tencentyun.com",
        "metadata.platformequinix.com",
    )
)
"""Their names, for whoever cannot look them up here."""

NEVER = {
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "unspecified": ("0.0.0.0/8", "::/128"),
    "broadcast": ("255.255.255.255/32",),
}
WORDS = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"),
}

_LOW_BITS = ("64:ff9b::/96", "::ffff:0:0:0/96")
"""Well-known translation (RFC 6052) and stateless translation (RFC 2765): IPv4 in the last 32 bits."""
_LOCAL_NAT64 = ("64:ff9b:1::/48",)
"""RFC 8215: with a prefix of any length."""
_PREFIX_LENGTHS = (32, 40, 48, 56, 64, 96)
LONGEST_NUMBER = 64
"""Digits of one number in an address, zeros before it included."""
_ODD_PART = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+", re.ASCII)


def connection_refusal(address: str, networks: Networks | None = None) -> str:
    """Return "" when a connection to this IP address may be made, otherwise the sentence that says why not.

    `address` is what a name was resolved to, in any spelling that the system's resolver takes (IPv6 with a zone,
    IPv4 in IPv6, decimal, octal, hexadecimal). `networks` are the settings in force when not given.
    """
    return _refusal(address, settings.current().networks if networks is None else networks)


@lru_cache(maxsize=1024)
def _refusal(address: str, networks: Networks) -> str:
    given = read_address(address)
    if given is None:
        return f"“{address[:80]}” is not an IP address"
    for one in (given, *inside(given)):
        reason = _forbidden(one) or _denied(one, networks)
        if reason:
            return f"connections to {given} are not allowed: {reason}"
    return ""


def _forbidden(address: Address) -> str:
    if _within(address, METADATA):
        return "it is a cloud provider's metadata service"
    for name, ranges in NEVER.items():
        if _within(address, ranges):
            return f"it is a {name} address"
    return ""


def _denied(address: Address, networks: Networks) -> str:
    if any(_within(address, WORDS.get(entry, (entry,))) for entry in networks.allow):
        return ""
    for entry in networks.deny:
        if _within(address, WORDS.get(entry, (entry,))):
            return f"the settings deny {entry} (networks.deny)"
    return ""


def _within(address: Address, ranges: tuple[str, ...]) -> bool:
    return any(address in _network(text) for text in ranges)  # another version is never in


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def inside(address: Address) -> Iterator[Address]:
    """Yield the IPv4 addresses that an IPv6 address stands for, whichever way it is translated."""
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    yield from address.teredo or ()
    embedded = [_embedded(address, length) for length in _PREFIX_LENGTHS]
    low = embedded[-1]
    compatible = int(address) >> 32 == 0 and int(low) > 1
    isatap = int(address) >> 32 & 0xFCFFFFFF == 0x5EFE  # RFC 5214, section 6.1
    if compatible or isatap or _within(address, _LOW_BITS):
        yield low
    if _within(address, _LOCAL_NAT64):  # which length it is nobody knows; the wrong ones mostly find zeros
        yield from (one for one in embedded if not _within(one, NEVER["unspecified"]))
    # A network may translate with a prefix of its own, which nobody here knows; by chance these stand nowhere.
    yield from (one for one in embedded if _within(one, METADATA))


def _embedded(address: ipaddress.IPv6Address, length: int) -> ipaddress.IPv4Address:
    """Return the IPv4 address behind a prefix of that length, as RFC 6052, section 2.2, puts it there."""
    bits = int(address)
    after = bits & (1 << (128 - length)) - 1
    if length == 96:
        return ipaddress.IPv4Address(after)
    before_gap = 64 - length  # bits 64 to 71 belong to nobody
    high = after >> 64
    low = (bits & (1 << 56) - 1) >> 56 - (32 - before_gap)
    return ipaddress.IPv4Address(high << 32 - before_gap | low)


def read_address(text: str) -> Address | None:
    """Return the address that the system's resolver would make of a literal, None when it is none."""
    plain = text.strip().strip("[]").partition("%")[0]
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        return _odd_ipv4(plain)


def readings(text: str) -> Iterator[Address]:
    """Yield every address that somebody may read in a literal, each once; none when it is no address for anybody.

    `010.0.0.1` is 8.0.0.1 to a resolver and 10.0.0.1 to people and to programs that know no octal numbers.
    """
    plain = text.strip().strip("[]").partition("%")[0]
    before, colon, last = plain.rpartition(":")
    if not colon:
        found = (read_address(plain), _decimal_ipv4(plain))
        yield from dict.fromkeys(one for one in found if one is not None)
    elif "." not in last:
        whole = read_address(plain)
        yield from [whole] if whole else []
    else:  # the last 32 bits of an IPv6 address, written as IPv4
        for low in readings(last):
            whole = read_address(f"{before}:{low}")
            yield from [whole] if whole else []


def _decimal_ipv4(text: str) -> ipaddress.IPv4Address | None:
    """Read four decimal numbers, whatever zeros they begin with."""
    parts = text.removesuffix(".").split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= LONGEST_NUMBER for part in parts):
        return None
    numbers = [int(part) for part in parts]
    return ipaddress.IPv4Address(bytes(numbers)) if max(numbers) <= 255 else None


def _odd_ipv4(text: str) -> ipaddress.IPv4Address | None:
    """Read IPv4 as inet_aton does: one to four numbers, each decimal, octal (0…) or hexadecimal (0x…)."""
    parts = text.removesuffix(".").split(".")
    if len(parts) > 4 or not all(map(_ODD_PART.fullmatch, parts)) or max(map(len, parts)) > LONGEST_NUMBER:
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last + sum(number << 8 * (3 - place) for place, number in enumerate(first))
    return ipaddress.IPv4Address(value)


def _number(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part[2:], 16)
    return int(part, 8) if part.startswith("0") else int(part)
