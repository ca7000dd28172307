"""What the doctor says of destinations, and the test message that it sends there."""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from doctor_kit import CHAT, NOBODY, ROOT, Doctor, states

from misp_workflow.cli.commands.doctor import command
from misp_workflow.errors import InputError, SettingsError
from misp_workflow.testing.receiver import Receiver, answer

# --- destinations -----------------------------------------------------------------------------------------------------


def test_it_says_where_the_pages_are_that_it_names(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "docs and examples" not in CliRunner().invoke(command).output, "it names none"
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(doctor.path / "state"))
    told = CliRunner().invoke(command).output
    assert "docs/" in told and told.endswith(f"docs and examples are in {ROOT}\n")


def test_a_webhook_that_can_be_reached(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer("method not allowed", status=405))
    doctor.write(f"{CHAT}parameters = {{ webhook_url = '{receiver.url}/planted-path' }}")
    found = doctor.about("destination chat")
    assert found == [
        ("ok", "127.0.0.1 can be reached"),
        ("skipped", "the credentials can only be tried by sending"),
    ]
    assert [request.method for request in receiver.requests] == ["GET"], "looking must not send anything"
    assert "planted-path" not in doctor.text


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (answer("", status=503), "127.0.0.1 answers 503 Service Unavailable to a request without a message"),
        (answer("", status=404), "127.0.0.1 answers 404 Not Found to a request without a message"),
    ],
)
def test_a_webhook_with_a_doubtful_answer(doctor: Doctor, receiver: Receiver, reply: Any, sentence: str) -> None:
    receiver.always(reply)
    doctor.write(f"{CHAT}parameters = {{ webhook_url = '{receiver.url}' }}")
    assert doctor.about("destination chat")[0] == ("warning", sentence)


def test_an_address_by_any_name_that_the_action_declares(doctor: Doctor, receiver: Receiver) -> None:
    doctor.write(f"[destinations.known]\nactions = ['hashlookup_check']\nparameters = {{ server = '{receiver.url}' }}")
    assert doctor.about("destination known")[0] == ("ok", "127.0.0.1 can be reached")


@pytest.mark.parametrize(
    ("action", "scheme"),
    [("kafka_record", "kafka"), ("mqtt_message", "mqtts"), ("nats_message", "nats"), ("syslog_event", "tls")],
)
def test_the_address_of_a_stream_is_tried(doctor: Doctor, action: str, scheme: str) -> None:
    doctor.write(f"[destinations.bus]\nactions = ['{action}']\nparameters = {{ address = '{scheme}://127.0.0.1:9' }}")
    assert doctor.about("destination bus")[0] == ("error", "nothing listens at 127.0.0.1 port 9")


def test_a_list_for_devices(doctor: Doctor, tmp_path: Path) -> None:
    doctor.write(f"[lists]\nfolder = '{tmp_path}/lists'\n[destinations.fw.list]\nformat = 'plain'")
    assert doctor.about("destination fw") == [("ok", f"{tmp_path}/lists/fw.txt has 0 entries")]
    assert not (tmp_path / "state" / "lists").exists(), "looking must not make anything"
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "fw.txt").write_text("added.example\n")
    assert doctor.about("destination fw") == [("error", f"{tmp_path}/lists/fw.txt is not what the list says")]
    with pytest.raises(InputError, match="list check fw"):
        doctor("--send", "fw")


def test_what_sends_no_message_is_sent_none(doctor: Doctor) -> None:
    doctor.write("[destinations.bus]\nactions = ['kafka_record']\nparameters = { address = 'kafka://127.0.0.1:9' }")
    assert len(doctor.about("destination bus")) == 1
    with pytest.raises(InputError, match="kafka_record sends no messages"):
        doctor("--send", "bus")


def test_nobody_there(doctor: Doctor) -> None:
    doctor.write(f"{CHAT}parameters = {{ webhook_url = '{NOBODY}/x' }}")
    assert doctor.about("destination chat")[0] == ("error", "nothing listens at 127.0.0.1 port 9")


def test_an_address_that_may_not_be_asked(doctor: Doctor) -> None:
    doctor.write(f"{CHAT}parameters = {{ webhook_url = 'http://169.254.169.254/latest' }}")
    state, what = doctor.about("destination chat")[0]
    assert state == "error"
    assert "metadata service" in what


