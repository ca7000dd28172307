"""Mails against a real SMTP server, and against peers that are none."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: pip install aiosmtpd")

from misp_workflow.delivery import transports
from misp_workflow.delivery.transports.network import names
from misp_workflow.effects import Mail, from_json, to_json
from misp_workflow.testing import free_port
from misp_workflow.testing.mail import MailServer

PATIENCE = 20.0


def mail_to(server: MailServer, **fields: object) -> Mail:
    known = {"server": server.host, "port": server.port, "security": "none", "sender": "MISP <misp@example.org>"}
    return Mail(**{**known, "to": "soc@example.org", "subject": "Event 1", "text": "New indicators", **fields})


def send(mail: Mail, key: str = "k1", patience: float = PATIENCE):
    return transports.send(mail, key, time.monotonic() + patience)


@pytest.fixture(scope="module")
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd counts only its own STARTTLS
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_mail_with_a_login(security: str, tls: ssl.SSLContext, certificate: tuple[Path, Path]):
    with MailServer(tls, security, login=("misp", "s3cret-word")) as server:
        mail = mail_to(server, security=security, ca_file=str(certificate[0]), username="misp", password="s3cret-word")
        assert send(mail).outcome == "delivered"
        wrong = send(dataclasses.replace(mail, password="wrong-word", secrets=("wrong-word",)))
        assert (wrong.outcome, "535" in wrong.detail, "check the user name" in wrong.detail) == ("refused", True, True)
        assert "wrong-word" not in wrong.detail
        (received,) = server.mails
        assert received.encrypted and received.recipients == ["soc@example.org"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_trusted_certificate_of_another_host_is_not_spoken_to(
    security: str, tls: ssl.SSLContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    known = names._getaddrinfo
    monkeypatch.setattr(names, "_getaddrinfo", lambda host, port: known("127.0.0.1", port))
    with MailServer(tls, security) as server:
        mail = mail_to(server, security=security, ca_file=str(certificate[0]))
        answer = send(dataclasses.replace(mail, server="mail.example.org"))
        assert (answer.outcome, "mail.example.org" in answer.detail) == ("again", True)
        assert server.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_unknown_certificate_is_not_spoken_to(security: str, tls: ssl.SSLContext):
    with MailServer(tls, security) as server:
        answer = send(mail_to(server, security=security))
        assert (answer.outcome, answer.down) == ("again", True) and "certificate" in answer.detail
        assert send(mail_to(server, security=security, verify_tls=False)).outcome == "delivered"
        assert len(server.mails) == 1


def test_starttls_is_never_given_up():
    with MailServer() as server:
        answer = send(mail_to(server, security="starttls"))
        assert answer.outcome == "refused" and "STARTTLS" in answer.detail
        assert server.mails == []


def test_the_mail_says_everything():
    with MailServer() as server:
        mail = mail_to(
            server,
            also_to=("cert@example.org",),
            subject="Ünïcode ✓",
            text="hällo\n.\nFrom here on\n" + "x" * 5000,
            html="<p>hällo</p>",
            attachment="type,value\ndomain,evil.example\n",
            attachment_name="event-1.csv",
            attachment_type="text/csv",
        )
        assert send(from_json(to_json(mail)), key="0123abcd").outcome == "delivered"
        received = server.mails[0]
        message = received.message
        assert received.sender == "misp@example.org" and received.recipients == ["soc@example.org"]
        assert message["To"] == "soc@example.org, cert@example.org" and message["Subject"] == "Ünïcode ✓"
        assert message["Message-ID"] == "<0123abcd@example.org>" and message["Auto-Submitted"] == "auto-generated"
        assert message.get_body(("plain",)).get_content().splitlines() == mail.text.splitlines()
        assert message.get_body(("html",)).get_content().strip() == "<p>hällo</p>"
        (attached,) = message.iter_attachments()
        assert (attached.get_filename(), attached.get_content_type()) == ("event-1.csv", "text/csv")
        assert attached.get_payload(decode=True).decode() == mail.attachment
        assert max(map(len, received.content.split(b"\r\n"))) <= 998 and received.content.isascii()


def test_the_same_key_gives_the_same_message_id():
    with MailServer() as server:
        for _ in range(2):
            send(mail_to(server), key="again")
        assert len({mail.message["Message-ID"] for mail in server.mails}) == 1


def test_a_digest_has_no_subject_and_so_gets_its_first_line():
    with MailServer() as server:
        send(mail_to(server, subject="", text="12 messages in 30 s:\nEvent 1"))
        assert server.mails[0].message["Subject"] == "12 messages in 30 s:"


@pytest.mark.parametrize(
    ("command", "reply", "outcome", "said"),
    [
        ("MAIL", "421 4.3.2 closing down", "again", "421"),
        ("MAIL", "550 5.7.1 sender not allowed", "refused", "sender not allowed"),
        ("RCPT", "450 4.2.1 greylisted", "again", "soc@example.org"),
        ("RCPT", "550 5.1.1 no such user", "refused", "check the address"),
        ("DATA", "451 4.3.0 try later", "again", "451"),
        ("DATA", "452 4.3.1 disk full", "again", "disk full"),
        ("DATA", "552 5.3.4 too big", "refused", "too large"),
        ("DATA", "554 5.7.1 spam", "refused", "does not take"),
    ],
)
def test_reply_codes_decide(command: str, reply: str, outcome: str, said: str):
    with MailServer(replies={command: reply}) as server:
        answer = send(mail_to(server))
        assert answer.outcome == outcome and said in answer.detail, answer
        assert answer.down is reply.startswith("421")
        assert server.mails == []


def test_a_header_cannot_be_broken():
    with MailServer() as server:
        answer = send(mail_to(server, subject="x\r\nBcc: everybody@example.org"))
        assert answer.outcome == "refused" and "cannot be made" in answer.detail
        assert server.mails == []


ENCODED = ("=?utf-8?Q?x=0d=0aX-Injected:_yes=0d=0a=0d=0aSigned_by_nobody?=", "a =?utf-8?B?DQpYLUluamVjdGVkOiB5?= b")


@pytest.mark.parametrize("title", [*ENCODED, "=?unknown?q?=0a?=", "=?utf-7?Q?+AA0ACg-X-Injected:?="])
def test_an_encoded_word_in_a_header_is_text(title: str):
    with MailServer() as server:
        attached = {"attachment": "x", "attachment_name": f"{title}.csv", "attachment_type": "text/csv"}
        answer = send(mail_to(server, subject=f"Event: {title}", headers={"X-Title": title}, **attached))
        assert answer.outcome == "delivered"
        message = server.mails[0].message
    text, file = message.iter_parts()
    assert [part["X-Injected"] for part in (message, text, file)] == [None] * 3
    assert text.get_content().strip() == "New indicators" and file.get_content() == "x"
    assert str(message["Subject"]).replace("\u200b", "") == f"Event: {title}"
    assert str(message["X-Title"]).replace("\u200b", "") == title


def test_nobody_there_and_no_such_name():
    gone = Mail(server="127.0.0.1", port=free_port(), sender="a@example.org", to="b@example.org", text="x")
    assert (send(gone).outcome, send(gone).down) == ("again", True)
    nowhere = send(dataclasses.replace(gone, server="mail.invalid"))
    assert nowhere.outcome == "again" and "unknown here" in nowhere.detail


def test_forbidden_addresses_are_not_spoken_to():
    answer = send(Mail(server="169.254.169.254", port=25, sender="a@example.org", to="b@example.org", text="x"))
    assert answer.outcome == "refused" and "metadata" in answer.detail


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that greets line by line and never comes to an end; its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                while not over.wait(0.05):
                    try:
                        connection.sendall(b"220-welcome\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join()


def test_the_deadline_holds_against_a_server_that_drips(dripping: int):
    mail = Mail(server="127.0.0.1", port=dripping, sender="a@example.org", to="b@example.org", text="x")
    answer = send(mail, patience=0.5)  # would go on for ever
    assert (answer.outcome, answer.down) == ("again", True) and "did not answer" in answer.detail
    assert send(mail, patience=-1.0).outcome == "again"


def test_a_server_that_hangs_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        mail = Mail(
            server="127.0.0.1", port=listener.getsockname()[1], sender="a@b.example", to="c@d.example", text="x"
        )
        answer = send(mail)
        thread.join()
    assert (answer.outcome, answer.down) == ("again", True)
