"""The doctor finds what is wrong with settings, outbox and misp-modules, says what to do, and shows no secret."""

from __future__ import annotations

import os
import re
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from doctor_kit import CHAT, NOBODY, Doctor, configured, states

from misp_workflow import installed, settings
from misp_workflow.cli.commands.doctor import command
from misp_workflow.delivery.outbox import Item, open_outbox
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.testing.receiver import Receiver, answer
from misp_workflow.testing.server import MispModulesServer

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


def test_a_route_that_never_holds(doctor: Doctor) -> None:
    line = "[[routes]]\nname = 'r'\nto = ['a']\ntypes = ['ip-src', 'domian']\nsharing_groups = ['Partners', '3']\n"
    doctor.write(f"[destinations.a]\n{line}{line}")
    found = doctor.about("settings")
    assert states(found) == ["ok", "warning", "warning"]
    assert "of the route “r”, 'types': “domian” is no attribute type" in found[1][1]
    assert "the nearest name is “domain”" in found[1][1]
    assert "of the route “r”, 'sharing_groups': “Partners” is neither the number nor the uuid" in found[2][1]


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
