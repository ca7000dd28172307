"""What the settings say of the lists that devices read: the folder, and each list's format and bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from misp_workflow.settings.secrets import resolve

HOLDS = {
    "plain": (),
    "hosts": ("domain",),
    "dnsmasq": ("domain",),
    "unbound": ("domain",),
    "rpz": (),
    "panos": ("ip", "domain", "url"),
    "fortinet": ("ip", "domain", "url", "hash"),
    "checkpoint": (),
    "squid": ("domain",),
    "haproxy": ("ip", "domain", "url"),
    "nftables": ("ip",),
    "ipset": ("ip",),
    "suricata": ("domain", "ip", "md5", "sha256", "user-agent", "ja3", "filename"),
    "clamav": ("hash",),
    "zeek": (),
    "csv": (),
    "jsonl": (),
}
"""The formats, each with what a list in it can hold: one of these at a time; nothing named: several at once."""


@dataclass(frozen=True, kw_only=True)
class ListRules:
    """One list, kept under the name of its destination.

    `format` is one of HOLDS, `holds` what the format's entries are ("" where the format takes several kinds at once).
    `types` are the MISP attribute types that it takes (empty: all that the format can hold), `keep` the longest life
    of an entry in seconds (0: for ever), `allow` names and networks that never stand in it. At `most` entries it
    refuses what is new, or drops the oldest (`when_full`). `file` is its file's name in the folder, `zone` the name of
    an RPZ zone, `warninglists` which of MISP's warninglists keep a value out, `reserved` whether private and reserved
    addresses may stand in it.
    """

    format: str
    holds: str = ""
    types: tuple[str, ...] = ()
    keep: float = 0.0
    allow: tuple[str, ...] = ()
    most: int = 100_000
    when_full: str = "refuse"
    file: str = ""
    zone: str = "rpz.misp"
    warninglists: tuple[str, ...] = ("*",)
    reserved: bool = False


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The folder that a web server publishes, None when no list is kept; and what is the house's own, never listed.

    `token` lets devices in that ask `misp-workflow list serve`; "" lets everybody in.
    """

    folder: Path | None = None
    own_networks: tuple[str, ...] = ()
    own_domains: tuple[str, ...] = ()
    token_reference: str = field(default="", repr=False)

    @property
    def token(self) -> str:
        """The token, read from where the settings say at each use; SettingsError when it cannot be read."""
        return resolve(self.token_reference, "lists.token")
