"""What a mail says on its outside: who gets it, in which line they stand, its subject, headers of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from typing import Any

from misp_workflow.action.call import Call
from misp_workflow.action.params import Table
from misp_workflow.action.shared import written
from misp_workflow.errors import ParameterError

OURS = re.compile(
    r"from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|auto-submitted|mime-version|"
    r"return-path|received|delivered-to|dkim-signature|(content|resent|arc|authentication)-.*",
    re.IGNORECASE,
)
"""Headers that the mail has by itself, or that are the servers' to write."""
_MARKED = re.compile(r"\bTLP:", re.IGNORECASE)


SERVER: Table = {
    "smtp_server": {"description": "Name of the SMTP server", "required": True, "address": True},
    "smtp_port": {
        "formerly": ["port"],
        "description": "Port of the server; empty: 587, with security tls 465, with none 25",
        "format": "integer",
        "minimum": 1,
        "maximum": 65535,
    },
    "smtp_security": {
        "formerly": ["security"],
        "description": "starttls (never without), tls (from the start) or none",
        "format": "choice",
        "choices": ["starttls", "tls", "none"],
        "default": "starttls",
    },
    "username": {"description": "User name for the server; empty: no login"},
    "password": {"description": "Password for the server", "secret": True},
}
"""The parameters that say which server takes the mails; `server` reads them, and those of `fields.TLS`."""
PORTS = {"starttls": 587, "tls": 465, "none": 25}


def server(params: Any) -> dict[str, Any]:
    """Return the part of a mail that says which server takes it."""
    return {
        "server": params.smtp_server,
        "port": params.smtp_port or PORTS[params.smtp_security],
        "security": params.smtp_security,
        "username": params.username,
        "password": params.password,
        "verify_tls": params.verify_tls,
        "ca_file": params.ca_file,
    }


def copies(params: Any) -> Iterator[dict[str, Any]]:
    """Yield one mail's part of the address lines for each recipient; whoever stands there several times, in whatever
    case, gets one mail."""
    spelled: dict[str, str] = {}
    to, cc, bcc = (
        [spelled.setdefault(address.casefold(), address) for _, address in map(parseaddr, listed)]
        for listed in (params.recipients, params.cc, params.bcc)
    )
    known: set[str] = set()
    for line, addresses in (("to", to), ("cc", cc), ("bcc", bcc)):
        for address in addresses:
            if address not in known:
                known.add(address)
                yield {
                    "to": address,
                    "line": line,
                    "also_to": _others(to, address),
                    "cc": tuple(one for one in _others(cc, address) if one not in to),
                }


def _others(addresses: Iterable[str], address: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(other for other in addresses if other != address))


def subject(call: Call, limit: int) -> str:
    """Return the subject, with the TLP in front as the TLP wants it of mails, unless the node's own words say one.

    What an event's title says of TLP is no marking.
    """
    words = call.line("subject", call.subject, style="header", limit=limit)
    marked = call.summary.tlp and call.params.tlp_in_subject and not _MARKED.search(call.params.subject)
    return f"[TLP:{call.summary.tlp.upper()}] {words}" if marked else words


def headers(call: Call, name: str) -> dict[str, str]:
    """Return the parameter `name`, one "Name: value" per line, as headers; ParameterError for one of OURS."""
    found = written.headers(call, name)
    for header in found:
        if OURS.fullmatch(header):
            raise ParameterError(f"Parameter '{name}': a mail's {header} is not to be set there.")
    return found