def test_a_secret_that_is_not_there(doctor: Doctor) -> None:
    doctor.write(f"{CHAT}parameters = {{ webhook_url = 'env:NOT_SET_ANYWHERE' }}")
    ((state, what),) = doctor.about("destination chat")
    assert state == "error"
    assert "NOT_SET_ANYWHERE, which is not set here" in what


def test_misspelt_actions_and_parameters(doctor: Doctor) -> None:
    doctor.write(
        "[destinations.a]\nactions = ['slack_mesage']\n[destinations.b]\nactions = ['slack_message']\n"
        "parameters = { webhok_url = 'https://x.example.org' }"
    )
    found = [row["what"] for row in doctor() if row["state"] == "error"]
    assert "no action is called slack_mesage; the nearest name is “slack_message”" in found
    assert "no action that may use it has a parameter webhok_url; the nearest name is “webhook_url”" in found


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer({"ok": True, "user": "bot"}), ("ok", "the credentials are accepted")),
        (
            answer({"ok": False, "error": "invalid_auth"}),
            ("error", "the credentials are not accepted: invalid_auth"),
        ),
        (answer("<html>", status=502), ("error", "the credentials are not accepted: 502 Bad Gateway")),
    ],
)
def test_credentials_of_a_service_that_can_be_asked(
    doctor: Doctor, receiver: Receiver, reply: Any, expected: tuple[str, str]
) -> None:
    receiver.answers(answer("hello"), reply)
    doctor.write(f"{CHAT}parameters = {{ bot_token = 'planted-token', server_url = '{receiver.url}/api' }}")
    assert doctor.about("destination chat")[-1] == expected
    asked = receiver.requests[-1]
    assert (asked.method, asked.path) == ("POST", "/api/auth.test")
    assert asked.header("authorization") == "Bearer planted-token"
    assert "planted" not in doctor.text


@pytest.mark.parametrize(
    ("granted", "more", "lacks"),
    [
        ("chat:write,files:write", "overflow = 'attach'", ""),
        ("chat:write", "overflow = 'attach'", "overflow is attach, and the token lacks files:write"),
        ("chat:write", "overflow = 'split'", ""),
        ("chat:write", "", ""),
        ("files:write", "", "the token lacks chat:write"),
        (None, "overflow = 'attach'", ""),
    ],
)
def test_what_a_token_of_slacks_is_for(doctor: Doctor, receiver: Receiver, granted, more: str, lacks: str) -> None:
    receiver.answers(answer("hello"), answer({"ok": True}, 200, {"X-OAuth-Scopes": granted} if granted else {}))
    place = f"bot_token = 't', server_url = '{receiver.url}/api'{f', {more}' if more else ''}"
    doctor.write(f"{CHAT}parameters = {{ {place} }}")
    assert doctor.about("destination chat")[-1] == (
        ("error", lacks) if lacks else ("ok", "the credentials are accepted")
    )


@pytest.mark.parametrize(
    ("action", "parameters", "path", "header", "yes"),
    [
        ("mattermost_message", {"token": "t-1"}, "/api/v4/users/me", ("authorization", "Bearer t-1"), {"id": "u"}),
        (
            "matrix_message",
            {"access_token": "t-2"},
            "/_matrix/client/v3/account/whoami",
            ("authorization", "Bearer t-2"),
            {"user_id": "@bot:example.org"},
        ),
        ("telegram_message", {"bot_token": "1:t-3"}, "/bot1:t-3/getMe", ("accept", "*/*"), {"ok": True}),
        ("webex_message", {"access_token": "t-4"}, "/people/me", ("authorization", "Bearer t-4"), {"id": "p"}),
        (
            "zulip_message",
            {"bot_email": "b@example.org", "api_key": "t-5"},
            "/api/v1/users/me",
            ("authorization", "Basic YkBleGFtcGxlLm9yZzp0LTU="),
            {"result": "success"},
        ),
        (
            "rocketchat_message",
            {"user_id": "u", "token": "t-6"},
            "/api/v1/me",
            ("x-auth-token", "t-6"),
            {"success": True},
        ),
        (
            "nextcloud_message",
            {"username": "bot", "password": "t-7"},
            "/ocs/v2.php/cloud/user",
            ("authorization", "Basic Ym90OnQtNw=="),
            {"ocs": {}},
        ),
    ],
)
def test_how_each_service_is_asked(
    doctor: Doctor,
    receiver: Receiver,
    action: str,
    parameters: dict[str, str],
    path: str,
    header: tuple[str, str],
    yes: Any,
) -> None:
    fixed = "".join(f"{name} = '{value}'\n" for name, value in {"server_url": receiver.url, **parameters}.items())
    doctor.write(f"[destinations.a]\nactions = ['{action}']\n[destinations.a.parameters]\n{fixed}")
    receiver.answers(answer(""), answer(yes), answer(""), answer({"message": "Invalid token"}, status=401))
    assert doctor.about("destination a")[-1] == ("ok", "the credentials are accepted")
    asked = receiver.requests[1]
    assert (asked.path, asked.header(header[0])) == (path, header[1])
    assert doctor.about("destination a")[-1] == ("error", "the credentials are not accepted: Invalid token")
    assert "t-" not in doctor.text.replace("test-", "")


