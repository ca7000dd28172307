"""The contract finds each breach that it is there for: a good plain action file, and one broken copy per rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from misp_workflow.testing.contract import ActionFile, check_params, findings, trouble_with
from misp_workflow.testing.importing import import_report
from misp_workflow.testing.reserved import reserved_names

GOOD = """
import json

moduleinfo = {
    "version": "1.0", "author": "a", "description": "d", "module-type": ["action"], "name": "Good", "logo": "",
    "requirements": [], "features": "", "references": [], "input": "", "output": "",
}
moduleconfig = {
    "params": {"message": {"type": "string", "description": "Text", "value": "", "default": ""}},
    "blocking": False, "support_filters": True, "expect_misp_core_format": False,
}


def handler(q=False):
    try:
        request = json.loads(q)
    except (ValueError, TypeError, RecursionError):
        return {"error": "The request is not JSON."}
    return {"data": True}


def introspection():
    return {"config": moduleconfig}


def version():
    return {**moduleinfo, "config": moduleconfig}
"""


def load(folder: Path, source: str, name: str = "good_action") -> ActionFile:
    path = folder / f"{name}.py"
    path.write_text(source)
    return ActionFile.load(path)


def test_the_good_one_is_good(tmp_path: Path):
    assert findings(load(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    "name", ["webhook", "send_mail", "slack", "json", "requests", "testaction", "circl_passivedns", "CamelCase"]
)
def test_names(name: str, tmp_path: Path):
    assert any(f"'{name}'" in finding for finding in findings(load(tmp_path, GOOD, name)))


def test_reserved_names_say_who_has_them():
    taken = reserved_names()
    assert taken["stop-execution"] == taken["stop_execution"] == "a node of MISP itself"
    assert taken["syslog"] == "a module of the standard library"
    assert taken["tornado"] == "a top-level package of tornado"
    assert taken["whois"] == "a module of misp-modules"
    assert "slack_message" not in taken


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"logo": "",', "", "moduleinfo['logo']"),
        ('"references": []', '"references": ""', "moduleinfo['references']"),
        ('["action"]', '["expansion"]', "workflow editor"),
        ('"description": "d"', '"description": ""', "moduleinfo['description'] is empty"),
        ('"blocking": False', '"blocking": "false"', "moduleconfig['blocking']"),
        ('"support_filters": True, ', "", "moduleconfig['support_filters']"),
        ('{"message": {', '{"Message Text": {', "not snake_case"),
        ('{"message": {', '{"1": {', "not snake_case"),
        ('"type": "string"', '"type": "select"', "does not draw"),
        ('"description": "Text"', '"description": " "', "has no description"),
        ('"value": ""', '"value": "https://example.org"', "in grey"),
        ('"default": ""', '"default": True', "in grey"),
        ('"default": ""', '"default": "", "jinja_supported": True', "rendered by MISP"),
        ('return {"data": True}', 'return {"data": request["params"]["message"]}', "escapes"),
        ('return {"data": True}', "return True", "neither data nor an error"),
        ('return {"data": True}', 'return {"data": object()}', "cannot be written as JSON"),
        ('return {"data": True}', 'return {"error": ["a", "b"]}', "is no text"),
        ('return {"data": True}', 'return {"error": "Traceback (most recent call last)"}', "not a sentence"),
        ("(ValueError, TypeError, RecursionError)", "KeyError", "escapes"),
        ("(ValueError, TypeError, RecursionError)", "(ValueError, TypeError)", "levels deep: RecursionError escapes"),
        ('return {"data": True}', "raise SystemExit", "SystemExit escapes"),
        ("return {**moduleinfo,", 'return {"at": __import__("time").time_ns(), **moduleinfo,', "differently each time"),
        ("return {**moduleinfo,", 'return {"all": {1, 2}, **moduleinfo,', "cannot be written as JSON"),
    ],
)
def test_each_breach_is_found(old: str, new: str, says: str, tmp_path: Path):
    assert old in GOOD
    assert any(says in finding for finding in findings(load(tmp_path, GOOD.replace(old, new))))


@pytest.mark.parametrize("params", ["[]", '{"message": "text"}'])
def test_params_that_would_stop_every_workflow(params: str, tmp_path: Path):
    action = load(tmp_path, f"{GOOD}\nmoduleconfig['params'] = {params}\n")
    assert list(check_params(action))


def test_a_dict_handler_that_lets_something_escape(tmp_path: Path):
    source = f"{GOOD}\ndef dict_handler(request):\n    return {{'data': request.get('data', True) is not None}}\n"
    found = findings(load(tmp_path, source))
    assert any("an object that raises: AttributeError escapes" in finding for finding in found)


@pytest.mark.parametrize("answer", [None, True, "x", [], {}, {"errors": "a b"}, {"error": ""}, {"error": None}])
def test_answers_that_misp_takes_for_a_success(answer):
    assert trouble_with(answer)


def test_importing_tells_what_a_file_did(tmp_path: Path):
    did = {
        "writes": f"open({str(tmp_path / 'made')!r}, 'w').close()",
        "connects": "import socket; socket.socket().close()",
        "runs": "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])",
        "threads": "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "computes": "sum(range(3_000_000))",
        "plain": "",
    }
    for name, line in did.items():
        (tmp_path / f"{name}.py").write_text(GOOD + line)
    report = import_report(tmp_path / "plain.py", [tmp_path / f"{name}.py" for name in did])
    assert report["plain"]["did"] == report["computes"]["did"] == []
    assert any("for writing" in act for act in report["writes"]["did"])
    assert any(act.startswith("socket.") for act in report["connects"]["did"])
    assert "subprocess.Popen" in report["runs"]["did"]
    assert "started a thread" in report["threads"]["did"]
    assert report["computes"]["times_plain"] > 25


def test_importing_tells_when_a_file_would_stop_the_server(tmp_path: Path):
    (tmp_path / "plain.py").write_text(GOOD)
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        import_report(tmp_path / "plain.py", [tmp_path / "broken.py"])
