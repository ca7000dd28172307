"""The doctor says which way each destination goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from doctor_kit import Doctor

from misp_workflow.testing.receiver import Receiver


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_a_proxy_nothing_is_said(doctor: Doctor, receiver: Receiver) -> None:
    doctor.write(f"[destinations.a.parameters]\nurl = '{receiver.url}'")
    assert doctor.about("network") == [] and not any("proxy" in what for _, what in doctor.about("destination a"))


def test_each_way_is_named(doctor: Doctor, receiver: Receiver) -> None:
    # The receiver stands in for the proxy: it notes what it is asked for, and answers itself.
    doctor.write(
        f"""
        [network]
        proxy = "http://misp:s3cret-word@127.0.0.1:{receiver.port}"
        [destinations.far.parameters]
        url = "http://chat.example.org/x"
        [destinations.near.parameters]
        url = "{receiver.url}"
        [destinations.own]
        proxy = "none"
        parameters.url = "http://127.0.0.1:9/"
        [destinations.mail.parameters]
        smtp_server = "127.0.0.1"
        port = {receiver.port}
        """
    )
    shown = f"http://127.0.0.1:{receiver.port}"
    assert doctor.about("network") == [("ok", f"web addresses are asked through the proxy {shown}, but for loopback")]
    way = ("ok", f"chat.example.org is reached through the proxy {shown}, which looks its name up")
    assert doctor.about("destination far")[:2] == [way, ("ok", "chat.example.org can be reached")]
    assert "http://chat.example.org:80/x" in [request.target for request in receiver.requests]
    assert doctor.about("destination near")[0] == ("ok", "127.0.0.1 is reached without a proxy")
    assert doctor.about("destination own")[0] == ("ok", "127.0.0.1 is reached without a proxy")
    mail = ("ok", "127.0.0.1 is reached without a proxy: network.proxy is for web addresses")
    assert doctor.about("destination mail")[0] == mail
    assert "s3cret-word" not in doctor.text


def test_a_proxy_of_the_environment_is_named_as_unused(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://u:s3cret-word@127.0.0.1:9")
    doctor.write("")
    assert doctor.about("network") == [("warning", "the environment names a proxy (HTTPS_PROXY), which is not used")]
    doctor.write('[network]\nproxy = "none"')
    assert doctor.about("network") == []
    doctor.write('[network]\nproxy = "environment"')
    assert doctor.about("network") == [("error", "the proxy: nothing listens at 127.0.0.1 port 9")]
    assert "s3cret-word" not in doctor.text


@pytest.mark.parametrize(
    ("action", "parameters", "sentence"),
    [
        ("kafka_record", 'address = "kafka://localhost:9092"', "cannot go through a proxy"),
        ("apprise_notification", 'service_url = "json://localhost"', "no proxy but the environment's"),
        ("http_request", 'url = "https://169.254.169.254/"', "metadata service"),
    ],
)
def test_what_cannot_take_the_proxy_is_an_error(doctor: Doctor, action: str, parameters: str, sentence: str) -> None:
    doctor.write(
        f'[destinations.a]\nactions = ["{action}"]\nproxy = "http://127.0.0.1:9"\n'
        f"[destinations.a.parameters]\n{parameters}"
    )
    assert any(state == "error" and sentence in what for state, what in doctor.about("destination a"))


def test_a_proxy_that_cannot_be_read(doctor: Doctor) -> None:
    doctor.write('[network]\nproxy = "env:NOT_SET_HERE"')
    ((state, what),) = doctor.about("network")
    assert state == "error" and "NOT_SET_HERE" in what


def test_recipients_whose_mails_are_encrypted_need_a_key(doctor: Doctor, tmp_path: Path) -> None:
    doctor.write(
        '[destinations.board.parameters]\nencrypt = "required"\nrecipients = "a@example.org; B <b@example.org>"\n'
        f'[mail.smime]\ncertificates = "{tmp_path}"'
    )
    found = doctor.about("destination board")
    assert ("error", "there is no key or certificate of a@example.org, b@example.org") in found
    (tmp_path / "a@example.org.pem").write_text("none")
    found = doctor.about("destination board")
    assert any(what.startswith("the certificate of a@example.org cannot be read") for _, what in found)


@pytest.mark.parametrize(
    ("action", "parameters", "warned"),
    [
        ("slack_message", 'webhook_url = "http://{host}:9/x"', True),
        ("slack_message", 'webhook_url = "https://{host}:9/x"', False),
        ("email_message", 'smtp_server = "{host}"\nsmtp_port = 9\nsmtp_security = "none"', True),
        ("email_message", 'smtp_server = "{host}"\nsmtp_port = 9', False),
        ("mqtt_message", 'address = "mqtt://{host}:9"', True),
        ("mqtt_message", 'address = "mqtts://{host}:9"', False),
        ("nats_message", 'address = "nats://{host}:9"', True),
        ("syslog_event", 'address = "tcp://{host}:9"', True),
        ("zmq_message", 'address = "tcp://{host}:9"', False),
    ],
)
def test_what_goes_over_the_wire_in_clear_is_told_but_not_of_this_machine(
    doctor: Doctor, action: str, parameters: str, warned: bool
) -> None:
    clear = ("warning", "what is sent there is not encrypted")
    for host, told in (("192.0.2.1", warned), ("127.0.0.1", False), ("localhost", False)):
        # Denied, so that nobody is asked.
        doctor.write(
            f"[networks]\ndeny = ['192.0.2.0/24', 'loopback']\n[destinations.x]\nactions = ['{action}']\n"
            f"[destinations.x.parameters]\n{parameters.format(host=host)}"
        )
        found = doctor.about("destination x")
        assert found[0][0] == "error" and (clear in found) is told, (host, found)
