"""The file is found, read again when it changes, and kept in its last good reading while it is broken."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from misp_workflow import settings
from misp_workflow.errors import SettingsError
from misp_workflow.settings import file as settings_file


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of this test, which does not exist yet."""
    path = tmp_path / "settings.toml"
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(path))
    monkeypatch.delenv("MISP_WORKFLOW_STATE", raising=False)
    return path


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def test_a_change_is_seen(path: Path) -> None:
    write(path, "answer_within = 1")
    assert settings.current().answer_within == 1
    write(path, "answer_within = 2")
    assert settings.current().answer_within == 2


def test_a_replaced_file_of_the_same_length_and_time_is_seen(path: Path) -> None:
    write(path, "answer_within = 1")
    before = path.stat()
    assert settings.current().answer_within == 1
    other = path.with_suffix(".new")
    write(other, "answer_within = 3")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert settings.current().answer_within == 3


def test_a_change_is_seen_after_a_while_and_another_file_at_once(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(settings_file, "LOOK_EVERY", 0.25)
    monkeypatch.setattr(settings_file.time, "monotonic", lambda: clock[0])
    write(path, "answer_within = 1")
    assert settings.current().answer_within == 1
    write(path, "answer_within = 2")
    clock[0] += 0.2
    assert settings.current().answer_within == 1
    clock[0] += 0.2
    assert settings.current().answer_within == 2
    other = tmp_path / "other.toml"
    write(other, "answer_within = 3")
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(other))
    assert settings.current().answer_within == 3
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "state"))
    assert settings.current().state_folder == tmp_path / "state"


def test_no_change_costs_one_stat_and_no_reading(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, "answer_within = 1")
    first = settings.current()
    stats: list[Path] = []
    original = Path.stat

    def counting(self: Path, **options: bool) -> os.stat_result:
        stats.append(self)
        return original(self, **options)

    monkeypatch.setattr(Path, "stat", counting)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read although nothing changed"))
    assert settings.current() is first
    assert stats == [path]
    monkeypatch.setattr(settings_file, "LOOK_EVERY", 60.0)
    assert settings.current() is first
    assert stats == [path]


def test_a_broken_file_keeps_the_last_good_one_and_says_so(path: Path) -> None:
    write(path, "answer_within = 1\n[destinations.a]\ntlp = 'green'")
    assert settings.current().problem == ""
    for broken in ("answer_within = ", "answer_witin = 1", "answer_within = 'x'"):
        write(path, broken)
        now = settings.current()
        assert now.answer_within == 1
        assert now.destination("a").tlp == "green"
        assert str(path) in now.problem
        assert now.problem.endswith("The settings read before are still in force.")
    write(path, "answer_within = 2")
    assert (settings.current().problem, settings.current().answer_within) == ("", 2)


def test_a_file_that_vanishes_is_a_problem_too(path: Path) -> None:
    write(path, "answer_within = 1")
    settings.current()
    path.unlink()
    assert settings.current().answer_within == 1
    assert "cannot be read" in settings.current().problem


def test_a_file_that_was_never_good_sends_nothing(path: Path) -> None:
    write(path, "[defaults]\ntpl = 'clear'")
    now = settings.current()
    assert not now.usable
    for name in ("", "a"):
        with pytest.raises(SettingsError, match=r"tpl is not a known setting.*Nothing is sent until it is mended"):
            now.destination(name)
    write(path, "[defaults]\ntlp = 'clear'")
    assert settings.current().destination("").tlp == "clear"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_mending_the_mode_alone_is_seen(path: Path) -> None:
    write(path, "[misp]\nkey = 'literal'")
    path.chmod(0o644)
    assert "Everybody may read" in settings.current().problem
    path.chmod(0o600)
    assert settings.current().problem == ""


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, config = tmp_path / "etc.toml", tmp_path / "config"
    config.mkdir()
    monkeypatch.delenv("MISP_WORKFLOW_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", system)
    assert settings.current().path is None
    assert settings.current().destination("").tlp == "amber+strict"
    if sys.platform.startswith("linux"):
        write(config / "misp-workflow.toml", "answer_within = 5")
        assert settings.current().answer_within == 5
    write(system, "answer_within = 6")
    assert settings.current().answer_within == 6
    named = tmp_path / "named.toml"
    write(named, "answer_within = 7")
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(named))
    assert settings.current().answer_within == 7


def test_a_service_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MISP_WORKFLOW_CONFIG", "MISP_WORKFLOW_STATE", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "none.toml")
    assert settings.current().path is None
    assert settings.current().state_folder.is_absolute()


def test_the_state_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    write(path, "")
    if sys.platform.startswith("linux"):
        assert settings.current().state_folder == tmp_path / "xdg" / "misp-workflow"
    write(path, f"state_folder = '{tmp_path / 'own'}'")
    assert settings.current().state_folder == tmp_path / "own"
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(tmp_path / "named"))
    assert settings.current().state_folder == tmp_path / "named"


def test_many_threads_while_the_file_changes(path: Path) -> None:
    write(path, "[destinations.a]\nrate = 1")
    troubles: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            now = settings.current()
            if now.destination("a").rate not in range(1, 60):
                troubles.append(repr(now))

    settings.current()
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for rate in range(2, 60):
        replacement = path.with_suffix(".new")
        write(replacement, f"[destinations.a]\nrate = {rate}")
        replacement.replace(path)
    stop.set()
    for thread in threads:
        thread.join()
    assert not troubles
    assert settings.current().destination("a").rate == 59
