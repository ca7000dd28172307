"""A backtest finds what was planted, sends and writes nothing, stays small, and goes on after a kill."""

from __future__ import annotations

import gc
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted import event, write

from misp_workflow.cli import main
from misp_workflow.installed import own_actions
from misp_workflow.remote import client
from misp_workflow.runner.graph.build import workflow
from misp_workflow.testing import Answer, Received, answer
from misp_workflow.testing.misp import MispStandIn
from misp_workflow.trial.backtest import Task, backtest, lines_of
from misp_workflow.trial.events import Folder
from misp_workflow.trial.journal import Journal
from misp_workflow.trial.summary import Summary, summarize

ROOT = Path(__file__).resolve().parents[2]
IF_RED = {"scope": "event", "condition": "in_or", "tags": ["tlp:red"]}
EXAMPLES = ROOT / "examples" / "workflows"


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver) -> Path:
    """Settings whose destination is a receiver that must hear nothing; returns the folder of all that is written."""
    home = tmp_path / "home"
    home.mkdir()
    settings = home / "settings.toml"
    settings.write_text(
        f'[misp]\nurl = "{receiver.url}"\nkey = "{"k" * 40}"\n[destinations.soc-chat]\ntlp = "red"\n'
        f'[destinations.soc-chat.parameters]\nwebhook_url = "{receiver.url}/hook"\n'
    )
    settings.chmod(0o600)
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(home / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    yield home
    assert receiver.requests == [], "nobody may hear of a backtest"
    assert not (home / "state").exists()
    assert not [path for path in (home / "cache").rglob("*") if path.is_file()]


def run(*arguments: object):
    """Backtest in this process, unless told otherwise: beside threads of a test others are begun anew, which takes time."""
    jobs = [] if "--jobs" in arguments else ["--jobs", "1"]
    return CliRunner().invoke(main, ["backtest", *map(str, arguments), *jobs], catch_exceptions=False)


def told(*arguments: object) -> dict:
    said = run(*arguments, "--json")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def test_what_whoever_calls_has_frozen_stays_frozen(quiet, tmp_path) -> None:
    """It is left out of every search for garbage: a server's modules, or here all the other tests."""
    mine: list[object] = []
    gc.freeze()
    write(tmp_path / "events", 1, 10)
    assert told(EXAMPLES / "publish-gate.json", tmp_path / "events")["events"] == 1
    assert not any(one is mine for one in gc.get_objects()), "what is frozen is not among those"


def test_planted_reasons_are_all_found(quiet, tmp_path) -> None:
    planted = write(tmp_path / "events", 1000, 10)
    found = told(EXAMPLES / "publish-gate.json", tmp_path / "events", "--html", tmp_path / "page.html", "--jobs", 2)
    assert (found["events"], found["runs"]) == (1000, 1000)
    assert found["ends"] == {"blocked": sum(planted.values()), "success": 1000 - sum(planted.values())}
    reasons = {name: group["runs"] for name, group in found["reasons"].items()}
    assert reasons == {
        "the tag 'tlp:red' is forbidden [publish_gate (2)]": planted["red"],
        "no tag matches 'tlp:*' [publish_gate (2)]": planted["unmarked"],
        "it has 0 attributes, and at least 1 are required [publish_gate (2)]": planted["empty"],
    }
    assert found["tags"]["tlp:red"] == {"runs": planted["red"], "stopped": planted["red"], "example": "3 Event 3"}
    assert sum(group["stopped"] for group in found["organisations"].values()) == sum(planted.values())
    page = (tmp_path / "page.html").read_text()
    assert "the tag &#39;tlp:red&#39; is forbidden" in page
    assert "<script" not in page


def test_messages_and_changes_are_told_and_nobody_hears(quiet, tmp_path) -> None:
    write(tmp_path / "events", 30, 3)
    found = told(EXAMPLES / "notify-on-tlp.json", tmp_path / "events")
    (name, group), = found["messages"].items()  # fmt: skip
    assert (name, group["runs"]) == ("slack_message to soc-chat", 25)  # three are red, two unmarked
    assert "Event 1" in found["texts"][name]
    held = told(EXAMPLES / "hold-below-community.json", tmp_path / "events")
    assert held["ends"] == {"success": 30}, "the approval that the gate would leave is found by the graph"
    assert any("publish_gate: tag of the event: add misp-workflow:approved" in name for name in held["changes"])


def test_the_most_surprising_comes_first(quiet, tmp_path) -> None:
    folder = tmp_path / "events"
    write(folder, 60, 2)
    odd = event(999, 0, ("tlp:green", "type:OSINT"), info="The odd one", published=True)
    (folder / "odd.json").write_text(json.dumps(odd))
    found = told(EXAMPLES / "publish-gate.json", folder)
    first = found["surprises"][0]
    assert first["info"] == "The odd one"
    assert "it is published today, and would have been stopped" in first["surprising"]
    text = run(EXAMPLES / "publish-gate.json", folder).output
    assert text.index("The odd one") < text.index("Why it was stopped")


def test_one_run_for_each_attribute(quiet, tmp_path) -> None:
    workflow = json.loads((EXAMPLES / "publish-gate.json").read_text())
    for node in workflow["Workflow"]["data"].values():
        if node["data"]["module_type"] == "trigger":
            node["data"]["id"] = node["name"] = node["data"]["name"] = "attribute-after-save"
    workflow["Workflow"]["trigger_id"] = "attribute-after-save"
    (tmp_path / "w.json").write_text(json.dumps(workflow))
    write(tmp_path / "events", 4, 5)
    found = told(tmp_path / "w.json", tmp_path / "events")
    assert (found["events"], found["runs"]) == (4, 20)
    assert "taken as just added" in found["note"]


def test_a_workflow_that_does_nothing_says_so(quiet, tmp_path) -> None:
    write(tmp_path / "events", 3, 1)
    shutil.copy(ROOT / "examples" / "events" / "question-to-one-module.json", tmp_path / "events")
    idle = workflow("Looks and does nothing", "event-publish", {2: ("tag-if", IF_RED)}, [(1, 2)])
    (tmp_path / "idle.json").write_text(json.dumps(idle))
    said = run(tmp_path / "idle.json", tmp_path / "events", "--html", tmp_path / "page.html")
    sentence = "For none of these events would it send, change, ask or stop anything."
    assert sentence in said.output and sentence in (tmp_path / "page.html").read_text()
    assert "question-to-one-module.json holds no event" in said.output, "that names no event of MISP"
    assert all(line.strip() != "• event" for line in said.output.splitlines())
    assert sentence not in run(EXAMPLES / "publish-gate.json", tmp_path / "events").output


def test_files_that_hold_no_event_are_told(quiet, tmp_path) -> None:
    write(tmp_path / "events", 3, 1)
    (tmp_path / "events" / "no.json").write_text('{"foo": 1}')
    (tmp_path / "events" / "broken.json").write_text("{no")
    (tmp_path / "events" / "many.json").write_text(json.dumps({"response": [event(n, 1, ()) for n in (70, 71)]}))
    said = run(EXAMPLES / "publish-gate.json", tmp_path / "events", "--json")
    found = json.loads(said.stdout)
    assert said.exit_code == 1
    assert found["events"] == 5
    assert [problem.rpartition("/")[2].partition(" ")[0] for problem in found["problems"]] == ["broken.json", "no.json"]
    assert run(EXAMPLES / "gate-users.json", tmp_path / "events").exit_code == 2


def test_it_takes_the_events_of_misp(tmp_path, monkeypatch, rules) -> None:
    with MispStandIn() as misp:
        rules(f'[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n')
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        for number in range(12):
            tags = [{"name": "tlp:red"}] if number % 4 == 0 else [{"name": "tlp:green"}]
            misp.add_event({"info": f"e{number}", "Tag": tags, "Attribute": [{"type": "domain", "value": "a.example"}]})
        found = told(EXAMPLES / "publish-gate.json", "--last", "30d")
        assert found["ends"] == {"blocked": 3, "success": 9}
        assert {call.split()[0] for call in misp.calls() if "restSearch" not in call} == {"GET"}
        assert run(EXAMPLES / "publish-gate.json", "--last", "soon").exit_code == 2
        assert run(EXAMPLES / "publish-gate.json").exit_code == 2


def test_a_misp_that_lists_new_events_for_ever_is_not_asked_for_ever(tmp_path, monkeypatch, rules) -> None:
    monkeypatch.setattr(client, "MOST_EVENTS", 20)
    with MispStandIn() as misp:
        rules(f'[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n')
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        numbers = itertools.count()

        def endless(request: Received) -> Answer:
            if request.path != "/events/restSearch":
                return misp._respond(request)
            return answer([{"Event": {"uuid": f"{next(numbers):032x}", "timestamp": "1"}} for _ in range(5)])

        misp.always(endless)
        said = run(EXAMPLES / "publish-gate.json", "--last", "30d")
        asked = [call for call in misp.calls() if "restSearch" in call]
    assert said.exit_code == 2 and "MISP lists more than 20 events within 30d: ask for a shorter time." in said.output
    assert len(asked) == 5


# --- killed, and gone on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_and_resumed_it_ends_with_the_same_table(quiet, tmp_path, jobs: int) -> None:
    write(tmp_path / "events", 300, 40)
    arguments = [str(EXAMPLES / "publish-gate.json"), str(tmp_path / "events")]
    whole = told(*arguments)
    journal = tmp_path / "journal"
    code = "import sys; from misp_workflow.cli import main; main(['backtest', *sys.argv[1:]])"
    command = [sys.executable, "-c", code, *arguments, "--journal", str(journal), "--jobs", str(jobs)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    while not (journal.exists() and journal.stat().st_size > 5_000):
        assert process.poll() is None, "it was done before it could be killed"
        time.sleep(0.005)
    others = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert len(others) == (jobs if jobs > 1 else 0)
    gone(others)
    with journal.open("ab") as file:
        file.write(b'{"key": "half a li')
    before = journal.read_bytes().count(b"\n")
    assert 0 < before < 300
    assert told(*arguments, "--journal", journal) == whole
    assert journal.read_bytes().count(b"\n") == 300, "nothing was judged twice"


def gone(processes: list[str]) -> None:
    """Wait until these are no more: the test's own time-out ends it otherwise."""
    for number in processes:
        status = Path(f"/proc/{number}/stat")
        while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)


def test_interrupted_it_says_how_to_go_on(quiet, tmp_path) -> None:
    write(tmp_path / "events", 300, 40)
    code = "import sys; from misp_workflow.cli import main; main(['backtest', *sys.argv[1:]])"
    journal = tmp_path / "journal"
    arguments = [str(EXAMPLES / "publish-gate.json"), str(tmp_path / "events"), "--journal", str(journal)]
    command = [sys.executable, "-c", code, *arguments]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # tests in the background ignore it, and pass that on
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    ) as process:
        while not (journal.exists() and journal.stat().st_size > 5_000):
            assert process.poll() is None, "it was done before it could be interrupted"
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.strip().endswith("the same command goes on from there.")
    assert "Traceback" not in errors


