"""Which hosts, addresses and networks an attribute speaks of, whatever its type.

Read is the whole value, each part of a composite one (domain|ip, ip-dst|port), the host of a URL, of a path
(//10.0.0.1/share, \\\\10.0.0.1\\share) and of a mail address, with a port or without. Free text is not searched.

An address is read as a resolver reads it (octal, hexadecimal, fewer than four numbers, one number) and as people do
(decimal, whatever zeros it begins with), and all of it counts. A number or two alone are one only where the type or the
spelling says that an address stands there.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

import idna

from misp_workflow.delivery.guard.networks import inside, readings
from misp_workflow.event import text

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_HOST = 253
"""Characters of a host name, RFC 1035 section 2.3.4."""

LONGEST_NETWORK = 64
"""Characters of a network in its longest spelling, and some."""

NO_ADDRESS = frozenset({"mac-address", "mac-eui-64", "email-message-id", "filename"})
"""Types whose values look like an address or hold one without speaking of it."""

RESERVED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    "::/3", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "3fff::/20", "4000::/2", "8000::/1",
)  # fmt: skip
"""What is private, reserved, multicast or documentation: https://www.iana.org/assignments/iana-ipv4-special-registry,
and the same for IPv6, of which 2000::/3 is given out."""

_CLOTHES = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
"""IPv4 mapped into IPv6, RFC 4291, and its translation, RFC 6052."""

OF_HOSTS = re.compile(r"ip-.*|domain.*|hostname.*|uri|url|link|email-(?:src|dst|reply-to)", re.DOTALL)
"""Types whose values are hosts or have one: there a number alone is an address, too."""

_BEGINNING = r"(?:(?:h(?:tt|xx)ps?|ftp|wss?):[/\\]*|(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,})"
"""What a browser would follow; it wants no slashes for the schemes that it knows (https://url.spec.whatwg.org)."""
_IN_ADDRESS = re.compile(_BEGINNING, re.IGNORECASE)
_HOST = re.compile(rf"{_BEGINNING}(?:[^/\\?#]*@)?(\[[^\]]*\]|[^/\\?#:]*)", re.IGNORECASE)
# What nobody can misread: four decimal numbers, a hash, a name whose last part holds a letter that stands in no number
# (`https://name/…` too).
_NAME = re.compile(
    r"(?:https?://)?(?:[a-z0-9_-]+\.)*(?!localhost(?![a-z0-9_-]))(?=[a-z0-9_-]*[g-wyz])[a-z0-9_-]+(?::\d+)?"
    r"(?:[/?#][\x00-\x7b\x7d-\x7f]*)?",
    re.IGNORECASE | re.ASCII,
)
_HEXADECIMAL = re.compile(r"[0-9a-f]+", re.IGNORECASE | re.ASCII)
_FOUR_NUMBERS = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}", re.ASCII)
_NO_SCHEME = re.compile(r"(?:[^@/\\?#\s]*@)?(\[[^\]]*\]|[^/\\?#:\s@]+)(?::\d*)?(?:[/\\?#]|$)")


def hosts(attribute: Mapping[str, Any]) -> list[str]:
    """Return the hosts of the attribute's value in lower case, each once: names, and addresses without brackets."""
    found = (_host(part) for part in map(_live, parts(attribute)))
    return list(dict.fromkeys(host for host in found if host))


def networks(attribute: Mapping[str, Any]) -> list[Network]:
    """Return the addresses (as networks of one) and networks of the value, each once; IPv4 in IPv6 is IPv4."""
    return list(dict.fromkeys(network for part in _telling(attribute) for network in _networks(part, attribute)))


def reserved(attribute: Mapping[str, Any]) -> list[str]:
    """Return the parts of the value that speak of an address that may not be on the Internet, or of a network of such.

    Whatever contains or lies in one of RESERVED counts, and the name of this machine.
    """
    value = attribute.get("value")
    if type(value) is str:  # what most values are is not taken apart
        if _FOUR_NUMBERS.fullmatch(value):
            return [value] if _is_reserved_ipv4(value) and _telling(attribute) else []
        if _HEXADECIMAL.fullmatch(value):
            if not (value.isdigit() and _is_of_hosts(attribute)):
                return []
        elif _NAME.fullmatch(value):
            return []
    return [part for part in _telling(attribute) if _is_reserved(part, attribute)]


def _is_reserved_ipv4(four: str) -> bool:
    if four[: four.index(".")] not in _first_numbers():
        return False
    numbers = [int(number) for number in four.split(".")]
    if max(numbers) > 255:
        return False
    address = int.from_bytes(numbers, "big")
    return Ranges.of_reserved().meet(4, address, address)


@cache
def _first_numbers() -> frozenset[str]:
    """With what the IPv4 addresses in RESERVED begin."""
    edges = [_edges(ipaddress.IPv4Network(name)) for name in RESERVED if ":" not in name]
    return frozenset(str(number) for first, last in edges for number in range(first >> 24, (last >> 24) + 1))


def _is_reserved(part: str, attribute: Mapping[str, Any]) -> bool:
    return any(map(Ranges.of_reserved().meets, _networks(part, attribute))) or _here(part)


def _here(part: str) -> bool:
    host = _host(_live(part))
    return host == "localhost" or host.endswith(".localhost")  # RFC 6761, section 6.3


