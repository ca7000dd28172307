"""misp-workflow outbox, on a real outbox with things that wait and things that died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from delivery_kit import parcel, until

from misp_workflow import delivery
from misp_workflow.cli import main
from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.settings import current
from misp_workflow.testing.receiver import Receiver, answer

SECRET = "xoxb-very-secret-token"
WAITS, DEAD = "1111aaaa", "2222bbbb"


@pytest.fixture
def filled(receiver: Receiver) -> Receiver:
    """An outbox with one that waits for ten minutes and one that is dead; the process that filled it is over."""
    receiver.answers(answer(status=404), answer(status=503, headers={"Retry-After": "600"}))
    deliver([parcel(receiver, DEAD, bearer=SECRET, secrets=(SECRET,))], mode="queue")
    until(lambda: [entry.state for entry in house(current()).outbox.entries()] == ["dead"])
    deliver([parcel(receiver, WAITS, bearer=SECRET, secrets=(SECRET,), label="Slack message \x1b[31m to #soc")])
    until(lambda: house(current()).outbox.entries("waiting")[0].tries == 1)
    delivery.stop()
    receiver.clear()
    return receiver


def run(*arguments: str, code: int = 0, **options) -> Result:
    said = CliRunner().invoke(main, ["outbox", *arguments], catch_exceptions=False, **options)
    assert said.exit_code == code, said.output
    assert SECRET not in said.output
    return said


def listed(*more: str) -> dict[str, dict]:
    return {entry["key"]: entry for entry in json.loads(run("list", "--json", *more).stdout)}


def test_an_empty_outbox() -> None:
    assert "Nothing waits" in run().output
    assert json.loads(run("--json").stdout) == []


def test_the_list_says_what_waits_and_why(filled: Receiver) -> None:
    told = " ".join(run(env={"COLUMNS": "250"}).output.split())
    assert "waiting" in told
    assert "in 10 min" in told
    assert "Slack answered 503 Service Unavailable." in told
    assert "dead" in told
    assert "Slack answered 404 Not Found: check the address." in told
    assert "\x1b[31m to" not in told
    assert set(listed()) == {WAITS, DEAD}
    assert listed()[WAITS]["tries"] == 1
    assert set(listed("--dead")) == {DEAD}


def test_show_masks_secrets(filled: Receiver) -> None:
    told = json.loads(run("show", WAITS[:4], "--json").stdout)
    assert told["effect"]["bearer"] == "***"
    assert told["reason"] == "Slack answered 503 Service Unavailable."
    assert "***" in run("show", DEAD).output


def test_show_writes_everything_below_its_name(filled: Receiver) -> None:
    told = json.loads(run("show", DEAD, "--json").stdout)
    lines = run("show", DEAD).output.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("effect "))
    column = lines[first].index("{")
    assert json.loads("\n".join(line[column:] for line in lines[first:])) == told["effect"]
    assert f"reason{' ' * (column - 6)}{told['reason']}" in lines


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "9999"], "Nothing in the outbox has the id “9999”"),
        (["retry"], "Name one or more ids"),
        (["drop", "--all", WAITS], "Name one or more ids"),
    ],
)
def test_what_cannot_be_meant_is_said(filled: Receiver, arguments: list[str], sentence: str) -> None:
    assert sentence in run(*arguments, code=2).output


def test_an_id_that_several_have(receiver: Receiver) -> None:
    receiver.always(answer(status=503, headers={"Retry-After": "600"}))
    deliver([parcel(receiver, key) for key in ("12a", "12b")])
    assert "More than one effect" in run("show", "12", code=2).output


def test_retry_tells_of_what_was_accepted_under_other_settings(filled: Receiver, rules, tmp_path: Path) -> None:
    rules("")
    os.utime(tmp_path / "settings.toml", (time.time() - 3600,) * 2)
    assert "Warning" not in run("retry", DEAD[:3]).output
    os.utime(tmp_path / "settings.toml", (time.time() + 3600,) * 2)
    said = run("retry", DEAD[:3])
    assert said.output == (
        "Warning: 1 of them was accepted before the settings last changed, and goes with the clearance and address of "
        "then.\n1 will be tried again now.\n"
    )


def test_retry_makes_the_dead_live_and_the_waiting_hurry(filled: Receiver) -> None:
    assert "1 will be tried again now." in run("retry", DEAD[:3]).output
    assert listed()[DEAD]["state"] == "waiting"
    assert json.loads(run("retry", "--destination", filled.url, "--json").stdout) == {"requeued": 2}
    assert all(entry["due"] <= time.time() for entry in listed().values())
    assert json.loads(run("retry", "--all", "--json").stdout) == {"requeued": 2}


def test_drop_asks_and_is_logged(filled: Receiver, state: Path) -> None:
    run("drop", "--all", code=1, input="n\n")
    run("drop", WAITS, code=1, input="n\n")
    assert set(listed()) == {WAITS, DEAD}
    assert json.loads(run("drop", WAITS, "--json").stdout) == {"dropped": 1}
    assert set(listed()) == {DEAD}
    assert "1 removed." in run("drop", "--all", "--yes").output
    assert listed() == {}
    statuses = [json.loads(line)["status"] for line in (state / "delivery.log").read_text().splitlines()]
    assert statuses == ["dead", "dropped", "dropped"]


@pytest.mark.parametrize("name", [["metrics"], ["outbox", "metrics"]])
def test_metrics_are_prometheus_text(filled: Receiver, name: list[str]) -> None:
    told = CliRunner().invoke(main, name, catch_exceptions=False).output
    assert SECRET not in told
    lines = told.splitlines()
    assert f'misp_workflow_outbox_effects{{destination="{filled.url}",state="waiting"}} 1' in lines
    assert f'misp_workflow_outbox_effects{{destination="{filled.url}",state="dead"}} 1' in lines
    assert f'misp_workflow_outbox_ended_total{{destination="{filled.url}",how="dead"}} 1' in lines
    assert "# TYPE misp_workflow_outbox_effects gauge" in lines
    assert any(line.startswith("misp_workflow_outbox_oldest_seconds ") for line in lines)
    assert any(line.startswith("misp_workflow_outbox_bytes ") for line in lines)


def test_work_is_a_process_of_its_own(filled: Receiver) -> None:
    run("retry", "--all")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from misp_workflow.cli import main; main()",
            "outbox",
            "work",
            "--until-empty",
            "--json",
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    told = {json.loads(line)["key"]: json.loads(line)["status"] for line in done.stdout.splitlines()}
    assert told == {WAITS: "delivered", DEAD: "delivered"}
    assert listed() == {}
    assert len(filled.requests) == 2


def test_work_ends_when_it_is_told_to(filled: Receiver) -> None:
    command = [sys.executable, "-c", "from misp_workflow.cli import main; main()", "outbox", "work"]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run("retry", DEAD)
    filled.wait_for(1, timeout=300)
    worker.send_signal(signal.SIGTERM)
    out, _ = worker.communicate(timeout=600)
    assert worker.returncode == 0
    assert "Worked off: 1 delivered." in out


def test_a_corrupt_file_is_told_of(filled: Receiver, state: Path) -> None:
    (state / "outbox.sqlite3").write_bytes(b"garbage" * 1000)
    for leftover in ("outbox.sqlite3-wal", "outbox.sqlite3-shm"):
        (state / leftover).unlink(missing_ok=True)
    deliver([parcel(filled, "new")])
    assert "put aside as" in run().output
    assert len([path for path in state.glob("*corrupt*") if not path.name.endswith(("-wal", "-shm"))]) == 1
