"""SMTP: performs a `Mail`. One connection for each, gone when the mail is accepted or refused.

The server's reply code decides: 4xx may pass, 5xx will not (RFC 5321, section 4.2.1). The Message-ID comes from the
effect's key, so that a mail which was accepted although its answer got lost looks the same when it comes again.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email.policy
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from misp_workflow import settings
from misp_workflow.delivery.retry import Answer, Outcome
from misp_workflow.delivery.transports.network import proxies, trust
from misp_workflow.delivery.transports.network.connections import connect
from misp_workflow.delivery.transports.network.sockets import AddressRefusedError, connect_problem
from misp_workflow.delivery.transports.network.tries import Try, trying
from misp_workflow.delivery.transports.request.answers import quotable, without
from misp_workflow.effects import Mail, mask

# Lines of at most 998 bytes and nothing but ASCII on the wire: every server takes that.
POLICY = email.policy.SMTP.clone(cte_type="7bit")

ADVICE = {
    530: "it wants a user name and a password, or TLS",
    534: "it wants another way to log in",
    535: "check the user name and the password",
    550: "check the address",
    552: "the mail is too large for it",
    553: "check the address",
    554: "it does not take this mail",
}
"""What an analyst can do about a final reply, by its code; one half sentence each."""

_ID_LETTERS = re.compile(r"[^0-9A-Za-z.-]")
_BUSY = 421  # "service not available, closing transmission channel", RFC 5321, section 4.2.2


def send(mail: Mail, key: str, deadline: float) -> Answer:
    """Hand the mail to its server and return what came of it before `deadline` (a time of `time.monotonic()`).

    Delivered means that the server took it over: it answered 250 to the whole of it.
    """
    mail = dataclasses.replace(mail, secrets=(*mail.secrets, *_said_in_login(mail)))
    answer = _send(mail, key, deadline)
    detail = mask(answer.detail, mail.secrets)
    return Answer(outcome=answer.outcome, detail=detail, down=answer.down)


def _said_in_login(mail: Mail) -> Iterator[str]:
    """Yield the password as the login says it (RFC 4616, and what is called LOGIN): the server may quote it."""
    for words in (mail.password, f"\0{mail.username}\0{mail.password}"):
        if mail.password:
            yield base64.b64encode(words.encode()).decode()


def _send(mail: Mail, key: str, deadline: float) -> Answer:
    who = mail.service or mail.server
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return Answer(outcome="again", detail=f"there was no time left to ask {who}")
    try:
        made = message(mail, key)
        if mail.encrypt != "no" or mail.sign:
            content = _protected(made, mail, deadline)
        else:
            content = made.as_bytes(policy=POLICY)
    except _UnprotectedError as error:
        detail = f"the mail to {mail.to} was not sent: {quotable(str(error), mail.secrets)}"
        return Answer(outcome="again" if time.monotonic() >= deadline else "refused", detail=detail)
    except (ValueError, LookupError) as error:  # a line break in a header, or no such address
        return Answer(outcome="refused", detail=f"the mail to {mail.to} cannot be made: {quotable(str(error))}")
    with trying(deadline, proxies.wish(mail.destination)) as this:
        answer = _exchange(mail, content, this, seconds)
    return answer if this.proxy is None else without(answer, this.proxy.secrets)


def _exchange(mail: Mail, content: bytes, this: Try, seconds: float) -> Answer:
    with contextlib.closing(_Connection(mail, this)) as server:
        try:
            _log_in(server, mail)
            server.sendmail(parseaddr(mail.sender)[1], [mail.to], content)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return _failure(error, this, mail, seconds)
        with contextlib.suppress(OSError):  # said, but not waited for: the mail is theirs already
            server.send("QUIT\r\n")
        return Answer(outcome="delivered", detail=f"{mail.service or mail.server} took the mail to {mail.to}")


class _UnprotectedError(Exception):
    pass


def _protected(made: EmailMessage, mail: Mail, deadline: float) -> bytes:
    """Return the mail encrypted and signed; it is loaded when somebody wants that."""
    from misp_workflow.delivery.transports.encryption import envelopes

    try:
        return envelopes.protected(made, mail, settings.current().mail, deadline)
    except envelopes.UnprotectedError as error:
        raise _UnprotectedError(str(error)) from None


def message(mail: Mail, key: str) -> EmailMessage:
    """Return the mail as RFC 5322 wants it; ValueError when a header cannot be written."""
    made = EmailMessage(policy=POLICY)
    made["From"] = mail.sender
    for name, others in (("To", mail.also_to), ("Cc", mail.cc)):
        own = (mail.to,) if mail.line == name.lower() else ()
        if listed := ", ".join(dict.fromkeys((*own, *others))):
            made[name] = listed
    if mail.reply_to:
        made["Reply-To"] = mail.reply_to
    made["Subject"] = _plain(mail.subject) or _plain(mail.text.strip().partition("\n")[0][:200])
    made["Date"] = formatdate(localtime=True)
    domain = parseaddr(mail.sender)[1].rpartition("@")[2] or "localhost"
    thread = _ID_LETTERS.sub("", mail.thread)
    made["Message-ID"] = f"<{f'{thread}.' if thread else ''}{key}@{domain}>"
    if thread:  # an id that no mail has: the first one to come, whichever it is, is then no special one
        made["In-Reply-To"] = made["References"] = f"<{thread}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies to this
    for name, value in mail.headers.items():
        made[name] = _plain(value)
    made.set_content(_sendable(mail.text))
    if mail.html:
        made.add_alternative(_sendable(mail.html), subtype="html")
    if mail.attachment:
        kind, _, subtype = mail.attachment_type.partition("/")
        made.add_attachment(
            _sendable(mail.attachment).encode(),
            maintype=kind,
            subtype=subtype,
            filename=_plain(mail.attachment_name),
            params={"charset": "utf-8"},
        )
    return made


def _plain(text: str) -> str:
    """Return a header's value in which nothing is read as an encoded word (RFC 2047): the library decodes what looks
    like one, line breaks included, and writes them as they are."""
    return _sendable(text).replace("=?", "=\u200b?")


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class _Connection(smtplib.SMTP):
    """smtplib's client on a connection that its try's deadline can shut."""

    def __init__(self, mail: Mail, this: Try) -> None:
        name = socket.gethostname()
        # without a host, nothing is connected yet
        super().__init__(local_hostname=name if "." in name else "[127.0.0.1]", timeout=this.left())
        self._mail, self._this = mail, this
        self._handle: socket.socket | None = None
        self._host = mail.server  # what starttls() checks the certificate against

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._this.proxy = proxies.way(self._this.wish, "smtp", host, port)
        sock, self._handle = connect(host, port, self._this, self._this.proxy)
        return tls(self._mail).wrap_socket(sock, server_hostname=host) if self._mail.security == "tls" else sock

    def close(self) -> None:
        super().close()
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def tls(mail: Mail) -> ssl.SSLContext:
    """Return how the server's certificate is judged; OSError when the file of authorities cannot be read."""
    context = trust.context(mail.ca_file)
    context.check_hostname = mail.verify_tls
    if not mail.verify_tls:
        context.verify_mode = ssl.CERT_NONE
    return context


