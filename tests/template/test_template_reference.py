"""docs/templates-reference.md names everything that a template may call; its outputs are made by docs/build.py."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.errors import TemplateError
from misp_workflow.template import render, sandbox, texts
from misp_workflow.template.compiling import SANDBOX

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def callables() -> Any:
    spec = importlib.util.spec_from_file_location("docs_callables", ROOT / "docs" / "callables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def can_be_called(name: str, context: Mapping[str, object]) -> bool:
    try:
        render(f"{{{{ {name}() }}}}", context, "text")
    except TemplateError as error:
        return "cannot be called" not in str(error)
    return True


def test_everything_that_can_be_called_has_an_example(callables: Any) -> None:
    named = {name for name in callables.context() if can_be_called(name, callables.context())}
    assert set(callables.FILTERS) == set(SANDBOX.filters)
    assert set(callables.TESTS) == set(SANDBOX.tests)
    assert set(callables.FUNCTIONS) == {*SANDBOX.globals, *named}
    assert set(callables.OF_TEXT) == set(texts.METHODS)
    assert set(callables.OF_OBJECTS) == set(sandbox._DICT)
    assert set(callables.OF_LISTS) == set(sandbox._LIST)
    assert set(callables.OF_LOOPS) == {*sandbox._LOOP, "cycle", "changed"}


def test_each_example_is_of_what_it_stands_for_and_gives_something(callables: Any) -> None:
    for title, (_, examples) in callables.PARTS.items():
        for name, example in examples.items():
            used = rf"\|{name}\b" if title == "Filters" else rf"(?<!\w){re.escape(name)}(?!\w)"
            assert re.search(used, example), (title, name)
    rows = [line for line in callables.page().splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(examples) for _, examples in callables.PARTS.values())
    assert not [row for row in rows if row.endswith("| `` |")]