def test_what_was_changed_is_judged_anew(quiet, tmp_path) -> None:
    write(tmp_path / "events", 4, 1)
    arguments = (EXAMPLES / "publish-gate.json", tmp_path / "events", "--journal", tmp_path / "journal")
    assert told(*arguments)["ends"] == {"blocked": 2, "success": 2}
    time.sleep(0.01)
    (tmp_path / "events" / "00001.json").write_text(json.dumps(event(1, 1, ("tlp:red",))))
    assert told(*arguments)["ends"] == {"blocked": 3, "success": 1}


# --- cost -------------------------------------------------------------------------------------------------------------

MEASURE = """
import json, sys, time
from pathlib import Path
from misp_workflow.installed import own_actions
from misp_workflow.trial.backtest import Task, backtest, lines_of
from misp_workflow.trial.events import Folder
from misp_workflow.trial.journal import Journal
from misp_workflow.trial.summary import Summary, summarize

folder, workflow, kept = map(Path, sys.argv[1:])
source = Folder((folder,))
units = source.units()
with Journal(kept) as journal:
    began = time.process_time()
    backtest(Task(json.loads(workflow.read_bytes()), tuple(own_actions()), source), units, journal, 1, lambda done, of: None)
    summary = summarize(Summary("", "event-publish", ""), lambda: lines_of(units, journal))
    judged = time.process_time() - began
began = time.process_time()
for unit in units:
    json.loads(Path(unit.name).read_bytes())
loaded = time.process_time() - began
peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])  # ru_maxrss has the parent's, too
print(json.dumps({"judged": judged, "loaded": loaded, "peak": peak, "runs": summary.runs}))
"""


