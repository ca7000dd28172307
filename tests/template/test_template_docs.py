"""docs/templates.md says what is so: its examples are rendered, its lists are complete."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from misp_workflow import settings
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.errors import TemplateError
from misp_workflow.template import STYLES, condition, grammar, limits, render
from misp_workflow.template import filters as known_filters
from misp_workflow.template.filters import FILTERS, FUNCTIONS
from misp_workflow.template.predicates import TESTS
from misp_workflow.template.style import MAX_VALUE
from misp_workflow.template.texts import MAX_WIDTH

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+) ?(\w*)\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (style, source, *answer[::2])
    for (kind, style, source), answer in zip(BLOCKS, [*BLOCKS[1:], ("", "", "")], strict=True)
    if kind == "jinja"
]
CONDITIONS = [(wanted, source) for kind, wanted, source in BLOCKS if kind == "condition"]


@pytest.fixture(scope="module")
def context() -> dict[str, Any]:
    data = json.loads(next(source for kind, _, source in BLOCKS if kind == "json"))
    return Call(params=Params(), data=data, selected=None, settings=settings.current(), withheld="").context


@pytest.mark.parametrize(("style", "source", "kind", "wanted"), EXAMPLES)
def test_examples_make_what_the_page_says(
    style: str, source: str, kind: str, wanted: str, context: dict[str, Any]
) -> None:
    if kind == "error":
        with pytest.raises(TemplateError) as raised:
            render(source, context, style)
        assert re.fullmatch(re.escape(wanted).replace("…", ".*"), str(raised.value))
    else:
        assert kind == "text"
        assert render(source, context, style).rstrip() == wanted


@pytest.mark.parametrize(("wanted", "source"), CONDITIONS)
def test_conditions_hold_as_the_page_says(wanted: str, source: str, context: dict[str, Any]) -> None:
    assert condition(source, context) is (wanted == "true")


def named(start: str, end: str) -> set[str]:
    """Return the names in code quotes between two places of the page."""
    part = PAGE[PAGE.index(start) : PAGE.index(end, PAGE.index(start))]
    return set(re.findall(r"`(\w+)`", part))


def test_the_page_is_complete(context: dict[str, Any]) -> None:
    assert len(EXAMPLES) >= 12 and len(CONDITIONS) >= 2
    assert named("| style | for", "A single value") >= set(STYLES)
    assert named("| filter | what", '```jinja slack\n{{ "https') | named("Of Jinja's own", "The tests are") == set(
        FILTERS
    )
    assert named("The tests are", "The functions are") == {name for name in TESTS if name.replace("_", "").isalpha()}
    assert named("The functions are", "Macros") == set(FUNCTIONS)
    assert named("| name | what", "A name that does not") >= set(context)


def test_the_link_to_the_event_stays_a_link() -> None:
    known = replace(settings.current(), misp=settings.Misp(url="https://misp.example"))
    call = Call(params=Params(), data={"Event": {"id": "5"}}, selected=None, settings=known, withheld="")
    assert render("{{ link_to_event }}", call.context, "slack") == "https://misp.example/events/view/5"
    assert render("{{ link_to_event|link('Open') }}", call.context, "slack") == (
        "<https://misp.example/events/view/5|Open>"
    )


def test_the_numbers_are_right() -> None:
    told = SimpleNamespace(
        source=grammar.MAX_SOURCE,
        steps=limits.MAX_STEPS,
        characters=limits.MAX_CHARACTERS,
        range=known_filters.MAX_RANGE,
    )
    part = PAGE[PAGE.index("## Limits") :]
    for number in (*vars(told).values(), MAX_WIDTH, limits.MAX_DEPTH):
        assert f"{number:,}" in part
    assert f"{limits.MAX_CPU} seconds" in part
    assert f"{MAX_VALUE:,} characters" in PAGE
