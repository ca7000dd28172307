"""What each device reads: which entries it can hold, and how its file is written.

The rules were seen on the running programs (docs/lists.md says which). A line that a device's own checker would refuse
is never written: `unfit` says why an entry stays out.
"""

from __future__ import annotations

import base64
import csv
import datetime
import hashlib
import io
import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from misp_workflow.delivery.lists.values import Entry, Network
from misp_workflow.settings.lists import ListRules

NAMES = ("domain", "hostname")
HASHES = ("md5", "sha1", "sha256")
KINDS = {"ip": ("ip",), "domain": NAMES, "url": ("url",), "hash": HASHES}
"""What a list that `holds` this takes; any other word is a kind itself."""


class Row(NamedTuple):
    """One entry as it stands in a list: since and until when (seconds since 1970; 0: for ever), by which events."""

    entry: Entry
    since: float
    until: float
    events: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """What the lines are made of: `rows` in the order of their values, the list's `name`, its rules, a `serial`."""

    rows: list[Row]
    name: str
    rules: ListRules
    serial: int

    def values(self) -> list[str]:
        """Return the values, each once: a domain and a host may have the same name."""
        return list(dict.fromkeys(row.entry.value for row in self.rows))


@dataclass(frozen=True)
class Format:
    """One format. `takes` are the kinds for a format that holds several at once, `ending` that of its file's name.

    `write` returns the lines, None where no file may stand for want of entries. `unfit` returns why an entry cannot be
    held, in half a sentence, "" when it can.
    """

    write: Callable[[Written], Iterable[str] | None]
    unfit: Callable[[Entry, ListRules], str] = lambda entry, rules: ""
    takes: tuple[str, ...] = ()
    ending: str = ".txt"

    def kinds(self, rules: ListRules) -> tuple[str, ...]:
        """Return the kinds of entries that a list with these rules takes."""
        return KINDS.get(rules.holds, (rules.holds,)) if rules.holds else self.takes


def text(written: Written) -> bytes | None:
    """Return the whole file as the device reads it; None where there must be none."""
    lines = FORMATS[written.rules.format].write(written)
    return None if lines is None else "".join(f"{line}\n" for line in lines).encode()


def file_name(name: str, rules: ListRules) -> str:
    """Return the name of the list's file in the folder."""
    return rules.file or f"{name}{FORMATS[rules.format].ending}"


# --- names ------------------------------------------------------------------------------------------------------------


def _hosts(written: Written) -> Iterable[str]:
    for name in written.values():
        yield f"0.0.0.0 {name}"
        yield f":: {name}"


def _squid(written: Written) -> Iterable[str]:
    """A name that a listed domain covers is fatal to Squid."""
    for row in _uncovered(written.rows):
        yield f".{row.entry.value}" if row.entry.kind == "domain" else row.entry.value


def _uncovered(rows: list[Row]) -> Iterable[Row]:
    """Yield the rows without the names that a listed domain covers."""
    domains = {row.entry.value for row in rows if row.entry.kind == "domain"}
    for row in rows:
        name = row.entry.value
        if domains.isdisjoint(_above(name)) and (row.entry.kind == "domain" or name not in domains):
            yield row


def _above(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]


def _rpz(written: Written) -> Iterable[str]:
    """A wildcard ends at any name below it in the zone (RFC 4592, 3.3.1), so a covered one would open what is below."""
    yield "$TTL 300"
    yield f"@ IN SOA localhost. root.localhost. {written.serial} 3600 600 86400 300"
    yield "@ IN NS localhost."
    for row in _uncovered(written.rows):
        value = row.entry.value
        if row.entry.kind == "ip":
            yield f"{_rpz_address(row.entry.network)} CNAME ."
        else:
            yield f"{value} CNAME ."
            if row.entry.kind == "domain":
                yield f"*.{value} CNAME ."


def _rpz_address(network: Network) -> str:
    if network.version == 4:
        parts = str(network.network_address).split(".")
    else:
        parts = re.sub("^::|::$|::", ":zz:", network.network_address.compressed).strip(":").split(":")
    return ".".join([str(network.prefixlen), *reversed(parts), "rpz-ip"])


def _rpz_unfit(entry: Entry, rules: ListRules) -> str:
    owner = len(_rpz_address(entry.network)) if entry.kind == "ip" else len(entry.value) + 2
    return "is too long for the zone" if owner + 1 + len(rules.zone) + 2 > 255 else ""


