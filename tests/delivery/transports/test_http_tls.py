"""The HTTP transport over TLS: whom it trusts, and what it shows of itself."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import certifi
import pytest
from http_kit import send

from misp_workflow.delivery.transports.network import trust
from misp_workflow.testing.receiver import Receiver, answer

pytestmark = pytest.mark.usefixtures("fresh_session")


def test_tls_is_verified_unless_switched_off(certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Receiver(tls=context) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        doubtful = send(receiver, url=url)
        trusted = send(receiver, url=url, ca_file=str(certificate[0]))
        unverified = send(receiver, url=url, verify_tls=False)
    assert doubtful.outcome == "again"
    assert re.fullmatch("no TLS connection to localhost port [0-9]+: self-signed certificate", doubtful.detail)
    assert (trusted.outcome, unverified.outcome) == ("delivered", "delivered")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Returns a function that names the file of authorities that this machine trusts."""

    def tell(path: str) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        trust.shared.cache_clear()

    yield tell
    monkeypatch.undo()
    trust.shared.cache_clear()


def test_what_the_machine_trusts_is_trusted(certificate, told) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    told(str(certificate[0]))
    with Receiver(tls=context) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert send(receiver, url=url).outcome == "delivered"
        assert send(receiver, url=url, ca_file=certifi.where()).outcome == "again", "the file alone, where one is named"


@pytest.mark.parametrize("named", ["by the machine", "by the node"])
def test_a_trusted_certificate_of_another_host_is_none(certificate, told, named: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    told(str(certificate[0]))
    with Receiver(host="127.0.0.2", tls=context) as receiver:
        given = send(receiver, url=receiver.url, ca_file="" if named == "by the machine" else str(certificate[0]))
        assert receiver.requests == []
    assert (given.outcome, "127.0.0.2" in given.detail) == ("again", True)


def test_the_well_known_authorities_are_trusted_whatever_the_machine_says(told) -> None:
    known = len(ssl.create_default_context(cafile=certifi.where()).get_ca_certs())
    for path in ("/nowhere/ca.pem", __file__):
        told(path)
        assert len(trust.shared().get_ca_certs()) >= known


def test_a_certificate_of_ours_is_shown_only_where_it_is_asked_for(
    certificate, told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "ours.pem"
    ours.write_text(certificate[0].read_text() + certificate[1].read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate[0]))
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    told(str(certificate[0]))
    given: list[ssl.SSLContext] = []
    load = ssl.SSLContext.load_cert_chain
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda self, *args: given.append(self) or load(self, *args))
    with Receiver(tls=context) as receiver:
        receiver.always(answer(headers={"Connection": "close"}))
        url = receiver.url.replace("127.0.0.1", "localhost")
        outcomes = [send(receiver, url=url, client_certificate=str(path)).outcome for path in (ours, "", ours)]
    assert outcomes == ["delivered", "again", "delivered"]
    assert len(given) == 2
    assert given[0] is not given[1], "OpenSSL crashes when two threads put a certificate into one context"


def test_to_know_whom_to_trust_is_found_out_once(certificate, told, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    told(str(certificate[0]))
    read = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda self, *args, **kw: read.append(args) or load(self, *args, **kw)
    )
    with Receiver(tls=context) as receiver:
        receiver.always(answer(headers={"Connection": "close"}))
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert [send(receiver, url=url).outcome for _ in range(3)] == ["delivered"] * 3
        assert receiver.connections == 3
    assert len(read) == 1


def test_the_shared_context_changes_no_more() -> None:
    context = trust.shared()
    context.set_alpn_protocols(["\N{SNOWMAN}"])  # an error where it is heeded


def test_a_file_that_is_missing_is_named(receiver: Receiver) -> None:
    given = send(receiver, url=receiver.url.replace("http:", "https:"), ca_file="/nowhere/ca.pem")
    assert given.outcome == "again", "the operator can put it there"
    assert "/nowhere/ca.pem" in given.detail
