"""Programs of the operator's own: what reaches them, how they end, and which are not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scripts_kit import ACTIONS, EVENT, USER, Shop, ask, event

from misp_workflow import settings
from misp_workflow.delivery.outbox import open_outbox

NASTY = {
    "space": "two words",
    "spaces at its ends": "  x  ",
    "quotes": 'it\'s "quoted"',
    "semicolon": "x; touch pwned",
    "newline": "x\ntouch pwned\n",
    "carriage return": "x\r\ntouch pwned",
    "backtick": "`touch pwned`",
    "dollar": "$(touch pwned) ${HOME} $0",
    "pipe": "x | touch pwned",
    "ampersand": "x & touch pwned && touch pwned",
    "redirection": "> pwned < /etc/passwd",
    "glob": "* ? [a-z] ~ {a,b}",
    "backslash": "\\ \\n \\x00 \\",
    "option": "--help",
    "dashes": "-rf / --",
    "history": "!! !x ^a^b",
    "comment": "# nothing",
    "assignment": "PATH=/nowhere IFS=x",
    "shellshock": "() { :;}; touch pwned",
    "percent": "%s %n %d %x %%",
    "template": "{{ 7 * 7 }} {% for x in y %}",
    "NUL": "before\0after",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "delete and controls": "\x01\x02\x1f\x7f",
    "end of input": "\x04\x1a\nEOF\n",
    "other scripts": "日本語 العربية 𝕏 👩‍👩‍👧",
    "direction": "\u202egnp.exe\u2066\u2069\ufeff",
    "line separators": "a\u2028b\u2029c\u0085d",
    "JSON in it": '{"script": "other", "items": ["]}',
    "path": "../../../../etc/passwd\\..\\..",
    "10 MB": "x'\"; " * 2_100_000,
}


@pytest.fixture
def keeper(shop: Shop) -> Shop:
    """A shop whose program keeps what it got."""
    body = 'for one in "$@"; do printf "%s\\n" "$one"; done > arguments; cat > input; env > environment'
    shop.add("keep", body, arguments=["--fixed", "two words; $(x)"])
    return shop


@pytest.mark.parametrize("name", NASTY)
def test_what_an_event_says_reaches_the_program_as_data(keeper: Shop, name: str):
    said = ask("script_run", "keep", event(NASTY[name]))
    assert said["data"]["status"] == "delivered", said
    assert json.loads(keeper.written("input"))["event"]["info"] == NASTY[name]
    assert keeper.written("arguments") == b"--fixed\ntwo words; $(x)\n"
    assert {path.name for path in keeper.out.iterdir()} == {"arguments", "input", "environment"}


def test_there_are_thirty():
    assert len(NASTY) >= 30


def test_its_environment_is_its_own(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FOR_THE_SCRIPT", "swordfish-5bf1")
    shop.add("tell", 'env > environment; echo "$PASSWORD"', environment={"PASSWORD": "env:FOR_THE_SCRIPT"})
    said = ask("script_run", "tell")
    names = {line.partition(b"=")[0] for line in shop.written("environment").splitlines()}
    shells_own = {b"PWD", b"OLDPWD", b"SHLVL", b"_"}
    assert names - shells_own == {b"PATH", b"LANG", b"HOME", b"SCRIPT", b"EFFECT_KEY", b"TOKEN", b"PASSWORD"}
    assert b"PASSWORD=swordfish-5bf1" in shop.written("environment")
    assert "swordfish" not in json.dumps(said) and "***" in said["data"]["detail"]


def test_it_has_no_descriptor_of_the_server(shop: Shop):
    shop.add("look", "ls /proc/self/fd > descriptors; umask > mask")
    with shop.settings.open() as held:
        os.set_inheritable(held.fileno(), True)
        assert "data" in ask("script_run", "look")
    assert shop.written("descriptors").split() == [b"0", b"1", b"2", b"3"]  # 3 is the folder that ls reads
    assert shop.written("mask").strip() == b"0077"


ENDINGS = {
    "hangs": ("sleep 1000", {}, "took longer than 1 s"),
    "ignores SIGTERM": ("trap '' TERM HUP INT; while :; do sleep 1000; done", {}, "took longer than 1 s"),
    "forks twice": ("(setsid sh -c 'trap \"\" TERM; sleep 1000 & sleep 1001' &) ; sleep 1000", {}, "longer than 1 s"),
    "does not read": ("exec 0<&-; sleep 1000", {}, "took longer than 1 s"),
    "closes its outputs": ("exec >&- 2>&-; sleep 1000", {}, "took longer than 1 s"),
    "forks without end": (
        "b() { b & b & exec sleep 1000; }; b & exec sleep 1000",
        {"processes": 8, "timeout": "20 s"},
        "than 8 processes",
    ),
    "floods": ("exec yes", {"output": "64 KiB", "timeout": "20 s"}, "wrote more than 65,536 bytes"),
    "floods errors": ("yes >&2", {"output": "64 KiB", "timeout": "20 s"}, "wrote more than 65,536 bytes"),
    "eats memory": ("exec tail /dev/zero", {"memory": "32 MiB", "timeout": "20 s"}, "he script bad "),
    "eats memory in parts": (
        "for i in 1 2 3 4; do dd if=/dev/zero bs=20000000 count=1 | sleep 1000 & done; wait",
        {"memory": "48 MiB", "timeout": "20 s"},
        "took more memory than its 50,331,648 bytes",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_it_ends_in_time_with_all_that_it_started(shop: Shop, name: str):
    body, bounds, why = ENDINGS[name]
    shop.add("bad", body, **{"timeout": "1 s", **bounds})
    said = ask("script_run", "bad")
    assert why in said.get("error", ""), said
    assert shop.left() == []


def test_what_it_leaves_behind_ends_with_it(shop: Shop):
    shop.add("daemon", "(setsid sleep 1000 > /dev/null 2>&1 < /dev/null &)\necho started")
    assert "started" in ask("script_run", "daemon")["data"]["detail"]
    assert shop.left() == []


STATUSES = {
    0: ("delivered", "the script told ran: first line"),
    3: ("error", "the script told ended with status 3: first line"),
    75: ("queued", "the script told ended with status 75: first line"),
}


@pytest.mark.parametrize("status", STATUSES)
def test_its_exit_status_is_the_answer(shop: Shop, status: int):
    shop.add("told", f"echo; echo 'first line'; echo second; echo problem >&2; exit {status}")
    said, (how, detail) = ask("script_run", "told"), STATUSES[status]
    assert detail in (said["error"] if how == "error" else said["data"]["detail"]).replace("The script", "the script")
    assert how == "error" or said["data"]["status"] == how


def test_killed_by_a_signal_it_has_failed_and_its_errors_are_told(shop: Shop):
    shop.add("dies", "echo 'out of paper' >&2; kill -9 $$")
    assert "was killed by signal 9: out of paper" in ask("script_run", "dies")["error"]


def test_what_takes_longer_than_misp_waits_runs_in_the_background(shop: Shop):
    shop.add("slow", "cat > input", timeout="60 s")
    shop.put_in_force(within="2 s")
    said = ask("script_run", "slow")
    assert said["data"]["status"] == "queued" and "in the background" in said["data"]["detail"]
    assert json.loads(shop.wait_for("input"))["event"]["uuid"] == EVENT


@pytest.mark.skipif(not USER, reason="only root runs a script as another user")
def test_root_runs_it_as_its_own_user_and_never_as_itself(shop: Shop):
    shop.add("who", "id -un; id -Gn")
    assert "ran: nobody" in ask("script_run", "who")["data"]["detail"]
    for user, why in (("", "name a user of its own"), ("root", "not run as root"), ("no-such-user", "has no user")):
        shop.add(f"as-{user}", "true", user=user)
        assert why in ask("script_run", f"as-{user}")["data"]["detail"]


def _writable(program: Path) -> None:
    program.chmod(0o775)


def _link_out(program: Path) -> None:
    program.unlink()
    program.symlink_to("/bin/sh")


def _in_an_open_folder(program: Path) -> None:
    program.parent.chmod(0o777)


def _no_file(program: Path) -> None:
    program.unlink()
    program.mkdir()


def _of_another(program: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(program, 65534, -1)


REFUSED = {
    _writable: "may be changed by others",
    _link_out: "is a link out of its folder",
    _in_an_open_folder: "may be changed by others",
    _no_file: "is no regular file",
    _of_another: "belongs to",
    Path.unlink: "No such file",
    lambda program: program.chmod(0o644): "may not be executed",
}


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_what_others_could_exchange_is_not_run(shop: Shop, spoil):
    program = shop.add("spoilt", "echo ran > trace")
    spoil(program)
    assert REFUSED[spoil] in ask("script_run", "spoilt")["data"]["detail"]
    assert not (shop.out / "trace").exists()


def test_a_link_within_the_folder_is_fine(shop: Shop):
    shop.add("current", "true").rename(shop.folder / "version-2")
    (shop.folder / "current").symlink_to("version-2")
    assert ask("script_run", "current")["data"]["status"] == "delivered"


@pytest.mark.parametrize("name", ["../keep", "/bin/sh", "kep", "keep ", "keep; true"])
def test_a_node_names_what_the_settings_name_and_nothing_else(keeper: Shop, name: str):
    said = ask("script_run", name)
    if name.strip() == "keep":
        assert said["data"]["status"] == "delivered"
        return
    assert "No script is called" in said["error"], said
    assert list(keeper.out.iterdir()) == []


@pytest.mark.parametrize("line", ['program = "../sh"', 'program = "a/b"', 'timeout = "2 h"', 'arguments = ["\\u0000"]'])
def test_settings_that_lead_elsewhere_are_an_error(shop: Shop, line: str):
    shop.put_in_force("[scripts.bad]", line)
    assert "scripts.bad" in settings.current().problem


def test_the_clearance_holds_back_what_the_program_may_not_see(keeper: Shop):
    keeper.put_in_force("[destinations.open]", 'tlp = "green"')
    hidden = {"uuid": "22222222-2222-4333-8444-555555555555", "type": "ip-dst", "value": "192.0.2.77"}
    data = event(Attribute=[{**hidden, "Tag": [{"name": "tlp:red"}]}])
    assert "data" in ask("script_run", "keep", data, destination="open", selected_or_all="all")
    assert b"192.0.2.77" not in keeper.written("input") and b"withheld" in keeper.written("input")
    (keeper.out / "input").unlink()
    assert "error" in ask("script_run", "keep", event(Tag=[{"name": "tlp:red"}]), destination="open")
    assert not (keeper.out / "input").exists()


def test_a_server_that_is_killed_takes_its_program_along(shop: Shop):
    shop.add("long", "trap '' TERM HUP; echo here > trace; (setsid sleep 1000 &); sleep 1000", timeout="40 s")
    request = {"module": "script_run", "data": event(), "params": {"script": "long"}}
    shop.put_in_force(within="60 s")
    code = "import sys; from pathlib import Path; from misp_workflow.testing.contract import ActionFile\n"
    code += "ActionFile.load(Path(sys.argv[1])).module.handler(q=sys.stdin.read()); sys.stdin.read()"
    server = subprocess.Popen([sys.executable, "-c", code, ACTIONS / "script_run.py"], stdin=subprocess.PIPE)
    server.stdin.write(json.dumps(request).encode())
    server.stdin.close()
    try:
        shop.wait_for("trace")
        assert shop.left()
    finally:
        server.kill()
        server.wait()
    assert shop.settle() == []


def test_what_the_program_refused_is_no_dead_letter_of_a_call_that_was_told(shop: Shop):
    shop.add("no", "exit 1")
    assert "error" in ask("script_run", "no")
    box = open_outbox(settings.current())
    assert box.entries() == []
    box.close()
