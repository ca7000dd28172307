"""Ask other servers what can be asked without changing anything: do they answer, which certificate, what time is it."""

from __future__ import annotations

import email.utils
import json
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from misp_workflow.cli.checks.finding import Finding, error, ok, warning
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network import connections, proxies, sockets, tries, trust
from misp_workflow.delivery.transports.network.proxies import Proxy
from misp_workflow.effects import Post, mask
from misp_workflow.errors import SettingsError

PATIENCE = 5.0
"""Seconds for one question."""
MAX_ANSWER = 8 * 1024 * 1024
MAX_SKEW = 60.0
"""Seconds that this machine's clock may differ: signed webhooks are refused from five minutes on."""
DAYS_AHEAD = 21.0
"""A certificate that ends sooner is worth a word."""


@dataclass(frozen=True)
class Heard:
    """What came of a question: an answer, or in `problem` the sentence that says why there is none."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    problem: str = ""

    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(post: Post, wish: str = "") -> Heard:
    """Perform the request once, the way that the settings wish, and return what was heard; never raises."""
    deadline = time.monotonic() + PATIENCE
    who = urlsplit(post.url).hostname or "the server"
    with tries.trying(deadline, wish) as this:
        try:
            reply = http.ask(post, this, MAX_ANSWER)
        except (*http.TROUBLES, ValueError, SettingsError) as trouble:
            problem = http.failure(trouble, this, who, PATIENCE).detail
            return Heard(problem=mask(problem, list(post.secrets)))
    return Heard(reply.status, reply.headers, reply.body)


def connects(host: str, port: int, proxy: Proxy | None = None) -> str:
    """Return "" when something listens there and may be spoken to, otherwise the sentence that says why not."""
    with tries.trying(time.monotonic() + PATIENCE) as this:
        try:
            sock, handle = connections.connect(host, port, this, proxy)
        except OSError as trouble:
            return sockets.connect_problem(trouble, host, port)
        sock.close()
        handle.close()
    return ""


def clock(subject: str, headers: Mapping[str, str] | None, now: float) -> list[Finding]:
    """Return a finding when the server's clock and ours differ too much; nothing when they agree."""
    try:
        theirs = email.utils.parsedate_to_datetime((headers or {}).get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return []
    skew = now - theirs
    if abs(skew) <= MAX_SKEW:
        return []
    side = "ahead of" if skew > 0 else "behind"
    return [
        warning(
            subject,
            f"the clock of this machine is {abs(skew):.0f} s {side} the server's",
            "set the clock by a time service; signatures are refused when clocks differ by minutes",
        )
    ]


def certificate(subject: str, url: str, ca_file: str, now: float, wish: str = "") -> list[Finding]:
    """Return findings about the TLS chain of an https address: trusted or not, and for how long."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return []
    todo = "let this machine trust the authority that issued it, or renew the certificate"
    with tries.trying(time.monotonic() + PATIENCE) as this:
        try:
            context = trust.context(ca_file)
            context.check_hostname = True
            sock, handle = connections.connect(parts.hostname, parts.port or 443, this, proxies.for_url(wish, url))
            with closing(handle), closing(context.wrap_socket(sock, server_hostname=parts.hostname)) as secured:
                ends = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
        except (OSError, ValueError, KeyError) as trouble:
            reason = getattr(trouble, "verify_message", "") or getattr(trouble, "strerror", "") or str(trouble)
            return [error(subject, f"no trusted TLS connection to {parts.hostname}: {reason}", todo)]
    days = (ends - now) / 86_400
    if days < DAYS_AHEAD:
        return [warning(subject, f"the TLS certificate ends in {days:.0f} days", "have it renewed")]
    return [ok(subject, f"the TLS chain is trusted, for {days:.0f} more days")]
