"""The three kinds of module server: a real HTTP one, actions in this process, and scripts."""

from __future__ import annotations

import http.server
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from misp_workflow.errors import InputError
from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import (
    ANSWERS,
    SERVER_ERROR,
    Answer,
    HttpServer,
    LocalServer,
    NoAnswerError,
    Scripted,
    parse_answer,
    read_answer,
)
from misp_workflow.runner.walk.walk import run

ACTIONS = Path(__file__).resolve().parents[3] / "misp_modules" / "modules" / "action_mod"


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(200, b'{"error": "x"}'), {"error": "x"}),
        (Answer(201, b"true"), True),
        (Answer(206, b"null"), None),
        (Answer(204, b""), False),
        (Answer(302, b"{}"), False),
        (Answer(404, b'{"error": "x"}'), False),
        (Answer(500, b"{}"), False),
        (Answer(200, b"<html>"), False),
        (Answer(200, b"[" * 513 + b"]" * 513), False),
    ],
)
def test_what_misp_reads(answer: Answer, result: Any) -> None:
    assert read_answer(answer) == result


# --- HTTP ------------------------------------------------------------------------------------------------------------


class Peer(http.server.BaseHTTPRequestHandler):
    """A misp-modules of its own: answers as its class attributes say, and remembers what it was asked."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    answer: tuple[int, bytes] = (200, b"[]")
    drip = 0.0

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        Peer.asked.append((self.command, self.path, dict(self.headers), body))
        status, text = Peer.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        for byte in text if Peer.drip else [0]:
            try:
                self.wfile.write(bytes([byte]) if Peer.drip else text)
            except OSError:
                return
            time.sleep(Peer.drip)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[str]:
    Peer.asked, Peer.answer, Peer.drip = [], (200, b"[]"), 0.0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_list_and_query(peer: str) -> None:
    server = HttpServer(peer)
    Peer.answer = (200, b'[{"name": "a"}, 5]')
    assert server.modules() == [{"name": "a"}]
    Peer.answer = (200, b'{"data": true}')
    assert server.query("a", b'{"module":"a"}', 5) == Answer(200, b'{"data": true}')
    (_, listing, _, _), (method, path, headers, body) = Peer.asked
    assert (listing, method, path, body) == ("/modules", "POST", "/query", b'{"module":"a"}')
    assert headers["Content-Type"] == "application/json"


def test_a_list_that_is_none_is_empty(peer: str) -> None:
    Peer.answer = (200, b'{"error": "x"}')
    assert HttpServer(peer).modules() == []


def test_redirects_are_not_followed(peer: str) -> None:
    Peer.answer = (302, b"")
    assert HttpServer(peer).query("a", b"{}", 5).status == 302
    assert [path for _, path, _, _ in Peer.asked] == ["/query"]


def test_a_server_that_drips_is_too_late(peer: str) -> None:
    Peer.answer, Peer.drip = (200, b'{"data": true}' * 1000), 0.05
    with pytest.raises(NoAnswerError, match=r"within 0\.3 s") as caught:
        HttpServer(peer).query("a", b"{}", 0.3)
    assert caught.value.kind == "timeout"


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(NoAnswerError, match="No misp-modules server") as caught:
            HttpServer(url).modules()
    assert caught.value.kind == "down"


def test_templates_go_to_a_real_server(peer: str) -> None:
    Peer.answer = (200, b'{"results": [{"values": ["rendered there"]}]}')
    document = load(workflow("W", "log-after-save", {2: ("stop-execution", {"message": "{{ Log.id }}"})}, [(1, 2)]))
    done = run(document, {"Log": {"id": 3}}, HttpServer(peer))
    assert done.steps[0].errors == ["rendered there"]
    body = json.loads(Peer.asked[-1][3])
    assert body["module"] == "jinja_template_rendering"
    data = {"Log": {"id": 3}, "_env": {"baseurl": "https://misp.example"}}
    assert json.loads(body["text"]) == {"template": "{{ Log.id }}", "data": data}


# --- in this process -------------------------------------------------------------------------------------------------

GOOD = """
import json, time
moduleinfo = {"version": "1", "module-type": ["action"]}
moduleconfig = {"params": {"x": {"type": "string"}}, "blocking": True}
def handler(q=False):
    params = json.loads(q)["params"]
    if params["x"] == "raise":
        raise RuntimeError("secret")
    if params["x"] == "sleep":
        time.sleep(2)
    return {"data": params["x"]}
def introspection():
    return {"config": moduleconfig}
def version():
    return moduleinfo
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    (tmp_path / "by_dict.py").write_text(
        GOOD + "\ndef dict_handler(request):\n    return {'error': request['module']}\n"
    )
    (tmp_path / "_private.py").write_text("raise SystemError")
    (tmp_path / "notes.txt").write_text("no action")
    return tmp_path


