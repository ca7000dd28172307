"""The doctor finds what is wrong, says what to do, and shows no secret."""

from __future__ import annotations

import email.utils
import json
import os
import re
import ssl
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from doctor_kit import NOBODY, Doctor

from misp_workflow import installed, settings
from misp_workflow.cli.checks.misp import action_timeout
from misp_workflow.cli.commands.doctor import command
from misp_workflow.delivery.outbox import Item, open_outbox
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.errors import InputError, SettingsError
from misp_workflow.installed import own_actions
from misp_workflow.testing.receiver import Receiver, answer
from misp_workflow.testing.server import MispModulesServer

ROOT = Path(__file__).resolve().parents[2]
CHAT = '[destinations.chat]\nactions = ["slack_message"]\n'


def states(found: list[tuple[str, str]]) -> list[str]:
    return [state for state, _ in found]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_valid_settings(doctor: Doctor) -> None:
    doctor.write("[destinations.a]\n[destinations.b]\n")
    assert doctor.about("settings") == [("ok", f"{doctor.path} is valid and names 2 destinations")]


def test_a_broken_file(doctor: Doctor) -> None:
    doctor.write("[destinations.a]\ntpl = 'red'\n")
    ((state, what),) = doctor.about("settings")
    assert state == "error"
    assert "line 3: destinations.a.tpl is not a known setting; the nearest name is “tlp”" in what
    assert doctor.status == 2
    assert all("not looked at" in doctor.about(subject)[0][1] for subject in ("destinations", "outbox", "MISP"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_secrets_in_the_file(doctor: Doctor) -> None:
    doctor.write("[misp]\nkey = 'planted'\n", mode=0o640)
    found = doctor.about("settings")
    assert states(found) == ["ok", "warning", "warning"]
    assert found[1][1] == "the file itself holds secrets: misp.key"
    assert "planted" not in doctor.text


def test_no_file(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MISP_WORKFLOW_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    monkeypatch.setattr("misp_workflow.settings.file.SYSTEM_FILE", tmp_path / "nothing.toml")
    if sys.platform.startswith("linux"):
        assert states(doctor.about("settings")) == ["skipped"]


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


# --- outbox -----------------------------------------------------------------------------------------------------------


def test_an_outbox_that_works(doctor: Doctor) -> None:
    found = doctor.about("outbox")
    assert states(found) == ["ok", "ok"]
    assert found[1] == ("ok", "nothing waits")


def test_what_was_accepted_before_the_settings_changed(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor.write("[destinations.chat]\ntlp = 'red'\n")
    box = open_outbox(settings.current())
    for number, name in enumerate(("chat", "chat", "gone", "")):
        effect = Post(url="http://127.0.0.1:9/", label="Slack message", destination=name)
        parcel = Parcel(key=f"{number:032x}", effect=effect, action="slack_message", event="", created=time.time())
        box.put([Item(parcel=parcel, lane=name or "http://127.0.0.1:9", max_age=9e6)], time.monotonic() + 20)
    box.close()

    def told() -> list[str]:
        return [what for _, what in doctor.about("outbox") if "last changed" in what]

    os.utime(doctor.path, (time.time() - 60,) * 2)
    with monkeypatch.context() as without:
        without.delattr(SqliteOutbox, "each")  # which holds up what waits at RabbitMQ
        assert told() == []
    doctor.write("[destinations.chat]\ntlp = 'green'\n")
    os.utime(doctor.path, (time.time() + 60,) * 2)
    [what] = told()
    assert what.endswith(
        "with the clearance and address of then: 2 for chat, 1 for gone, which is no longer there, 1 for http://127.0.0.1:9"
    )
    assert "misp-workflow outbox drop --destination NAME" in doctor.text


def test_a_state_folder_that_is_none(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "file" / "state"))
    assert "error" in states(doctor.about("outbox"))


def test_a_ledger_that_cannot_be_read(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    (tmp_path / "state" / "sent.sqlite3").mkdir(parents=True)  # root could read whatever its mode is
    state, what = doctor.about("outbox")[-1]
    assert state == "error" and "The ledger" in what and "cannot be read" in what


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_root_among_a_services(doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "sent.sqlite3").write_bytes(b"")
    os.chown(tmp_path / "state" / "sent.sqlite3", 65534, 65534)
    assert any(state == "error" and what.startswith("sent.sqlite3 in") for state, what in doctor.about("outbox"))


# --- misp-modules -----------------------------------------------------------------------------------------------------


def test_no_misp_modules(doctor: Doctor) -> None:
    assert doctor.about("misp-modules") == [("error", f"No misp-modules server answers at {NOBODY}")]


def test_something_else_at_its_place(doctor: Doctor, receiver: Receiver) -> None:
    doctor.write(f"modules_url = '{receiver.url}'")
    assert doctor.about("misp-modules") == [("error", f"{receiver.url} lists no modules")]


def test_a_server_without_our_actions(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer([{"name": "dns", "mispattributes": {}, "meta": {}}]))
    doctor.write(f"modules_url = '{receiver.url}'")
    found = doctor.about("misp-modules")
    assert any(state == "error" and what.startswith("the server does not have ") for state, what in found)


def test_a_module_that_crashes_misp(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer([{"name": "odd", "mispattributes": {"config": {"params": ["a"]}}, "meta": {}}]))
    doctor.write(f"modules_url = '{receiver.url}'")
    assert ("error", "the parameters of the module odd have a form that crashes MISP's workflows") in doctor.about(
        "misp-modules"
    )


@pytest.mark.server
def test_the_real_server(doctor: Doctor, misp_modules_server: MispModulesServer) -> None:
    doctor.write(f"modules_url = '{misp_modules_server.url}'")
    found = doctor.about("misp-modules")
    assert any(what.startswith("all ") and what.endswith("actions of this package are there") for _, what in found)
    assert "error" not in states(found)
    failed = set(misp_modules_server.failed())
    told = [row["todo"] for row in doctor() if "not in the list" in row["what"]]
    assert bool(failed) == bool(told)
    assert all(todo.endswith("what you do not use needs nothing") for todo in told)


# --- MISP -------------------------------------------------------------------------------------------------------------


def configured(receiver: Receiver, key: str = "goodkey") -> str:
    return f"[misp]\nurl = '{receiver.url}'\nkey = '{key}'"


def listed(doctor: Doctor, disabled: bool) -> list[dict[str, Any]]:
    """Return what MISP lists when it sees all actions of this package."""
    names = [file.stem for file in own_actions()]
    return [
        {"id": name, "is_misp_module": True, "disabled": disabled, "blocking": name.endswith("_gate")} for name in names
    ]


def test_a_misp_where_all_is_well(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    answers["/workflows/moduleIndex/type:action"] = listed(doctor, disabled=False)
    doctor.write(configured(receiver))
    found = doctor.about("MISP")
    assert set(states(found)) == {"ok"}
    assert ("ok", "MISP waits 10 s for an action, longer than the 4 s of answer_within") in found
    assert "goodkey" not in doctor.text
    assert {request.method for request in receiver.requests} == {"GET"}


@pytest.mark.parametrize(
    ("path", "content", "state", "sentence"),
    [
        ("/servers/getSetting/Plugin.Workflow_enable", {"value": False}, "error", "workflows are switched off"),
        (
            "/servers/getSetting/Plugin.Action_services_enable",
            {"value": False},
            "error",
            "action modules are switched off",
        ),
        (
            "/servers/getSetting/Plugin.Action_timeout",
            {"value": "3"},
            "error",
            "MISP waits only 3 s for an action, answer_within is 4 s",
        ),
        (
            "/servers/getSetting/Plugin.Action_services_port",
            {"value": "6667"},
            "warning",
            f"MISP looks for misp-modules at 127.0.0.1 port 6667, this check at {NOBODY}",
        ),
        ("/workflows/moduleIndex/type:action", {}, "error", "MISP does not list its workflow modules"),
    ],
)
def test_a_misp_with_one_thing_wrong(
    doctor: Doctor, misp: tuple[Receiver, dict[str, Any]], path: str, content: Any, state: str, sentence: str
) -> None:
    receiver, answers = misp
    answers["/workflows/moduleIndex/type:action"] = listed(doctor, disabled=False)
    answers[path] = content
    doctor.write(configured(receiver))
    assert [row for row in doctor.about("MISP") if row[0] != "ok"] == [(state, sentence)]


def test_modules_that_misp_does_not_see_or_run(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    doctor.write(configured(receiver))
    assert any(what.startswith("MISP does not see ") for _, what in doctor.about("MISP"))
    answers["/workflows/moduleIndex/type:action"] = listed(doctor, disabled=True)
    assert any(what.startswith("not enabled in MISP: ") for _, what in doctor.about("MISP"))


@pytest.mark.parametrize(
    ("host", "state", "sentence"),
    [
        (1, "error", "belongs to organisation 2, the host organisation (MISP.host_org_id) is 1"),
        (2, "ok", "the key's user belongs to the host organisation"),
    ],
)
def test_the_key_must_belong_to_the_host_organisation(doctor, misp, host, state, sentence) -> None:
    receiver, answers = misp
    answers["/users/view/me"] = {**answers["/users/view/me"], "User": {"id": "6", "org_id": "2"}}
    answers["/servers/getSetting/MISP.host_org_id"] = {"value": host}
    doctor.write(configured(receiver))
    assert any(sentence in what and found == state for found, what in doctor.about("MISP"))


@pytest.mark.parametrize(
    ("version", "faults"),
    [("2.5.1", 0), ("2.5.27", 2), ("2.5.36", 1), ("2.5.40", 0), ("2.5.50", 0), ("dev", 0)],
)
def test_a_version_with_known_faults(doctor, misp, version, faults) -> None:
    receiver, answers = misp
    answers["/servers/getVersion"] = {"version": version}
    doctor.write(configured(receiver))
    told = [what for found, what in doctor.about("MISP") if found == "error" and what.startswith(f"MISP {version}")]
    assert len(told) == faults


def test_what_the_key_may_not_do_and_a_service_that_is_off(doctor, misp) -> None:
    receiver, answers = misp
    answers["/users/view/me"]["Role"] = {**answers["/users/view/me"]["Role"], "perm_tagger": False}
    answers["/servers/getSetting/Plugin.Enrichment_services_enable"] = {"value": False}
    doctor.write(configured(receiver))
    told = [what for found, what in doctor.about("MISP") if found == "warning"]
    assert "the key's role may not tag" in told
    assert any("the Enrichment service is off" in what for what in told)


# --- the workflows that MISP has --------------------------------------------------------------------------------------

HOLDING = ROOT / "examples" / "workflows" / "hold-what-is-not-marked.json"
OWN = ("tag-if", "tag_operation", "reload-full-event", "stop-execution")
TAG = "misp-workflow:approved-by-gate"


def with_workflow(doctor: Doctor, misp: Any, disabled: tuple[str, ...] = (), enabled: bool = True, **tag: Any) -> Any:
    """A MISP that has the holding graph, as MISP lists it; return what the doctor says of that."""
    receiver, answers = misp
    row = json.loads(HOLDING.read_text())["Workflow"]
    answers["/workflows/index"] = [{"Workflow": {**row, "id": "1", "enabled": False}}]
    answers["/workflows/moduleIndex/type:trigger"] = [{"id": "event-publish", "disabled": not enabled}]
    actions = [*listed(doctor, disabled=False), *({"id": name, "is_misp_module": False} for name in OWN[1:])]
    shown = [{**one, "disabled": one["id"] in disabled} for one in actions]
    answers["/workflows/moduleIndex/type:action"] = {str(place): one for place, one in enumerate(shown)}
    answers["/workflows/moduleIndex/type:logic"] = [{"id": "tag-if", "disabled": "tag-if" in disabled}]
    answers["/tags/search/0/1"] = [{"Tag": {"id": "9", "name": TAG, "exportable": True, "local_only": True, **tag}}]
    doctor.write(configured(receiver))
    return doctor.about(f"workflow {row['name']}")


def test_a_workflow_with_nothing_wrong(doctor, misp) -> None:
    assert with_workflow(doctor, misp) == [("ok", "it is enabled, each of its nodes too, and check finds nothing")]


def test_each_disabled_node_and_trigger_of_a_workflow_is_named(doctor, misp) -> None:
    assert [what for found, what in with_workflow(doctor, misp, disabled=OWN) if found == "error"] == [
        f"not enabled in MISP: {', '.join(OWN)}; a disabled IF takes its else path, a disabled action is left out"
    ]
    found = with_workflow(doctor, misp, enabled=False)
    assert found[0] == ("warning", "its trigger event-publish is not enabled, so MISP never runs it")


def test_what_check_finds_in_a_workflow_the_doctor_says(doctor, misp) -> None:
    _, answers = misp
    with_workflow(doctor, misp)
    row = answers["/workflows/index"][0]["Workflow"]
    del row["data"]["1"]["data"]["misp_core_format"]
    told = doctor.about(f"workflow {row['name']}")
    assert [found for found, what in told if "never reloads" in what] == ["error", "error"]
    answers["/workflows/index"][0]["Workflow"] = {"id": "1", "name": row["name"], "data": "{broken"}
    assert states(doctor.about(f"workflow {row['name']}")) == ["error"]


def test_the_tag_of_an_approval_must_be_local_only_and_seen(doctor, misp) -> None:
    told = with_workflow(doctor, misp, local_only=False, exportable=False)
    assert ("warning", f"the tag {TAG} is not local only, so anybody who may tag can attach it") in told
    assert ("error", f"the tag {TAG} is not exportable, and workflows do not see such tags") in told


@pytest.mark.parametrize(("name", "known"), [("partners", False), ("misp", True), ("", True)])
def test_a_saved_node_that_names_a_misp_which_the_settings_lack(doctor, misp, name: str, known: bool) -> None:
    _, answers = misp
    with_workflow(doctor, misp)
    row = answers["/workflows/index"][0]["Workflow"]
    (node,) = [one for one in row["data"].values() if one["data"]["id"] == "publish_gate"]
    node["data"]["indexed_params"]["misp"] = name
    told = [what for found, what in doctor.about(f"workflow {row['name']}") if found == "error"]
    assert told == ([] if known else [f"publish_gate ({node['id']}) names the MISP “{name}”, which the settings lack"])


def test_a_bad_key(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    doctor.write(configured(misp[0], "badkey"))
    assert doctor.about("MISP") == [("error", "MISP does not accept the key")]


def test_a_key_without_rights(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    answers["/users/view/me"] = {"User": {}, "Role": {"name": "Read Only", "perm_site_admin": False}}
    doctor.write(configured(receiver))
    assert states(doctor.about("MISP")) == ["ok", "warning", "skipped"]
    assert len(receiver.requests) == 1


def test_a_misp_that_is_none_or_down(doctor: Doctor, receiver: Receiver) -> None:
    receiver.always(answer("<html>hello</html>"))
    doctor.write(configured(receiver))
    assert doctor.about("MISP") == [("error", f"{receiver.url} does not answer as MISP does")]
    doctor.write(f"[misp]\nurl = '{NOBODY}'\nkey = 'x'")
    assert doctor.about("MISP") == [("error", "nothing listens at 127.0.0.1 port 9")]
    doctor.write(f"[misp]\nurl = '{NOBODY}'")
    assert doctor.about("MISP") == [("warning", "the settings hold no key for MISP")]


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


# --- for people -------------------------------------------------------------------------------------------------------


def test_the_report_says_what_to_do(doctor: Doctor) -> None:
    doctor.write(f"{CHAT}parameters = {{ webhook_url = 'env:NOT_SET_ANYWHERE' }}")
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 1
    assert "→ put the secret there" in result.output
    assert "destination chat" in result.output


def test_what_this_machine_can_judge_is_measured(doctor: Doctor, misp_modules_server: Any) -> None:
    doctor.write(f'modules_url = "{misp_modules_server.url}"\nanswer_within = 60\n')
    (state, sentence), *others = doctor.about("large events", "--measure")
    assert state == "ok" and not others
    assert re.search(r"answers in [0-9.]+ s; within the 10 s that MISP waits .* makes about [0-9,]+$", sentence)
    assert doctor.about("large events")[0][1].endswith(f": {sentence}"), "it is remembered"


def test_without_a_server_nothing_is_measured(doctor: Doctor) -> None:
    doctor.write("")
    assert states(doctor.about("large events", "--measure")) == ["error"]
    assert doctor.about("large events") == [
        ("skipped", "how large an event a gate hears of in time was not measured here")
    ]


def test_what_was_measured_last_is_held_against_what_misp_waits_now(
    doctor: Doctor, misp: tuple[Receiver, dict[str, Any]], tmp_path: Path
) -> None:
    receiver, answers = misp
    measured = tmp_path / "state" / "measured.json"
    measured.parent.mkdir(mode=0o700)
    measured.write_text('{"day": "2026-01-02", "small": 0.5, "large": 3.0}')
    doctor.write(configured(receiver))
    sentence = (
        "measured on 2026-01-02: a gate hears of 6,000 attributes and answers in 3.0 s; within the {} s that MISP"
    )
    assert doctor.about("large events") == [
        ("ok", f"{sentence.format(10)} waits (Plugin.Action_timeout) that makes about 20,000")
    ]
    answers["/servers/getSetting/Plugin.Action_timeout"] = {"value": 2}
    assert doctor.about("large events") == [
        ("warning", f"{sentence.format(2)} waits (Plugin.Action_timeout) that makes about 4,000")
    ]
    for damaged in ("", "[]", '{"day": 1}', '{"day": "x", "small": "a", "large": []}'):
        measured.write_text(damaged)
        assert states(doctor.about("large events")) == ["skipped"]


def test_a_client_library_that_is_missing(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = installed.version

    def version(name: str) -> str:
        if name == "redis":  # which dramatiq brings
            raise PackageNotFoundError(name)
        return real(name)

    doctor.write(
        '[destinations.bus]\nactions = ["redis_stream"]\n[destinations.bus.parameters]\naddress = "redis://127.0.0.1:9"\n'
    )
    assert not any("needs" in what for _, what in doctor.about("destination bus"))
    monkeypatch.setattr(installed, "version", version)
    assert ("warning", "redis_stream needs redis, not installed here: it sends nothing") in doctor.about(
        "destination bus"
    )


def test_each_of_several_misps_is_looked_at(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, _ = misp
    tables = [f"[misp.{name}]\nurl = '{receiver.url}'\nkey = '{key}'" for name, key in (("hub", "goodkey"), ("b", "k"))]
    doctor.write("\n".join(tables))
    assert "accepts the key" in doctor.about("MISP “hub”")[0][1]
    assert doctor.about("MISP “b”") == [("error", "MISP does not accept the key")]
    assert not doctor.about("MISP")
    doctor.write(f"{tables[0]}\n[misp.gone]\nurl = '{NOBODY}'\nkey = 'x'")
    assert "check url and ca_file of [misp.gone]" in next(
        row["todo"] for row in doctor() if row["subject"] == "MISP “gone”"
    )


def test_the_least_patient_misp_bounds_the_measure(doctor: Doctor, misp: tuple[Receiver, dict[str, Any]]) -> None:
    receiver, answers = misp
    answers["/servers/getSetting/Plugin.Action_timeout"] = {"value": 7}
    with Receiver() as patient:
        patient.always(answer({"value": 30}))
        tables = [
            f"[misp.{name}]\nurl = '{one.url}'\nkey = 'goodkey'" for name, one in (("a", patient), ("b", receiver))
        ]
        doctor.write("\n".join(tables))
        assert action_timeout(settings.current())[0] == 7


def test_local_tags_go_out_where_no_misp_can_be_asked(doctor: Doctor) -> None:
    doctor.write("[destinations.chat]\n[destinations.team]\nlocal_tags = true\n")
    first, second = doctor.about("MISP")
    assert first == ("skipped", "the settings do not say where MISP is")
    assert second[0] == "warning" and second[1].endswith("its local tags go out, to chat")
    doctor.write("[destinations.team]\nlocal_tags = true\n")
    assert doctor.about("MISP") == [first]