def ascii_name(name: str) -> str:
    """Return a domain in small letters and as punycode; a part of it that can be none stays as it is."""
    return ".".join(map(_ascii_label, re.split("[.\u3002\uff0e\uff61]", name.lower())))  # RFC 3490, section 3.1


def _ascii_label(label: str) -> str:
    if not label.isascii():
        with contextlib.suppress(idna.IDNAError):
            return idna.encode(label, uts46=True).decode()
    return label


def read_network(name: str) -> Network | None:
    """Return the address or network that a text is, None when it is none."""
    if len(name) > LONGEST_NETWORK or not ("." in name or ":" in name):
        return None
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None


_NO_RANGES: tuple[list[int], list[int]] = ([], [])


class Ranges:
    """Many networks, searched as sorted ranges of numbers: a look takes as long among a million as among ten."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._ranges: dict[int, tuple[list[int], list[int]]] = {}
        edges = sorted((one.version, *_edges(one)) for one in networks)
        for version, first, last in edges:
            firsts, lasts = self._ranges.setdefault(version, ([], []))
            if lasts and first <= lasts[-1] + 1:
                lasts[-1] = max(lasts[-1], last)
            else:
                firsts.append(first)
                lasts.append(last)

    @classmethod
    @cache
    def of_reserved(cls) -> Ranges:
        """Return the ranges of RESERVED."""
        return cls(map(ipaddress.ip_network, RESERVED))

    def meets(self, network: Network) -> bool:
        """Whether the network contains, lies in or is one of these."""
        return self.meet(network.version, *_edges(network))

    def meet(self, version: int, first: int, last: int) -> bool:
        """The same for what reaches from the first of these numbers to the last."""
        firsts, lasts = self._ranges.get(version, _NO_RANGES)
        place = bisect_right(firsts, last)  # of those that begin before the network ends, the last reaches furthest
        return place > 0 and lasts[place - 1] >= first


def parts(attribute: Mapping[str, Any]) -> list[str]:
    """Return the values of an attribute: both halves of a composite one, without the port."""
    kind, value = text(attribute.get("type")), _wide(text(attribute.get("value"))).strip()
    if "|" not in kind:
        return [value]
    halves = [part.strip() for part in value.split("|")]
    return halves[:1] if kind.endswith("|port") else halves


def _wide(value: str) -> str:
    """Return the value as a browser reads it: full-width signs as the plain ones, and nothing invisible."""
    if value.isascii():
        return value
    shown = unicodedata.normalize("NFKC", value).replace("\u3002", ".")
    return "".join(one for one in shown if unicodedata.category(one) != "Cf")


def _telling(attribute: Mapping[str, Any]) -> list[str]:
    return [] if text(attribute.get("type")).partition("|")[0] in NO_ADDRESS else parts(attribute)


def _edges(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def _live(value: str) -> str:
    """Return the value as a browser takes it: without line breaks and tabs, and not defanged."""
    return _DEFANGED_DOT.sub(".", value.translate(_PASSED_OVER)) if _ODD.search(value) else value


_ODD = re.compile(r"[\t\r\n\[({]")
_PASSED_OVER = {ord(letter): None for letter in "\t\r\n"}
_DEFANGED_DOT = re.compile(r"\[(?:\.|dot)\]|\((?:\.|dot)\)|\{(?:\.|dot)\}", re.IGNORECASE)


def _host(value: str) -> str:
    match = _HOST.match(value)
    host = _decoded(match[1]) if match else ""
    if not match and (match := _NO_SCHEME.match(value)):
        host = match[1]
    host = host.strip("[]").partition("%")[0].rstrip(".").lower()
    return host if len(host) <= LONGEST_HOST else ""


def _decoded(host: str) -> str:
    """Return the host of an address with its percent signs read, as a browser reads them; a zone stays."""
    return _wide(unquote(host)) if "%" in host and not host.startswith("[") else host


def _networks(value: str, attribute: Mapping[str, Any]) -> Iterator[Network]:
    value = _live(value)
    whole = read_network(value.partition("%")[0])
    if whole is not None:
        yield from _both(whole)
        return
    if not _IN_ADDRESS.match(value) and (odd := list(_odd_networks(value))):
        yield from (one for network in odd for one in _both(network))
        return
    host = _host(value).removeprefix("ipv6:")
    if _IN_ADDRESS.match(value) or host.count(".") == 3 or ":" in host or _is_of_hosts(attribute):
        for found in readings(host):
            yield from _both(ipaddress.ip_network(found))


def _odd_networks(value: str) -> Iterator[Network]:
    """Yield what a network, or an IPv6 address, may mean that is written as nobody writes it today."""
    address, slash, length = value.partition("/")
    if len(value) <= LONGEST_NETWORK and (slash or address.count(":") > 1):
        for one in readings(address):
            network = read_network(f"{one}/{length.lstrip('0') or 0}" if slash else str(one))
            yield from [network] if network else []


def _is_of_hosts(attribute: Mapping[str, Any]) -> bool:
    return OF_HOSTS.fullmatch(text(attribute.get("type"))) is not None


def _both(network: Network) -> Iterator[Network]:
    """Yield the network and the IPv4 addresses that it carries; an IPv4 network in IPv6's clothes as what it is."""
    if isinstance(network, ipaddress.IPv6Network) and any(map(network.subnet_of, _CLOTHES)):
        yield ipaddress.ip_network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
        return
    yield network
    if network.num_addresses == 1:
        yield from map(ipaddress.ip_network, inside(network.network_address))
