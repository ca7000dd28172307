"""misp-workflow list: what a person sees of the lists, and the small web server."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from lists_kit import EVENT, ask, attribute, event, lines, shelf

from misp_workflow import settings
from misp_workflow.cli import main
from misp_workflow.delivery import deliver as outbox
from misp_workflow.testing import free_port


def say(*words: str):
    return CliRunner().invoke(main, ["list", *words])


@pytest.fixture
def listed(keep) -> Path:
    folder = keep({"fw": {"format": "plain"}, "dns": {"format": "rpz", "keep": "30 days"}}, token="let-the-firewall-in")
    rows = [attribute("domain", "evil.example"), *(attribute("ip-dst", f"203.0.113.{number}") for number in range(40))]
    for name in ("fw", "dns"):
        ask(event(rows), name)
    return folder


def test_shows_what_stands_since_when_until_when_from_where(listed: Path) -> None:
    told = say("--json").output.splitlines()
    assert len(told) == 82
    one = json.loads(told[0])
    assert (one["list"], one["value"], one["kind"], one["events"]) == ("fw", "evil.example", "domain", [EVENT])
    assert one["until"] is None and abs(one["since"] - time.time()) < 3600
    assert json.loads(told[-1])["until"] > time.time()
    shown = say("show", "fw").output
    assert "fw: 41 in" in shown and "and 21 more" in shown
    assert "and 21 more" not in say("show", "fw", "--all").output


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no user ids")
def test_nothing_is_made_in_another_users_state(keep, monkeypatch: pytest.MonkeyPatch) -> None:
    keep({"fw": {"format": "plain"}})
    folder = settings.current().state_folder
    folder.mkdir(mode=0o700, exist_ok=True)
    there = sorted(folder.iterdir())
    owner = folder.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert say().output.startswith("fw: nothing stands in ")
    refused = say("rebuild")
    assert refused.exit_code == 2
    assert f"cannot be written: the state folder {folder} is " in " ".join(refused.output.split())
    assert sorted(folder.iterdir()) == there


def test_check_reads_the_file_back(listed: Path) -> None:
    assert say("check").exit_code == 0
    file = listed / "fw.txt"
    file.write_text(file.read_text().replace("evil.example\n", "") + "added.example\n")
    told = say("check")
    assert told.exit_code == 1
    assert "- 'evil.example'" in told.output and "+ 'added.example'" in told.output
    found = json.loads(say("check", "fw", "--json").output)
    assert found["missing"] == ["evil.example"] and found["beside"] == ["added.example"]
    assert say("rebuild", "fw").output.endswith("41 entries\n")
    assert say("check").exit_code == 0
    file.unlink()
    assert "there is no such file" in say("check", "fw").output
    assert say("check", "dns").exit_code == 0


def test_an_rpz_zone_gets_a_higher_serial_each_time(listed: Path) -> None:
    def serial() -> int:
        return int(lines("dns")[1].split()[5])

    before = serial()
    say("rebuild", "dns")
    say("rebuild", "dns")
    assert serial() >= before + 2


def test_without_lists_it_says_what_is_missing() -> None:
    told = say()
    assert told.exit_code == 2 and "destinations.NAME.list" in told.output


def test_an_unknown_name_has_a_nearest_one(listed: Path) -> None:
    told = say("check", "fww")
    assert told.exit_code == 2 and "nearest name is “fw”" in told.output


def get(url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), {key.lower(): value for key, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), {key.lower(): value for key, value in error.headers.items()}


def test_serves_the_lists_and_nothing_else(listed: Path) -> None:
    pytest.importorskip("starlette")
    (listed / "secret.txt").write_text("no list")
    port = free_port()
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # tests in the background ignore it, and pass that on
    server = subprocess.Popen(
        [sys.executable, "-c", "from misp_workflow.cli import main; main()", "list", "serve", "--port", str(port)],
        preexec_fn=heed,
    )
    url, key = f"http://127.0.0.1:{port}", {"Authorization": "Bearer let-the-firewall-in"}
    try:
        for _ in range(2400):
            assert server.poll() is None
            try:
                get(url)
                break
            except OSError:
                time.sleep(0.05)
        assert get(f"{url}/fw.txt")[0] == 401
        assert get(f"{url}/fw.txt", Authorization="Bearer wrong")[0] == 401
        basic = base64.b64encode(b"firewall:let-the-firewall-in").decode()
        assert get(f"{url}/fw.txt", Authorization=f"Basic {basic}")[0] == 200
        status, body, headers = get(f"{url}/fw.txt", **key)
        assert (status, body) == (200, shelf("fw").path.read_bytes())
        assert get(f"{url}/fw.txt", If_None_Match=headers["etag"], **key)[0] == 304
        assert get(f"{url}/fw.txt", Accept_Encoding="gzip", **key)[2]["content-encoding"] == "gzip"
        for beside in ("secret.txt", "..%2Fsettings.toml", "", "fw.txt%00"):
            assert get(f"{url}/{beside}", **key)[0] == 404
        server.send_signal(signal.SIGINT)
        assert server.wait(300) == 0, "that is how it is to be stopped"
    finally:
        server.terminate()
        server.wait(30)


def test_listens_elsewhere_only_with_a_token(keep) -> None:
    pytest.importorskip("starlette")
    keep({"fw": {"format": "plain"}})
    told = say("serve", "--listen", "0.0.0.0")
    assert told.exit_code == 2 and "lists.token" in told.output


def test_sent_tells_of_lists_too(listed: Path) -> None:
    told = CliRunner().invoke(main, ["sent", EVENT, "--json", "--destination", "fw"])
    found = json.loads(told.stdout)
    assert len(found) == 41 and {one["id"] for one in found} == {"fw.txt"}
    assert "evil.example" in [one["item"] for one in found]


@pytest.mark.parametrize("damage", ["no database", "letters that are none", "cut", "a folder"])
def test_a_damaged_book_is_said_by_every_command_and_hides_no_other_list(listed: Path, damage: str) -> None:
    book = next((settings.current().state_folder / "lists").glob("fw.sqlite*"))
    with contextlib.closing(sqlite3.connect(book)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    whole = book.read_bytes()
    book.unlink()
    if damage == "a folder":
        book.mkdir()
    else:
        letters = whole.replace(b"CREATE TABLE", b"CREATE \x90ABLE")  # which SQLite quotes in what it says
        broken = {"no database": b"no database", "letters that are none": letters}
        book.write_bytes(broken.get(damage, whole[:2048]))
    for words in (["show", "fw"], ["check", "fw"], ["rebuild", "fw"]):
        said = say(*words)
        assert said.exit_code == 2, said.output
        assert "The list fw" in said.output
    said = CliRunner().invoke(main, ["sent", EVENT])
    assert said.exit_code == 2
    assert "What the list fw has of it is not known" in said.output
    assert "dns.rpz" in said.output
    answer = ask(event([attribute("domain", "more.example")]), "fw")
    assert "the list fw cannot be changed right now" in answer["data"]["detail"]
    outbox.stop()
    assert CliRunner().invoke(main, ["doctor", "--json"]).exit_code == 1
