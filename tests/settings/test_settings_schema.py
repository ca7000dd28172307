"""The JSON Schema of the settings file says what the reader says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from misp_workflow.errors import SettingsError
from misp_workflow.settings.reader import read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "examples" / "misp-workflow.schema.json").read_text())


def problems(text: str) -> list[str]:
    found = jsonschema.Draft202012Validator(SCHEMA).iter_errors(tomllib.loads(text))
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def written() -> Iterator[Any]:
    """Every settings file of the examples and of the actions' cases."""
    for file in sorted((ROOT / "examples").rglob("misp-workflow*.toml")):
        yield pytest.param(file.read_text(), id=file.name)
    for file in sorted((ROOT / "tests" / "actions").glob("*/*.json")):
        if "settings" in (case := json.loads(file.read_text())):
            yield pytest.param(case["settings"].replace("{folder}", "/tmp"), id=f"{file.parent.name}/{file.stem}")


@pytest.mark.parametrize("text", [*written()])
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    try:
        read(text.replace("{receiver}", "http://127.0.0.1:1"), Path("/s.toml"), Path("/state"))
    except SettingsError:
        return  # a case about settings that cannot be used
    assert problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "answer_whithin = 4",
        "answer_within = 0",
        'answer_within = "soon enough"',
        '[defaults]\ntlp = "purple"',
        '[destinations.x]\nchannel = "soc"',
        '[destinations.x]\nactions = "slack_message"',
        '[destinations.x.list]\nformat = "paper"',
        "[misp]\nverify_tls = 1",
        "[outbox]\nworkers = 0",
        '[[routes]]\nname = "security"',
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(text: str) -> None:
    with pytest.raises(SettingsError):
        read(text, Path("/s.toml"), Path("/state"))
    assert problems(text)


def test_every_setting_is_described() -> None:
    def undescribed(part: dict[str, Any], path: str) -> Iterator[str]:
        for key, below in part.get("properties", {}).items():
            inner = below if below.get("type") == "object" else below.get("items", {})
            if inner.get("type") == "object":
                yield from undescribed(inner, f"{path}.{key}")
            elif "description" not in below:
                yield f"{path}.{key}"

    assert list(undescribed(SCHEMA, "")) == []