# --- addresses --------------------------------------------------------------------------------------------------------

PER_LINE = 64


def _nftables(written: Written) -> Iterable[str]:
    """One file that `nft -f` applies whole or not at all: the sets, emptied and filled anew."""
    sets = [(f"{_set_name(written.name, 24)}_{version}", version) for version in (4, 6)]
    yield "add table inet misp"
    for name, version in sets:
        kind = f"type ipv{version}_addr; flags interval; auto-merge;"
        yield f"add set inet misp {name} {{ {kind} }}"
        yield f"flush set inet misp {name}"
    for name, version in sets:
        networks = _collapsed(written.rows, version)
        for start in range(0, len(networks), PER_LINE):
            yield f"add element inet misp {name} {{ {', '.join(networks[start : start + PER_LINE])} }}"


def _ipset(written: Written) -> Iterable[str]:
    """For `ipset restore`: each set is filled beside the one in force, then takes its place."""
    room = max(65_536, written.rules.most)
    for version, family in ((4, "inet"), (6, "inet6")):
        name = f"{_set_name(written.name, 24)}-{version}"
        yield f"create {name} hash:net family {family} maxelem {room} -exist"
        yield f"create {name}-new hash:net family {family} maxelem {room} -exist"
        yield f"flush {name}-new"
        yield from (f"add {name}-new {network}" for network in _collapsed(written.rows, version))
        yield f"swap {name}-new {name}"
        yield f"destroy {name}-new"


def _set_name(name: str, most: int) -> str:
    """Return a name for a set: letters, digits and underscores, told apart from others where it must be cut."""
    plain = "misp_" + re.sub("[^A-Za-z0-9]", "_", name)
    if len(plain) <= most and plain == f"misp_{name}":
        return plain
    return f"{plain[: most - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _collapsed(rows: list[Row], version: int) -> list[str]:
    """Return the networks of one family, none within another: an overlap is an error to nft."""
    networks = [network for row in rows if (network := row.entry.network).version == version]
    found = ipaddress.collapse_addresses(networks)  # type: ignore[type-var]
    return [str(one.network_address) if one.prefixlen == one.max_prefixlen else str(one) for one in found]


# --- detection --------------------------------------------------------------------------------------------------------


def _suricata(written: Written) -> Iterable[str]:
    if written.rules.holds in ("ip", "md5", "sha256"):
        return written.values()
    return [base64.b64encode(value.encode()).decode() for value in written.values()]


def _suricata_unfit(entry: Entry, rules: ListRules) -> str:
    return "is a network, and a Suricata dataset holds single addresses only" if _is_network(entry) else ""


def _is_network(entry: Entry) -> bool:
    return entry.kind == "ip" and "/" in entry.value


def _clamav(written: Written) -> Iterable[str] | None:
    """An empty file is fatal to ClamAV: then there is none."""
    values = written.values()
    return [f"{value}:*:MISP.{value[:12]}:73" for value in values] if values else None


ZEEK = {
    "domain": "Intel::DOMAIN",
    "hostname": "Intel::DOMAIN",
    "url": "Intel::URL",
    "email": "Intel::EMAIL",
    "md5": "Intel::FILE_HASH",
    "sha1": "Intel::FILE_HASH",
    "sha256": "Intel::FILE_HASH",
    "filename": "Intel::FILE_NAME",
    "certificate": "Intel::CERT_HASH",
    "user-agent": "Intel::SOFTWARE",
}
"""https://docs.zeek.org/en/current/scripts/base/frameworks/intel/main.zeek.html#type-Intel::Type"""


def _zeek(written: Written) -> Iterable[str]:
    yield "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc"
    said: set[tuple[str, str]] = set()
    for entry, _, _, events in written.rows:
        kind = ("Intel::SUBNET" if _is_network(entry) else "Intel::ADDR") if entry.kind == "ip" else ZEEK[entry.kind]
        value = entry.value.partition("://")[2] if entry.kind == "url" else entry.value
        if (kind, value) not in said:  # http and https are the same to Zeek
            said.add((kind, value))
            yield f"{value}\t{kind}\tMISP\t{events[0] if events else '-'}"


def _as_text(entry: Entry, rules: ListRules) -> str:
    return "would be read as a comment" if entry.value.startswith("#") or entry.value == "-" else ""


CHECKPOINT = {
    "domain": "Domain",
    "hostname": "Domain",
    "url": "URL",
    "email": "Mail-from",
    "md5": "MD5",
    "sha1": "SHA1",
    "sha256": "SHA256",
}


