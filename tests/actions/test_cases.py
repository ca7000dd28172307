"""The JSON cases of every action: what MISP sends, what the other side answers, what must come of it.

A case is one file `tests/actions/<action>/<case>.json`:

    params      the node's parameters; "{receiver}" stands for the local receiver's address
    data        the request's data: an object, or the name of a captured body ("event-publish")
    selected    optional: filteredItems as MISP would send them; "data" for the whole data
    settings    optional: text of the operator's settings file
    answers     optional: what the receiver answers, in order: {"status", "json" | "body", "headers"}, "close", "hang"
    sends       the requests that must arrive, in order: {"method", "path", "query", "headers", "json", "has", "lacks"};
                "json" is held exactly, "has" and "lacks" are texts looked for in the body
    answer      optional: the status in MISP's answer ("delivered", "skipped", …)
    blocks      the sentence of a gate's no, or a part of it; "error" the same for a failure; "passes" true for a yes
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from misp_workflow.testing import CLOSE, HANG, Receiver, answer
from misp_workflow.testing.contract import ActionFile

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "captures"
ACTIONS = sorted((HERE.parents[1] / "misp_modules/modules/action_mod").glob("*.py"))
CASES = sorted(HERE.glob("*/*.json"))


@cache
def _module(action: str) -> ModuleType:
    return ActionFile.load(HERE.parents[1] / f"misp_modules/modules/action_mod/{action}.py").module


def _receiver_answer(spec: Any) -> Any:
    if spec == "close":
        return CLOSE
    if spec == "hang":
        return HANG
    return answer(spec.get("json", spec.get("body", b"")), spec.get("status", 200), spec.get("headers"))


def request_of(case: dict[str, Any], action: str, receiver: Receiver) -> dict[str, Any]:
    """Return the request body that MISP would send for the case."""
    text = json.dumps(case.get("params", {})).replace("{receiver}", receiver.url)
    data = case["data"]
    if isinstance(data, str):
        data = json.loads((CAPTURES / f"{data}.json").read_text())["data"]
    request = {"module": action, "data": data, "params": json.loads(text)}
    if "selected" in case:
        request["filteredItems"] = data if case["selected"] == "data" else case["selected"]
    return request


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file: Path, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, action = json.loads(file.read_text()), file.parent.name
    if "settings" in case:
        settings = tmp_path / "settings.toml"
        settings.write_text(case["settings"].replace("{receiver}", receiver.url))
        settings.chmod(0o600)
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(settings))
    receiver.answers(*map(_receiver_answer, case.get("answers", [])))
    said = _module(action).handler(q=json.dumps(request_of(case, action, receiver)))

    wrong = case.get("error") or case.get("blocks")
    if wrong:
        assert "error" in said and wrong in said["error"], said
    else:
        assert "data" in said, said
        assert said["data"]["status"] == case.get("answer", said["data"]["status"]), said
    assert {"sends", "blocks", "error", "passes"} & case.keys(), "the case expects nothing"
    received = receiver.requests
    assert len(received) == len(case.get("sends", [])), [one.body for one in received]
    for one, wanted in zip(received, case.get("sends", []), strict=True):
        assert one.method == wanted.get("method", one.method)
        assert one.path == wanted.get("path", one.path)
        assert dict(one.query) == wanted.get("query", dict(one.query))
        for name, value in wanted.get("headers", {}).items():
            assert one.header(name) == value
        if "json" in wanted:
            assert one.json() == wanted["json"]
        body = one.body.decode()
        for part in wanted.get("has", []):
            assert part in body, body
        for part in wanted.get("lacks", []):
            assert part not in body, body


def test_every_action_has_cases_that_send_or_block_and_that_fail() -> None:
    for file in ACTIONS:
        kinds = {key for case in HERE.glob(f"{file.stem}/*.json") for key in json.loads(case.read_text())}
        assert kinds & {"sends", "passes"} and kinds & {"error", "blocks"}, f"{file.stem} lacks cases"
