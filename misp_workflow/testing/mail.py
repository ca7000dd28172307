"""A real SMTP server for tests: aiosmtpd on a loopback port, with STARTTLS or TLS, a login, and replies by script.

    with MailServer(tls=context, login=("misp", "secret")) as server:
        ...
        assert server.mails[0].message["Subject"] == "Event 56: capture base event"

Needs aiosmtpd (`pip install aiosmtpd`).
"""

from __future__ import annotations

import email
import email.policy
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from misp_workflow.testing.server import free_port

LAST_WORDS = 2.0
"""Seconds that open connections get to end when the server ends."""


@dataclass(frozen=True)
class ReceivedMail:
    """One mail: what the envelope said, the bytes as they came, and whether the connection was encrypted."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


class _Conversation(SMTP):
    """One connection; the server knows which are open."""

    def connection_made(self, transport: Any) -> None:
        self.event_handler.conversations.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.event_handler.conversations.discard(self)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Conversation(self.handler, **self.SMTP_kwargs)


class MailServer:
    """The server; a context manager. `replies` maps "MAIL", "RCPT", "DATA" or one recipient's address to a reply line.

    `security` is "starttls" (required before anything else), "tls" or "none"; without `tls` it is "none". `login` is
    (user name, password), required when given.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        security: Literal["starttls", "tls", "none"] = "starttls",
        login: tuple[str, str] | None = None,
        replies: Mapping[str, str] | None = None,
    ) -> None:
        self.replies = dict(replies or {})
        self._login = login
        self._mails: list[ReceivedMail] = []
        self._lock = threading.Lock()
        starttls, over_tls = tls if security == "starttls" else None, tls if security == "tls" else None
        settings: dict[str, Any] = {"auth_required": login is not None, "auth_require_tls": starttls is not None}
        if login is not None:
            settings["authenticator"] = self._authenticate
        if starttls is not None:
            settings |= {"tls_context": starttls, "require_starttls": True}
        self._always_encrypted = over_tls is not None
        self.host = "127.0.0.1"
        self.port = free_port(host=self.host)
        self.conversations: set[_Conversation] = set()
        self._controller = _Controller(self, hostname=self.host, port=self.port, ssl_context=over_tls, **settings)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end = time.monotonic() + LAST_WORDS
        while self.conversations and time.monotonic() < end:  # a proxy in between ends its side a little later
            time.sleep(0.01)
        self._controller.stop()

    @property
    def mails(self) -> list[ReceivedMail]:
        """A copy of everything taken so far."""
        with self._lock:
            return list(self._mails)

    # aiosmtpd calls these by name.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.replies.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.replies.get(address) or self.replies.get("RCPT", "250 OK")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self.replies.get("DATA", "250 OK")
        if reply.startswith("2"):
            content = envelope.original_content or b""
            encrypted = self._always_encrypted or session.ssl is not None
            mail = ReceivedMail(envelope.mail_from or "", list(envelope.rcpt_tos), content, encrypted)
            with self._lock:
                self._mails.append(mail)
        return reply

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        pair = (given.login.decode(), given.password.decode())
        return AuthResult(success=pair == self._login, handled=False)
