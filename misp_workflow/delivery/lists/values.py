"""From a MISP attribute to the entries that it means: normalised, composite ones split, or the reason why not."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import idna

from misp_workflow.template.defanging import refang

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Entry(NamedTuple):
    """One thing to block. `kind`: ip (an address or a network), domain (with all below it), hostname (itself alone),
    url, md5, sha1, sha256, another hash, email, or the attribute's own type. `value` is the one spelling of it."""

    kind: str
    value: str

    @property
    def network(self) -> Network:
        """An `ip` as a network; an address is the network of itself."""
        return ipaddress.ip_network(self.value)


class UnfitError(Exception):
    """The value is not what its type says; the text says so in half a sentence."""


LONGEST_NAME = 253
LONGEST_TEXT = 4_000
"""Characters of any other value: Fortinet reads no longer line, and nobody means one."""

_HEX = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_LENGTHS = {kind: length for length, kind in _HEX.items()}
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What begins a new line for somebody, or commands a terminal."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MAIL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", re.IGNORECASE)


def read(kind: str, value: str) -> list[Entry]:
    """Return the entries that an attribute of this type and value means; UnfitError when the value is no such thing.

    None for a type that no list knows.
    """
    reader = _READERS.get(kind)
    if reader is None:
        return []
    value = value.strip()
    if not value or len(value) > LONGEST_TEXT or _BREAKS.search(value):
        raise UnfitError("is empty, too long, or has line breaks or control characters")
    return list(dict.fromkeys(reader(value)))


def name(value: str) -> str:
    """Return a domain name in small letters and as ASCII, without a dot at its end; UnfitError when it is none."""
    given = refang(value).strip().rstrip(".").lower()
    if "_" not in given and not given.isascii():
        try:
            given = idna.encode(given, uts46=True).decode()
        except idna.IDNAError:
            raise UnfitError("is no domain name") from None
    labels = given.split(".")
    if len(given) > LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise UnfitError("is no domain name")
    return given


def _address(value: str) -> list[Entry]:
    text = refang(value).strip().strip("[]")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UnfitError("is no IP address or network") from None
    if isinstance(network, ipaddress.IPv6Network) and (mapped := network.network_address.ipv4_mapped):
        network = ipaddress.ip_network((mapped, network.prefixlen - 96), strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.scope_id:
        raise UnfitError("is an address with a zone, which means something on one machine only")
    single = network.prefixlen == network.max_prefixlen
    return [Entry("ip", str(network.network_address if single else network))]


def _first(reader: Callable[[str], list[Entry]]) -> Callable[[str], list[Entry]]:
    """Return a reader of the part before "|": what follows is a port."""
    return lambda value: reader(value.partition("|")[0])


def _domain(value: str) -> list[Entry]:
    return [Entry("domain", name(value.removeprefix("*.")))]


def _hostname(value: str) -> list[Entry]:
    return [Entry("hostname", name(value))]


def _domain_and_address(value: str) -> list[Entry]:
    domain, _, address = value.partition("|")
    return [*_domain(domain), *_address(address)]


def _url(value: str) -> list[Entry]:
    text = refang(value)
    if not _URL.match(text):
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UnfitError("is no web address") from None
    if parts.username is not None or not host or " " in host or parts.scheme not in ("http", "https", "ftp"):
        raise UnfitError("is no web address that a list can hold")
    try:
        host = _address(host)[0].value
        host = f"[{host}]" if ":" in host else host
    except UnfitError:
        host = name(host)
    place = f"{host}:{port}" if port and port != {"http": 80, "https": 443, "ftp": 21}[parts.scheme] else host
    rest = quote(parts.path or "/", safe=_AS_IT_IS) + (f"?{quote(parts.query, safe=_AS_IT_IS)}" if parts.query else "")
    return [Entry("url", f"{parts.scheme}://{place}{rest}")]


_AS_IT_IS = "!$&'()*+,/:;=?@%~[]-._"


def _hash(kind: str) -> Callable[[str], list[Entry]]:
    def read_one(value: str) -> list[Entry]:
        digits = value.lower()
        if len(digits) != _LENGTHS[kind] or not re.fullmatch("[0-9a-f]+", digits):
            raise UnfitError(f"is no {kind}")
        return [Entry(kind, digits)]

    return read_one


def _after_name(reader: Callable[[str], list[Entry]]) -> Callable[[str], list[Entry]]:
    """Return a reader of the part after the file's name, which may hold a "|" itself."""
    return lambda value: reader(value.rpartition("|")[2])


def _email(value: str) -> list[Entry]:
    before, at, domain = refang(value).rpartition("@")
    if not at or not _MAIL.fullmatch(before):
        raise UnfitError("is no e-mail address")
    return [Entry("email", f"{before.lower()}@{name(domain)}")]


def _text(kind: str) -> Callable[[str], list[Entry]]:
    return lambda value: [Entry(kind, value)]


_READERS: dict[str, Callable[[str], list[Entry]]] = {
    "ip-src": _address,
    "ip-dst": _address,
    "ip-src|port": _first(_address),
    "ip-dst|port": _first(_address),
    "domain": _domain,
    "hostname": _hostname,
    "hostname|port": _first(_hostname),
    "domain|ip": _domain_and_address,
    "url": _url,
    "link": _url,
    "email": _email,
    "email-src": _email,
    "email-dst": _email,
    "email-reply-to": _email,
    **{kind: _hash(kind) for kind in _LENGTHS},
    **{f"filename|{kind}": _after_name(_hash(kind)) for kind in _LENGTHS},
    "malware-sample": _after_name(_hash("md5")),
    "ja3-fingerprint-md5": lambda value: [Entry("ja3", _hash("md5")(value)[0].value)],
    "x509-fingerprint-sha1": lambda value: [Entry("certificate", _hash("sha1")(value)[0].value)],
    "user-agent": _text("user-agent"),
    "http-user-agent": _text("user-agent"),
    "filename": _text("filename"),
}
TYPES = tuple(_READERS)
"""The MISP attribute types that a list can hold."""