def _ask(server: LocalServer, module: str, x: str = "1", timeout: float = 5) -> Any:
    body = json.dumps({"module": module, "data": {}, "params": {"x": x}}).encode()
    return json.loads(server.query(module, body, timeout).body)


def test_files_are_loaded_by_path(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        server = LocalServer([folder])
    assert [described["name"] for described in server.modules()] == ["by_dict", "good"]
    assert server.modules()[1]["mispattributes"]["config"]["blocking"] is True
    assert list(server.failed) == ["broken.py"] and "nothing_of_that_name" in server.failed["broken.py"]


def test_handlers_are_asked_through_json(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        server = LocalServer([folder])
        assert _ask(server, "good", "é") == {"data": "é"}
        assert _ask(server, "by_dict") == {"error": "by_dict"}
        assert _ask(server, "good", "raise") == SERVER_ERROR
    with pytest.raises(NoAnswerError, match="did not answer within"):
        _ask(server, "good", "sleep", timeout=0.05)
    assert json.loads(server.query("nobody", b"{}", 1).body) == SERVER_ERROR


ODD = (
    GOOD
    + """
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from pymisp import MISPTag

@dataclass
class Shape:
    "Needs its module to be known under its name."
    width: "int"

def dict_handler(request):
    want = request["params"]["x"]
    if want == "exit":
        raise SystemExit(3)
    if want == "inside":
        return None.nothing
    if want == "tag":
        tag = MISPTag()
        tag.from_dict(name="tlp:red")
        return {"data": tag}
    return {"shape": Shape(1), "day": date(2024, 1, 2), "id": UUID(int=0), "set": {1}, "number": float("nan")}
"""
)


def test_answers_are_written_as_the_server_writes_them(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("from __future__ import annotations\n" + ODD)
    server = LocalServer([tmp_path])
    assert server.failed == {}
    zero = "00000000-0000-0000-0000-000000000000"
    assert _ask(server, "odd") == {"shape": {"width": 1}, "day": "2024-01-02", "id": zero, "set": None, "number": None}
    assert _ask(server, "odd", "tag")["data"]["name"] == "tlp:red"
    assert _ask(server, "odd", "inside") == {"data": "inside"}  # handler() has the second word
    with pytest.raises(NoAnswerError, match="ends the process"):
        _ask(server, "odd", "exit")


def test_a_file_that_ends_the_process_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "ends.py").write_text("raise SystemExit(1)")
    with caplog.at_level(logging.CRITICAL):
        assert LocalServer([tmp_path]).failed == {"ends.py": "SystemExit: 1"}


def test_a_folder_that_is_none() -> None:
    with pytest.raises(InputError, match="no folder"):
        LocalServer(["/nowhere/at/all"])


def test_the_pack_s_own_actions_load_and_run(captures: dict[str, Any]) -> None:
    server = LocalServer([ACTIONS])
    assert server.failed == {}
    document = load(workflow("W", "event-publish", {2: ("publish_gate", {"forbidden_tags": "tlp:amber"})}, [(1, 2)]))
    done = run(document, captures["event-publish"]["data"], server)
    assert done.end == "failure" and "tlp:amber" in done.errors[0]


# --- scripts ---------------------------------------------------------------------------------------------------------


def test_a_script_goes_on_and_its_last_line_stays() -> None:
    server = Scripted([], {"a": [{"type": "ok", "body": 1}, {"type": "raw", "body": "x", "code": 503}]})
    assert [server.query("a", b"", 1).status for _ in range(3)] == [200, 503, 503]
    assert server.query("b", b"", 1).body == b'{"data": true}'


def test_what_has_no_script_is_asked_of_the_server_behind(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        behind = LocalServer([folder])
    server = Scripted(behind.modules(), {"by_dict": [{"type": "refused"}]}, behind)
    assert json.loads(server.query("good", b'{"params": {"x": "2"}}', 5).body) == {"data": "2"}
    with pytest.raises(NoAnswerError):
        server.query("by_dict", b"{}", 5)


@pytest.mark.parametrize("answer", list(ANSWERS))
def test_answers_of_the_command_line(answer: str) -> None:
    assert parse_answer(f"mod={answer}") == ("mod", ANSWERS[answer])


def test_answers_with_a_text() -> None:
    assert parse_answer("m=error:a=b: c") == ("m", {"type": "ok", "body": {"error": "a=b: c"}})
    assert parse_answer('m=json:{"data": 1}') == ("m", {"type": "raw", "body": '{"data": 1}'})


@pytest.mark.parametrize("text", ["", "m", "=ok", "m=", "m=fine", "m=error", "ok"])
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(InputError):
        parse_answer(text)
