"""The table [network] of the settings file, and the key `proxy` that other tables share with it."""

from __future__ import annotations

import re

from misp_workflow import web_address
from misp_workflow.settings.model import Network
from misp_workflow.settings.secrets import is_reference
from misp_workflow.settings.table import Table, is_network

NETWORK_WORDS = ("loopback", "private")
PROXY_WORDS = ("none", "environment")
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_NAME = re.compile(r"(?:\*?\.)?[\w-]+(?:\.[\w-]+)*\.?")


def read_network(table: Table) -> Network:
    """Return what the table says; SettingsError for what cannot be."""
    network = Network(
        proxy=read_proxy(table, ""),
        no_proxy=table.strings("no_proxy", Network.no_proxy),
        proxy_ca_file=table.text("proxy_ca_file"),
    )
    for entry in network.no_proxy:
        if not (_is_network(entry) or _NAME.fullmatch(entry)):
            raise table.error("no_proxy", f"has “{entry}”, which is no name, address or network")
    table.done("networks that nothing may go to stand in [networks]")
    return network


def read_proxy(table: Table, default: str) -> str:
    """Return the key `proxy` as it is written: a word, an address, or a reference to one, which is read at each use."""
    written = table.text("proxy", default).strip()
    if written in ("", *PROXY_WORDS) or is_reference(written):
        return written
    if problem := proxy_trouble(written):
        raise table.error("proxy", f"{problem}, or be one of {', '.join(PROXY_WORDS)}")
    return written


def proxy_trouble(address: str) -> str:
    """Return what is wrong with a proxy's address, for a sentence that begins with its name; "" for nothing."""
    if problem := web_address.trouble(address, PROXY_SCHEMES):
        return problem.replace("be a web address that begins", "begin")
    parts = web_address.split(address)
    return "must end after the port" if parts and (parts.path.strip("/") or parts.query or parts.fragment) else ""


def _is_network(entry: str) -> bool:
    return is_network(entry) or entry in NETWORK_WORDS
