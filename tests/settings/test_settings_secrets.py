"""Secrets by reference: read at each use, refused when others could have read them too."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.action import Post, expose
from misp_workflow.delivery.trial import trial
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Destination, resolve


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("hunter2\n")
    path.chmod(0o400)
    return path


def test_a_literal_is_itself() -> None:
    assert resolve("https://example.org/file:/x", "x") == "https://example.org/file:/x"


def test_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "first")
    place = Destination(name="a", values={"webhook_url": "env:HOOK"})
    assert place.resolved() == {"webhook_url": "first"}
    monkeypatch.setenv("HOOK", "rotated")
    assert place.resolved() == {"webhook_url": "rotated"}
    monkeypatch.delenv("HOOK")
    with pytest.raises(
        SettingsError, match=r"destinations\.a\.parameters\.webhook_url .* variable HOOK, which is not set"
    ):
        place.resolved()


def test_the_next_call_of_the_same_node_has_what_the_secret_is_now(monkeypatch: pytest.MonkeyPatch, rules) -> None:
    rules('[destinations.chat.parameters]\naddress = "env:HOOK"\n')
    config: dict[str, Any] = {"params": {"address": {"description": "Where to", "format": "url"}}, "blocking": False}
    ask = expose({"name": "test"}, config, lambda call: Post(url=call.params.address, json={}))[1]
    data = {"Event": {"id": "1", "info": "x", "Tag": [{"name": "tlp:clear"}], "Attribute": []}}
    for secret in ("first", "rotated"):
        monkeypatch.setenv("HOOK", f"https://chat.example/{secret}")
        with trial() as noted:
            said = ask({"params": {"destination": "chat"}, "data": data})
        assert [parcel.effect.url for parcel in noted] == [f"https://chat.example/{secret}"], said
        assert f"https://chat.example/{secret}" in noted[0].effect.secrets


def test_a_file(secret: Path) -> None:
    place = Destination(name="a", values={"token": f"file:{secret}", "channel": "#soc"})
    assert place.resolved() == {"token": "hunter2", "channel": "#soc"}
    secret.chmod(0o600)
    secret.write_text("rotated")
    assert place.resolved()["token"] == "rotated"


def test_only_one_line_break_is_not_part_of_it(secret: Path) -> None:
    secret.chmod(0o600)
    for content, value in (("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("a\nb\n", "a\nb")):
        secret.write_bytes(content.encode())
        assert resolve(f"file:{secret}", "x") == value


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o440, 0o404, 0o444, 0o644, 0o460, 0o602, 0o401])
def test_a_file_that_others_may_use(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(SettingsError, match=rf"misp\.key .* \(mode {mode:04o}\); do: chmod 0400") as error:
        resolve(f"file:{secret}", "misp.key")
    assert "hunter2" not in str(error.value)


def test_through_a_link(secret: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret)
    assert resolve(f"file:{link}", "x") == "hunter2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"\n", "empty"), (b"\xff", "not UTF-8"), (b"x" * 70_000, "longer than 64 KiB")],
)
def test_a_file_that_holds_no_secret(secret: Path, content: bytes, reason: str) -> None:
    secret.chmod(0o600)
    secret.write_bytes(content)
    with pytest.raises(SettingsError, match=reason):
        resolve(f"file:{secret}", "x")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        resolve(f"file:{tmp_path / 'none'}", "x")
    with pytest.raises(SettingsError, match="not an absolute path"):
        resolve("file:secret", "x")
    with pytest.raises(SettingsError, match=r"not a regular file|cannot be read"):
        resolve(f"file:{tmp_path}", "x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hold_anybody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(SettingsError, match="not a regular file"):
        resolve(f"file:{pipe}", "x")