def _log_in(server: smtplib.SMTP, mail: Mail) -> None:
    server.connect(mail.server, mail.port)
    server.ehlo_or_helo_if_needed()
    if mail.security == "starttls":
        server.starttls(context=tls(mail))
    if mail.username:
        server.login(mail.username, mail.password)


# --- what went wrong --------------------------------------------------------------------------------------------------


def _failure(error: Exception, this: Try, mail: Mail, seconds: float) -> Answer:
    """Return the answer for a mail that was not taken."""
    who = mail.service or mail.server
    if this.late or isinstance(error, TimeoutError):
        return Answer(outcome="again", detail=f"{who} did not answer within {seconds:.1f} s", down=True)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _reply(mail, who, code, said, f" to {mail.to}")
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(mail, who, error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Answer(outcome="refused", detail=f"{who} does not offer it: {quotable(str(error))} Check 'security'.")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Answer(outcome="again", detail=f"{who} closed the connection in between", down=True)
    if isinstance(error, AddressRefusedError):
        return Answer(outcome="refused", detail=f"{who} is not asked: {error}")
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        return Answer(outcome="again", detail=f"no TLS connection to {who}: {quotable(reason)}", down=True)
    if isinstance(error, (smtplib.SMTPException, ValueError)):
        return Answer(outcome="refused", detail=f"{who} cannot be used: {quotable(str(error))}")
    if isinstance(error, OSError) and error.filename:  # the file of authorities
        return Answer(outcome="again", detail=f"{error.filename} cannot be used: {error.strerror}")
    problem = connect_problem(error, mail.server, mail.port) if isinstance(error, OSError) else quotable(str(error))
    return Answer(outcome="again", detail=problem, down=True)


def _reply(mail: Mail, who: str, code: int, said: bytes | str, about: str = "") -> Answer:
    """Return what a reply code means: 4xx may pass, everything else will not."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    outcome: Outcome = "again" if 400 <= code < 500 else "refused"
    sentence = f"{who} answered {code}{about}: {quotable(words, mail.secrets)}"
    advice = ADVICE.get(code, "") if outcome == "refused" else ""
    return Answer(outcome=outcome, detail=f"{sentence}; {advice}" if advice else sentence, down=code == _BUSY)