def measured(folder: Path, kept: Path) -> dict:
    workflow = str(EXAMPLES / "publish-gate.json")
    command = [sys.executable, "-c", MEASURE, str(folder), workflow, str(kept)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_memory_is_flat_and_time_bounded(quiet, tmp_path) -> None:
    write(tmp_path / "few", 100, 200)
    (tmp_path / "many").mkdir()
    for file in (tmp_path / "few").iterdir():
        for copy in range(10):
            (tmp_path / "many" / f"{copy}-{file.name}").hardlink_to(file)
    few, many = measured(tmp_path / "few", tmp_path / "a"), measured(tmp_path / "many", tmp_path / "b")
    assert (few["runs"], many["runs"]) == (100, 1000)
    assert many["peak"] < 1.2 * few["peak"]
    # Of one process; a machine with two cores needs half of it. Measured: 3.5.
    assert many["judged"] < 9 * many["loaded"]


def test_a_summary_does_not_grow_with_the_events(quiet, tmp_path) -> None:
    source = Folder((tmp_path / "events",))
    write(tmp_path / "events", 6, 1)
    units = source.units()
    with Journal(tmp_path / "j") as journal:
        task = Task(json.loads((EXAMPLES / "publish-gate.json").read_text()), tuple(own_actions()), source)
        backtest(task, units, journal, 1, lambda done, of: None)
        lines = list(lines_of(units, journal)) * 50
    summary = summarize(Summary("w", "event-publish", "s"), lambda: lines)
    assert summary.runs == 300
    assert len(json.dumps(summary.data())) < 6_000