@pytest.mark.parametrize(("seconds", "side"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off(doctor: Doctor, receiver: Receiver, seconds: int, side: str) -> None:
    date = email.utils.formatdate(time.time() + seconds, usegmt=True)
    receiver.always(answer("x", headers={"Date": date}))
    doctor.write(f"{CHAT}parameters = {{ webhook_url = '{receiver.url}' }}")
    clocks = [what for state, what in doctor.about("destination chat") if state == "warning" and "clock" in what]
    assert len(clocks) == 1
    assert f"s {side} the server's" in clocks[0]


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (3, "warning")])
def test_a_certificate(doctor: Doctor, certificate: Callable[[int], tuple[Path, Path]], days: int, state: str) -> None:
    made, key = certificate(days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    with Receiver(tls=context) as secure:
        doctor.write(
            "[destinations.a]\nactions = ['http_request']\n"
            f"parameters = {{ url = 'https://localhost:{secure.port}/', ca_file = '{made}' }}"
        )
        found = doctor.about("destination a")
        assert (found[0], states(found)[1]) == (("ok", "localhost can be reached"), state)
        assert "days" in found[1][1]
        doctor.write(f"[destinations.a.parameters]\nurl = 'https://localhost:{secure.port}/'")
        state_of, what = doctor.about("destination a")[0]
        assert state_of == "error"
        assert "self-signed certificate" in what or "certificate verify failed" in what


def test_a_mail_server(doctor: Doctor, receiver: Receiver) -> None:
    doctor.write(f"[destinations.a.parameters]\nsmtp_server = '127.0.0.1'\nport = {receiver.port}")
    assert ("ok", "127.0.0.1 can be reached") in doctor.about("destination a")
    doctor.write("[destinations.a.parameters]\nsmtp_server = '127.0.0.1'\nport = 9")
    assert ("error", "nothing listens at 127.0.0.1 port 9") in doctor.about("destination a")


# --- sending ----------------------------------------------------------------------------------------------------------


def test_a_test_message(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer("ok"))
    doctor.write(
        f"{CHAT}tlp = 'clear'\npap = 'clear'\ndistribution = 'all communities'\n"
        f"parameters = {{ webhook_url = '{receiver.url}/planted' }}"
    )
    ((state, what),) = doctor.about("destination chat", "--send", "chat")
    assert state == "ok", what
    assert what.startswith("the test message was delivered")
    (request,) = receiver.requests
    assert "Test message from misp-workflow doctor" in request.json()["text"]
    assert "planted" not in doctor.text


def test_a_test_message_that_is_refused(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer("no_service", status=404))
    doctor.write(f"{CHAT}parameters = {{ webhook_url = '{receiver.url}/planted' }}")
    ((state, what),) = doctor.about("destination chat", "--send", "chat")
    assert (state, doctor.status) == ("error", 1)
    assert "404 Not Found" in what


def test_which_action_sends(doctor: Doctor, receiver: Receiver) -> None:
    doctor.write(
        f"[destinations.any]\nparameters = {{ url = '{receiver.url}' }}\n[destinations.none]\n"
        "[destinations.gate]\nactions = ['publish_gate']"
    )
    assert states(doctor.about("destination any", "--send", "any", "--action", "http_request")) == ["ok"]
    with pytest.raises(InputError, match="Name one with --action"):
        doctor("--send", "none")
    with pytest.raises(InputError, match="sends no messages"):
        doctor("--send", "gate", "--action", "publish_gate")
    with pytest.raises(InputError, match="no action called nonsense"):
        doctor("--send", "any", "--action", "nonsense")
    with pytest.raises(SettingsError, match="No destination is called “chatt”"):
        doctor("--send", "chatt")
