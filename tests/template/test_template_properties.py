"""No template and no data make anything but text or a TemplateError, whoever wrote them."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from misp_workflow.errors import TemplateError
from misp_workflow.template import STYLES, Live, check, condition, render
from misp_workflow.template.filters import FILTERS
from misp_workflow.template.predicates import TESTS
from misp_workflow.template.texts import METHODS


class Odd:
    """What no caller should give."""

    def __str__(self) -> str:
        raise RuntimeError("shown")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")

    def __len__(self) -> int:
        raise RuntimeError("measured")

    def __iter__(self) -> Any:
        raise RuntimeError("walked")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("read")


CIRCULAR: list[Any] = []
CIRCULAR.append(CIRCULAR)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=5)
    | st.dates()
    | st.sampled_from(["1", "ip-dst", "<b>", "\ud800", "%s", "{{ 1 }}"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["value", "type", "Tag", "name", "uuid", "to_ids", "info"]) | st.text(max_size=5),
            inner,
            max_size=4,
        )
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.none(), inner, max_size=2)
    ),
    max_leaves=10,
)
ODD_VALUES = (
    VALUES
    | st.builds(Odd)
    | st.just(CIRCULAR)
    | st.just(len)
    | st.just({1, 2})
    | st.just(Markup("<b>"))
    | st.just(Live("https://x.example"))
)
CONTEXTS = st.fixed_dictionaries(
    {"a": ODD_VALUES, "b": VALUES, "event": VALUES, "attributes": VALUES | st.lists(VALUES, max_size=3)}
)

NAMES = st.sampled_from(
    [
        "a",
        "b",
        "event",
        "attributes",
        "c",
        "loop",
        "m",
        "ns",
        "range",
        "dict",
        "namespace",
        "caller",
        "self",
        "varargs",
        "nope",
        "_x",
    ]
)
LITERALS = st.sampled_from(
    [
        "1",
        "0",
        "-1",
        "2.5",
        "'x'",
        "'%s'",
        "''",
        "'<&'",
        "none",
        "true",
        "[]",
        "{}",
        "[1, 'a']",
        "{'a': 1}",
        "10**9",
        "(1, 2)",
    ]
)
MEMBERS = st.sampled_from(
    [
        *METHODS,
        "items",
        "values",
        "get",
        "index",
        "count",
        "value",
        "type",
        "length",
        "cycle",
        "changed",
        "__class__",
        "x",
    ]
)
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]
)


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join) | st.sampled_from(
        ["attribute='value'", "type='x', to_ids=true", "*b", "**event", "1, 2, 3, 4, 5", "caller=1"]
    )
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, st.sampled_from(sorted(FILTERS)), arguments).map(lambda p: f"({p[0]}|{p[1]}({p[2]}))"),
        st.tuples(inner, st.sampled_from(sorted(FILTERS))).map("|".join),
        st.tuples(inner, st.sampled_from([test for test in sorted(TESTS) if test.isalpha()]), inner).map(
            lambda p: f"({p[0]} is {p[1]}({p[2]}))"
        ),
        st.tuples(inner, MEMBERS, arguments).map(lambda p: f"{p[0]}.{p[1]}({p[2]})"),
        st.tuples(inner, MEMBERS).map(".".join),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"{p[0]}[{p[1]}:{p[2]}]"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[0]})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}]"),
        st.tuples(inner, inner).map(lambda p: "{" + f"{p[0]}: {p[1]}" + "}"),
        inner.map(lambda part: f"not {part}"),
        inner.map(lambda part: f"-{part}"),
    )


EXPRESSIONS = st.recursive(NAMES | LITERALS, _expressions, max_leaves=6)


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% for c in {p[0]} %}}{p[1]}{{% endfor %}}"),
        st.tuples(EXPRESSIONS, inner, EXPRESSIONS).map(
            lambda p: f"{{% for c in {p[0]} if {p[2]} %}}{p[1]}{{{{ loop.index }}}}{{% endfor %}}"
        ),
        st.tuples(EXPRESSIONS, inner).map(
            lambda p: f"{{% for c in {p[0]} recursive %}}{p[1]}{{{{ loop(c) }}}}{{% endfor %}}"
        ),
        st.tuples(EXPRESSIONS, inner, inner).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% else %}}{p[2]}{{% endif %}}"),
        st.tuples(inner, EXPRESSIONS).map(
            lambda p: f"{{% macro m(x) %}}{p[0]}{{{{ x }}}}{{% endmacro %}}{{{{ m({p[1]}) }}}}"
        ),
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% call(c) {p[0]}({p[0]}) %}}{p[1]}{{% endcall %}}"),
        st.tuples(st.sampled_from(sorted(FILTERS)), inner).map(
            lambda p: f"{{% filter {p[0]} %}}{p[1]}{{% endfilter %}}"
        ),
        st.tuples(st.sampled_from(sorted(FILTERS)), inner).map(
            lambda p: f"{{% set c | {p[0]} %}}{p[1]}{{% endset %}}{{{{ c }}}}"
        ),
        st.tuples(EXPRESSIONS, inner).map(
            lambda p: f"{{% set ns = namespace(x={p[0]}) %}}{{% set ns.x = {p[0]} %}}{p[1]}{{{{ ns.x }}}}"
        ),
        st.tuples(EXPRESSIONS, inner).map(lambda p: f"{{% with c = {p[0]} %}}{p[1]}{{% endwith %}}"),
        st.tuples(
            st.sampled_from(["include 'x'", "block x", "autoescape false", "do a", "endfor", "extends a", "trans"]),
            inner,
        ).map(lambda p: f"{{% {p[0]} %}}{p[1]}"),
    )


TEMPLATES = st.recursive(
    EXPRESSIONS.map(lambda part: f"{{{{ {part} }}}}") | st.sampled_from(["text ", "\n", "<b>", '"', "*"]),
    _blocks,
    max_leaves=5,
)
SCRAPS = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "-",
            " ",
            "for",
            "in",
            "if",
            "set",
            "a",
            "'",
            '"',
            "\\",
            "|",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ".",
            ",",
            "=",
            "1",
            "\n",
            "raw",
            "endraw",
            "\ud800",
            "é",
        ]
    ),
    max_size=30,
).map("".join)

SOON = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def told(error: TemplateError) -> None:
    sentence = str(error)
    assert sentence and "\n" not in sentence and len(sentence) < 400
    assert error.__cause__ is None, "no second traceback for people"


@SOON
@given(source=TEMPLATES | SCRAPS, context=CONTEXTS, style=st.sampled_from(sorted(STYLES)))
@example(source="{{ a }}", context={"a": CIRCULAR}, style="json")
@example(source="{{ a.x }}{{ a }}", context={"a": Odd()}, style="plain")
def test_rendering_gives_text_or_a_template_error(source: str, context: dict[str, Any], style: str) -> None:
    try:
        made = render(source, context, style)
    except TemplateError as error:
        told(error)
        return
    assert type(made) is str
    made.encode()
    if style == "json":
        json.loads(made)


@SOON
@given(expression=EXPRESSIONS | SCRAPS, context=CONTEXTS)
def test_deciding_gives_a_yes_or_no_or_a_template_error(expression: str, context: dict[str, Any]) -> None:
    try:
        assert condition(expression, context) in (True, False)
    except TemplateError as error:
        told(error)


@SOON
@given(source=TEMPLATES | SCRAPS | st.text(max_size=60))
def test_checking_gives_nothing_or_a_template_error(source: str) -> None:
    try:
        assert check(source) is None  # type: ignore[func-returns-value]
    except TemplateError as error:
        told(error)


@SOON
@given(value=VALUES, name=st.sampled_from(sorted(FILTERS)))
def test_a_header_never_breaks_its_line(value: Any, name: str) -> None:
    for source in ("{{ a }}", "{{ a|" + name + " }}", "{% for c in a %}{{ c }}{% endfor %}", "{{ a ~ a }}"):
        try:
            made = render(source, {"a": value}, "header")
        except TemplateError:
            continue
        assert not [char for char in made if unicodedata.category(char) in {"Cc", "Zl", "Zp"}]


@SOON
@given(source=TEMPLATES, context=CONTEXTS)
def test_a_rendering_is_the_same_every_time(source: str, context: dict[str, Any]) -> None:
    def outcome() -> str:
        try:
            return render(source, context, "text")
        except TemplateError as error:
            return re.sub(r"takes (too long|more than).*", "takes too much", str(error))

    assert outcome() == outcome()


def test_the_values_that_are_tried_are_the_ones_that_matter() -> None:
    assert {"defang", "attributes", "tojson", "map"} <= set(FILTERS)
    for enormous in (10**5_000, -(10**5_000)):
        for source in ("{{ a }}", "{{ a + 1 }}", "{{ [a]|tojson }}", "{{ a|date }}", "{{ a ~ 'x' }}", "{{ '%d' % a }}"):
            for style in ("plain", "json"):
                with pytest.raises(TemplateError, match=r"^line 1: a number"):
                    render(source, {"a": enormous}, style)
    assert render("{{ a }}", {"a": datetime.date(2026, 1, 2)}) == "2026-01-02"
