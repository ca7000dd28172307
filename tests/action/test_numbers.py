"""Numbers in parameters that no receiver and no store of ours takes: an error, and no bug."""

from __future__ import annotations

import json

import pytest

from misp_workflow.installed import FOLDER
from misp_workflow.testing.contract import ActionFile

HUGE = "9" * 21


def given() -> list[tuple[str, str]]:
    """Every parameter of every action that is a whole number."""
    files = [ActionFile.load(file) for file in sorted(FOLDER.glob("*.py"))]
    return [
        (file.name, name)
        for file in files
        for name, spec in file.params.items()
        if "integer" in (spec.get("format"), spec.get("each"))
    ]


def ask(action: str, **params: str) -> str:
    needed = {"url": "http://127.0.0.1:9/", "server_url": "http://127.0.0.1:9/", "project": "x", "api_key": "x" * 20}
    table = ActionFile.load(FOLDER / f"{action}.py").params
    known = {name: value for name, value in {**needed, "dry_run": "true", **params}.items() if name in table}
    data = {"Event": {"id": "1", "uuid": "e4046d41-4725-48fb-8959-e98208bd0577", "info": "x", "RelatedEvent": []}}
    return ActionFile.load(FOLDER / f"{action}.py").ask(
        json.dumps({"module": action, "data": data, "params": known}).encode()
    )["error"]


@pytest.mark.parametrize(("action", "name"), given())
def test_a_number_has_bounds(action: str, name: str) -> None:
    assert f"'{name}'" in ask(action, **{name: HUGE})


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("http_request", {"expect_status": HUGE}),
        ("http_request", {"expect_status": "200, ²"}),
        ("http_request", {"expect_status": "99"}),
        ("redmine_issue", {"custom_fields": f"{HUGE}: x"}),
        ("redmine_issue", {"custom_fields": "²: x"}),
        ("iris_alert", {"ioc_types": f"domain: {HUGE}"}),
        ("iris_alert", {"ioc_types": "domain: ²"}),
        ("iris_alert", {"ioc_types": "ip-*: 76"}),
    ],
)
def test_a_number_within_a_text_is_one(action: str, params: dict[str, str]) -> None:
    assert f"Parameter '{next(iter(params))}'" in ask(action, **params)
