"""What people get wrong when they see the commands for the first time, and what they are told to do then."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from misp_workflow.cli import main

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = str(ROOT / "examples/workflows/hold-red-with-mail.json")
EVENT = str(ROOT / "examples/events/shareable.json")


def call(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, words, env=environment, catch_exceptions=False)


@pytest.fixture
def other_server() -> Iterator[str]:
    """A web server that is no misp-modules."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_template_typed_where_its_file_belongs_is_told_the_option():
    done = call("template", "{{ event.info }}", "--event", EVENT)
    assert done.exit_code == 2 and "itself is given with --text: --text '{{ event.info }}'" in done.output
    assert call("template", "--event", EVENT).exit_code == 2
    assert call("template", __file__, "--text", "x", "--event", EVENT).exit_code == 2


def test_a_template_can_be_typed():
    assert call("template", "--text", "{{ event.info }}", "--event", EVENT).output == "Phishing against example banks\n"
    assert call("template", "--text", "event.info|length > 200", "--condition", "--event", EVENT).exit_code == 1


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "it is empty"), (b" \n", "it is empty"), (b"\xff\xfe\0", "it is no text in UTF-8")]
)
def test_what_is_no_json_is_told_in_plain_words(content: bytes, why: str, tmp_path: Path):
    file = tmp_path / "x.json"
    file.write_bytes(content)
    for words in (["check", str(file)], ["run", WORKFLOW, "--event", str(file)]):
        done = call(*words)
        assert done.exit_code == 2 and f"x.json is not JSON: {why}." in done.output


def test_the_mark_that_editors_leave_before_a_text_is_passed_over(tmp_path: Path):
    event, workflow = tmp_path / "event.json", tmp_path / "workflow.json"
    event.write_bytes(b"\xef\xbb\xbf" + Path(EVENT).read_bytes())
    workflow.write_bytes(b"\xef\xbb\xbf" + Path(WORKFLOW).read_bytes())
    assert call("run", str(workflow), "--event", str(event)).output == call("run", WORKFLOW, "--event", EVENT).output


def test_workflow_and_event_that_changed_places_are_named():
    assert "holds an event, not a workflow" in call("run", EVENT, "--event", WORKFLOW).output
    assert "holds a workflow; event-publish hands over an event" in call("run", WORKFLOW, "--event", WORKFLOW).output


def test_an_option_that_is_missing_says_what_it_is_for():
    assert "Missing option '--event'. The event, in any shape" in call("run", WORKFLOW).output


def test_a_server_that_is_not_there_is_told_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = call("run", WORKFLOW, "--event", EVENT, "--server", url)
    assert done.exit_code == 2 and "Start it, or leave --server out" in done.output


def test_a_server_that_is_no_misp_modules_says_nothing_of_what_is_served(other_server: str):
    done = call("modules", "slack", "--server", other_server)
    assert "it is no misp-modules server" in done.output and "served: no" not in done.output


@pytest.mark.parametrize("command", [["debug", WORKFLOW], ["list", "serve"]])
@pytest.mark.parametrize(("port", "said"), [("99999", "not in the range"), ("TAKEN", "Choose another one: --port")])
def test_a_port_that_cannot_be_is_one_sentence(command: list[str], port: str, said: str, tmp_path: Path):
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[lists]\nfolder = "{tmp_path}"\n[destinations.x.list]\nformat = "rpz"\n')
    settings.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = port.replace("TAKEN", str(taken.getsockname()[1]))
        done = call(*command, "--port", number, MISP_WORKFLOW_CONFIG=str(settings))
    assert done.exit_code == 2 and said in done.output


@pytest.mark.parametrize("words", [["actions", "gate"], ["install"], ["modules", "slack"]])
def test_what_does_not_fit_on_a_line_goes_on_indented(words: list[str]):
    lines = call("--quiet", *words, COLUMNS="60").output.splitlines()
    assert all(len(line) <= 60 for line in lines)
    begun = {line.split(" ")[0] for line in lines if not line.startswith(" ")}
    assert all(name.rstrip(":").replace("-", "_").isidentifier() for name in begun), begun


def test_a_list_is_filled_by_one_command(tmp_path: Path):
    pytest.importorskip("pymispwarninglists")
    settings = tmp_path / "settings.toml"
    table = '[destinations.x]\ntlp = "green"\n[destinations.x.list]\nformat = "plain"\nwarninglists = ["List of known google domains"]\n'
    settings.write_text(f'[lists]\nfolder = "{tmp_path}"\n{table}')
    settings.chmod(0o600)
    words = ["--param", "destination=x", "--param", "selected_or_all=all", "--event", EVENT, "--send", "--json"]
    environment = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(tmp_path / "state")}
    done = call("module", "blocklist_file", *words, **environment)
    answer = json.loads(done.stdout)["exchanges"][0]["answer"]
    assert answer["data"]["status"] == "delivered", answer


def test_an_error_is_told_once_and_the_end_names_who_failed_in_a_job_too(tmp_path: Path):
    page = tmp_path / "run.html"
    done = call("run", WORKFLOW, "--event", EVENT, "--html", str(page), "--answer", "mattermost_message=error:no room")
    assert done.exit_code == 0 and done.output.count("no room") == 1
    assert done.output.endswith("success: the event is published, though mattermost_message (13) failed\n")
    assert 'the event is published, though <a href="#box-13">mattermost_message (13)</a> failed' in page.read_text()


def test_a_test_message_that_waits_says_so_once(tmp_path: Path):
    settings = tmp_path / "settings.toml"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    settings.write_text(
        f'[destinations.x]\nactions = ["slack_message"]\nparameters = {{ webhook_url = "{address}" }}\n'
    )
    settings.chmod(0o600)
    environment = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(tmp_path / "state")}
    said = " ".join(call("doctor", "--send", "x", **environment).output.split())
    assert "the test message is queued, because nothing listens" in said


def test_what_a_check_passes_over_is_one_line_and_no_path_is_broken(tmp_path: Path):
    folder = tmp_path / ("a-long-name-" * 8)
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.json").write_text("{}")
    (folder / "w.json").write_text(Path(WORKFLOW).read_text())
    said = call("check", str(folder), COLUMNS="60").output.splitlines()
    assert len([line for line in said if line.startswith("Note: ")]) == 1
    assert any(line.startswith(f"{folder}/w.json: ") for line in said)


def test_a_blueprint_runs_behind_the_trigger_that_it_names():
    blueprint, user = (
        str(ROOT / "examples" / name) for name in ("blueprints/gate-users.json", "events/user-of-another-domain.json")
    )
    for words in ([blueprint], ["--blueprint", blueprint]):
        done = call("run", *words, "--event", user)
        assert done.exit_code == 1 and "trigger user-before-save (blocking)" in done.output
    assert call("faults", str(ROOT / "examples/blueprints/publish-gate.json"), "--event", EVENT).exit_code == 1
    wrong = call("run", "--blueprint", blueprint, "--trigger", "user-befor-save", "--event", user)
    assert wrong.exit_code == 2 and "the nearest name is “user-before-save”" in wrong.output
    assert "Give a file with a workflow, or with a blueprint." in call("run", "--event", EVENT).output
