"""Where state lies and whose it is: the command line looks where the service does, and leaves nothing in its way."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from delivery_kit import is_root

from misp_workflow import settings
from misp_workflow.cli import main
from misp_workflow.delivery import deliver
from misp_workflow.delivery.changes.marks import Marks, MarksError
from misp_workflow.delivery.log import DeliveryLog
from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import state as states

SOMEBODY = 4242
pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no user ids")


def put(folder: Path, key: str = "k") -> None:
    box = SqliteOutbox(folder, window=600.0, max_bytes=2**24)
    parcel = Parcel(key=key, effect=Post(url="http://127.0.0.1:9/"), action="a", created=time.time())
    try:
        box.put([Item(parcel=parcel, lane="a", max_age=9e6)], time.monotonic() + 20)
    finally:
        box.close()


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


# --- where ------------------------------------------------------------------------------------------------------------


def test_the_services_folder_is_looked_at_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MISP_WORKFLOW_STATE", "XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(states, "SERVICE_FOLDER", tmp_path / "var")
    assert states.default_state_folder() == tmp_path / "home" / ".local" / "state" / "misp-workflow"
    (tmp_path / "var").mkdir()
    assert states.default_state_folder() == tmp_path / "var"
    monkeypatch.setenv("STATE_DIRECTORY", f"/var/lib/misp-modules:{tmp_path}/misp-workflow")
    assert states.default_state_folder() == tmp_path / "misp-workflow"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/misp-modules")
    assert states.default_state_folder() == tmp_path / "var", "another program's folder is not ours"


def test_commands_say_where_they_look_and_whose_it_is(state: Path) -> None:
    me = states.user_name(os.geteuid())
    assert f"{state}, which does not exist yet" in run("outbox")[1]
    put(state)
    assert f"{state}, which is {me}'s" in run("outbox")[1]
    assert f"the state folder is {state}, which is {me}'s; {me} can write there" in run("doctor", "--json")[1]


def use_wrong_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "wrong.toml"
    file.write_text("nosuchkey = 5")
    file.chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(file))
    return file


ABOUT_WHAT_THE_SETTINGS_NAME = [
    "outbox",
    "outbox list --json",
    "outbox retry --all",
    "outbox drop --all --yes",
    "outbox show k",
    "metrics",
    "outbox work --until-empty",
    "outbox work --until-empty --json",
    "sent 5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c",
    "list",
    "list check",
    "list rebuild",
    "list serve",
    "pull folder",
    "modules",
    "doctor",
    "doctor --json",
    "doctor --send chat",
    "doctor --measure",
]


@pytest.mark.parametrize("words", ABOUT_WHAT_THE_SETTINGS_NAME)
def test_nobody_is_told_of_another_outbox_when_the_settings_are_wrong(
    words: str, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(state)
    file = use_wrong_settings(tmp_path, monkeypatch)
    monkeypatch.setenv("COLUMNS", "500")  # the folders of a test can be long
    status, said = run(*words.split())
    assert status == 2
    assert f"{file}" in said
    assert "nosuchkey" in said
    assert "nothing waits" not in said.lower()
    box = SqliteOutbox(state, window=600.0, max_bytes=2**24)
    assert [entry.tries for entry in box.entries()] == [0]
    box.close()


def test_nothing_is_sent_on_from_another_outbox_when_the_settings_are_wrong(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(state)
    use_wrong_settings(tmp_path, monkeypatch)
    deliver.resume()
    deliver.stop()
    assert "not sent on" in caplog.text
    box = SqliteOutbox(state, window=600.0, max_bytes=2**24)
    assert [entry.tries for entry in box.entries()] == [0]
    box.close()


# --- whose ------------------------------------------------------------------------------------------------------------


def test_nothing_is_made_among_another_users_files(state: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    put(state)
    for path in state.iterdir():
        if path.name != "outbox.sqlite3":
            path.unlink()
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    with pytest.raises(DeliveryError, match=f"and this is user {SOMEBODY}; run it as"):
        put(state, "other")
    with pytest.raises(MarksError):
        Marks(state, 60.0).set(["m"])
    DeliveryLog(state).write("delivered")
    assert f"this is user {SOMEBODY}" in caplog.text
    assert {path.name for path in state.iterdir()} <= {"outbox.sqlite3", "outbox.sqlite3-shm", "outbox.sqlite3-wal"}
    assert run("outbox", "drop", "--all", "--yes")[0] != 0
    assert "run it as" in run("doctor")[1]


def test_a_folder_that_only_lets_us_in_is_fine(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """root made it and gave it to the service's group."""
    state.mkdir()
    state.chmod(0o777)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    assert states.refusal(state) == ""