def _checkpoint(written: Written) -> Iterable[str]:
    yield "#UNIQ-NAME,VALUE,TYPE,CONFIDENCE,SEVERITY,PRODUCT,COMMENT"
    said: set[tuple[str, str]] = set()
    for entry, _, _, events in written.rows:
        kind, value = _checkpoint_value(entry)
        if (kind, value) not in said:
            said.add((kind, value))
            name = f"misp-{hashlib.sha256(f'{kind} {value}'.encode()).hexdigest()[:20]}"
            product = "AB" if kind in ("Domain", "IP", "IP Range", "URL") else "AV"
            yield _csv_line([name, value, kind, "high", "high", product, events[0] if events else ""])


def _checkpoint_value(entry: Entry) -> tuple[str, str]:
    if entry.kind == "ip":
        network = entry.network
        return ("IP Range", f"{network[0]}-{network[-1]}") if _is_network(entry) else ("IP", entry.value)
    return CHECKPOINT[entry.kind], entry.value.partition("://")[2] if entry.kind == "url" else entry.value


def _checkpoint_unfit(entry: Entry, rules: ListRules) -> str:
    return "is IPv6, which these feeds do not hold" if entry.kind == "ip" and ":" in entry.value else ""


# --- firewalls and proxies --------------------------------------------------------------------------------------------


def _without_scheme(written: Written) -> Iterable[str]:
    """URLs as PAN-OS takes them, and as HAProxy matches lists of them by `base`: host and path."""
    if written.rules.holds != "url":
        return written.values()
    return dict.fromkeys(value.partition("://")[2] for value in written.values())


def _panos_unfit(entry: Entry, rules: ListRules) -> str:
    return "has more than 255 characters" if len(entry.value.partition("://")[2] or entry.value) > 255 else ""


def _haproxy_unfit(entry: Entry, rules: ListRules) -> str:
    return "has a query, which `base` never matches" if entry.kind == "url" and "?" in entry.value else ""


# --- for everything else ----------------------------------------------------------------------------------------------


def _csv_line(fields: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _csv(written: Written) -> Iterable[str]:
    yield "value,type,since,until,events"
    for row in written.rows:
        until = _time(row.until) if row.until else ""
        yield _csv_line([row.entry.value, row.entry.kind, _time(row.since), until, " ".join(row.events)])


def _csv_unfit(entry: Entry, rules: ListRules) -> str:
    return "would be a formula to a spreadsheet" if entry.value[:1] in "=+-@" else ""


def _jsonl(written: Written) -> Iterable[str]:
    for row in written.rows:
        told = {"value": row.entry.value, "type": row.entry.kind, "since": _time(row.since)}
        until = {"until": _time(row.until)} if row.until else {}
        yield json.dumps({**told, **until, "events": row.events}, ensure_ascii=False)


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


EVERYTHING = ("ip", *NAMES, "url", "email", *HASHES, "user-agent", "ja3", "filename", "certificate")

FORMATS = {
    "plain": Format(Written.values, _as_text, EVERYTHING),
    "hosts": Format(_hosts, ending=".hosts"),
    "dnsmasq": Format(lambda written: [f"server=/{name}/" for name in written.values()], ending=".conf"),
    "unbound": Format(
        lambda written: ["server:", *(f'    local-zone: "{name}." always_nxdomain' for name in written.values())],
        ending=".conf",
    ),
    "rpz": Format(_rpz, _rpz_unfit, ("ip", *NAMES), ending=".rpz"),
    "panos": Format(_without_scheme, _panos_unfit),
    "fortinet": Format(Written.values),
    "checkpoint": Format(_checkpoint, _checkpoint_unfit, ("ip", *CHECKPOINT), ending=".csv"),
    "squid": Format(_squid),
    "haproxy": Format(_without_scheme, _haproxy_unfit),
    "nftables": Format(_nftables, ending=".nft"),
    "ipset": Format(_ipset, ending=".ipset"),
    "suricata": Format(_suricata, _suricata_unfit, ending=".lst"),
    "clamav": Format(_clamav, ending=".hsb"),
    "zeek": Format(_zeek, _as_text, ("ip", *ZEEK), ending=".intel"),
    "csv": Format(_csv, _csv_unfit, EVERYTHING, ending=".csv"),
    "jsonl": Format(_jsonl, takes=EVERYTHING, ending=".jsonl"),
}
