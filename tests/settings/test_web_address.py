"""Addresses with a password in them: read in one way that fails in a sentence, shown in one way that hides it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow import settings
from misp_workflow.action import params
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.cli import main
from misp_workflow.delivery.outbox import open_outbox
from misp_workflow.errors import SettingsError, WorkflowError
from misp_workflow.runner.modules.moduleapi import HttpServer
from misp_workflow.settings import Misp, Settings
from misp_workflow.web_address import event_page, public, shown, trouble

SECRET = "hunter2secret"
BROKEN = [
    f"redis://:{SECRET}#x@127.0.0.1:6379/0",
    f"redis://:{SECRET}/x@127.0.0.1:6379/0",
    f"redis://user:12/{SECRET}@127.0.0.1:6379",
    f"redis://:{SECRET}?x@127.0.0.1:6379/0",
    f"redis://:[{SECRET}@127.0.0.1:6379/0",
    f"amqp://guest:{SECRET}@127.0.0.1:port/",
    f"amqp://guest:{SECRET} @127.0.0.1",
    f"amqp://guest:{SECRET}@/",
    f"amqp://guest:{SECRET}@127.0.0.1:5672/?heartbeat={SECRET}",
]


@pytest.mark.parametrize("url", BROKEN)
@pytest.mark.parametrize("way", ["written", "referred to"])
def test_an_outbox_address_that_cannot_be_read_fails_in_a_sentence(
    url: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("THE_OUTBOX", url)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file := tmp_path / "settings.toml"))
    named = url if way == "written" else "env:THE_OUTBOX"
    file.write_text(f'[outbox]\nurl = {json.dumps(named)}\nkey = "a key that is long enough"\n')
    file.chmod(0o600)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WorkflowError) as refused:
        open_outbox(settings.load(file))
    assert "outbox.url" in str(refused.value)
    doctor = CliRunner().invoke(main, ["doctor"])
    assert doctor.exit_code in (1, 2)
    assert isinstance(doctor.exception, SystemExit)
    assert SECRET not in doctor.output + str(refused.value) + caplog.text


def test_the_doctor_shows_no_password_of_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        f'modules_url = "http://u:{SECRET}@127.0.0.1:1"\n'
        f'[misp]\nurl = "http://u:{SECRET}@127.0.0.1:1"\nkey = "env:KEY"\n'
        f'[destinations.d.parameters]\nurl = "http://u:{SECRET}@127.0.0.1:1/x"\n'
    )
    file.chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))
    monkeypatch.setenv("KEY", "k" * 40)
    for command in (["doctor"], ["doctor", "--json"], ["run", "--server", f"http://u:{SECRET}@127.0.0.1:1"]):
        assert SECRET not in CliRunner().invoke(main, command).output
    file.chmod(0o644)
    with pytest.raises(SettingsError, match=r"holds a secret \(misp.url\)"):
        settings.load(file)


@pytest.mark.parametrize("url", ["127.0.0.1:6666", "ftp://127.0.0.1", "http://", f"http://u:{SECRET}#@h:1/"])
def test_a_server_without_a_usable_address_is_one_sentence(url: str) -> None:
    with pytest.raises(WorkflowError) as refused:
        HttpServer(url)
    assert SECRET not in str(refused.value)


def test_links_to_misp_name_nobody() -> None:
    place = Settings(misp=Misp(url=f"https://u:{SECRET}@misp.example.org/sub"))
    data = {"Event": {"id": "1", "uuid": "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c", "info": "x"}}
    link = Call(Params(), data, None, place, "").link
    assert link == "https://misp.example.org/sub/events/view/5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c"


def test_the_password_of_an_address_that_is_no_secret_is_masked_all_the_same() -> None:
    table = {"server_url": {"type": "string", "description": "x", "format": "url"}}
    found = params.read(table, {"server_url": f"https://u:{SECRET}@h.example"}, {})
    assert SECRET in params.secrets_of(table, found)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://u:p@h.example:8443/a/b?key=1#x", "https://h.example:8443/a/b?***"),
        ("https://h.example", "https://h.example"),
        ("amqps://u@[::1]:5671/", "amqps://[::1]:5671/"),
        ("https://h:12x/", "an address that cannot be read"),
        ("nonsense", "an address that cannot be read"),
        ("", ""),
    ],
)
def test_what_is_shown(url: str, told: str) -> None:
    assert shown(url) == told


def test_what_is_public() -> None:
    assert public("https://u:p@h.example/x?y=1") == "https://h.example/x?y=1"
    assert trouble("https://h.example/@somebody", ("https", "http")) == ""


def test_an_events_page_is_its_own_address_whatever_its_uuid_says():
    assert event_page("https://u:p@misp.example/", "5e8f") == "https://misp.example/events/view/5e8f"
    assert event_page("https://misp.example", "x/../../y?z#)") == (
        "https://misp.example/events/view/x%2F..%2F..%2Fy%3Fz%23%29"
    )
    assert event_page("", "5e8f") == event_page("https://misp.example", "") == ""