@pytest.mark.skipif(not is_root(), reason="only root can give a folder away")
def test_root_makes_nothing_in_a_services_folder(state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state.mkdir(mode=0o700)
    os.chown(state, SOMEBODY, SOMEBODY)
    with pytest.raises(DeliveryError, match=f"is user {SOMEBODY}'s, and this is root; run it as user {SOMEBODY}"):
        put(state)
    assert not list(state.iterdir())
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(tmp_path / "settings.toml"))
    (tmp_path / "settings.toml").write_text("[destinations.a.parameters]\nwebhook_url = 'http://127.0.0.1:9/'\n")
    (tmp_path / "settings.toml").chmod(0o600)
    code, said = run("doctor", "--send", "a", "--action", "slack_message")
    assert code == 1
    assert "and this is root" in said
    assert not list(state.iterdir())


@pytest.mark.skipif(not is_root(), reason="only root can become somebody else")
def test_root_reads_a_services_outbox_and_leaves_it_to_the_service(state: Path) -> None:
    put(state)
    for path in (state, *state.iterdir()):
        os.chown(path, SOMEBODY, SOMEBODY)
    code, said = run("outbox")
    assert code == 0
    assert f"which is user {SOMEBODY}'s" in said
    assert "waiting" in said
    assert {path.stat().st_uid for path in (state, *state.iterdir())} == {SOMEBODY}


def test_a_folder_that_cannot_be_read_is_not_called_empty(state: Path, tmp_path: Path) -> None:
    put(state)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    if not is_root():
        state.chmod(0)
        try:
            code, said = run("outbox")
        finally:
            state.chmod(0o700)
    else:
        code, said = _as_nobody(state)
    assert code != 0
    assert "Nothing waits" not in said
    assert "may not look there" in said


def _as_nobody(folder: Path) -> tuple[int, str]:
    """Look into the outbox in a child process without rights."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        try:
            SqliteOutbox(folder, window=600.0, max_bytes=2**24).entries()
            said = "0 Nothing waits"
        except BaseException as error:
            said = f"1 {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, _, said = pipe.read().partition(" ")
    os.waitpid(child, 0)
    return int(code), said


# --- modes, and files that are none -----------------------------------------------------------------------------------


def test_the_marks_are_nobody_elses(state: Path) -> None:
    Marks(state, 60.0).set(["m"])
    path = state / "misp-changes.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert Marks(state, 60.0).count(["m"]) == {"m": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_file_in_the_state_folder_is_nobody_elses(state: Path) -> None:
    put(state)
    Marks(state, 60.0).set(["m"])
    DeliveryLog(state).write("delivered")
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {0o600}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_settings_path_that_is_no_regular_file_is_said(tmp_path: Path, make, monkeypatch) -> None:
    make(tmp_path / "settings.toml")
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(tmp_path / "settings.toml"))
    problem = settings.current().problem
    assert "is no regular file" in problem or "cannot be read" in problem


def test_settings_nested_too_deeply_are_said(rules) -> None:
    rules("a = " + "[" * 50_000 + "]" * 50_000)
    assert "nested too deeply" in settings.current().problem


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_bytes(b"\xff\xfe\x00key"), Path.touch])
def test_a_key_file_that_is_no_text_is_said(state: Path, make) -> None:
    state.mkdir(mode=0o700)
    make(state / "outbox.key")
    with pytest.raises(DeliveryError, match="holds no key"):
        put(state)
