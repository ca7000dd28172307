"""A template from a stranger's blueprint cannot hurt the server: each of these ends soon, small, and with a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from misp_workflow.errors import TemplateError
from misp_workflow.template import check, limits, render

pytest.importorskip("resource", reason="this system has no limits of processes to measure with")

DOUBLING = "{% set ns = namespace(x=SEED, y=SEED) %}{% for i in range(100) %}STEP{% endfor %}"


def doubled(seed: str, step: str, use: str) -> str:
    steps = f"{{% set ns.x = {step} %}}{{% set ns.y = {step.replace('ns.x', 'ns.y')} %}}"
    return DOUBLING.replace("SEED", seed).replace("STEP", steps) + use


def kept(what: str, before: str = "") -> str:
    """A loop that keeps everything that it makes."""
    return before + "{% set ns = namespace(l=[]) %}{% for i in range(100000) %}" + what + "{% endfor %}"


TOO_MUCH = {
    # loops
    "giant range": "{% for a in range(10**9) %}{% endfor %}",
    "nested loops": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "three nested loops": "{% for a in range(3000) %}{% for b in range(3000) %}{% for c in [1] %}x{% endfor %}{% endfor %}{% endfor %}",
    "loop with a filter": "{% for i in range(100000) if range(100000)|length == 1 %}{% endfor %}",
    "many loops with filters": "{% for i in range(100000) if false %}{% endfor %}" * 50,
    "loop that breaks inside": "{% for i in range(100000) %}{% for j in range(1000) %}{% break %}{% endfor %}{% endfor %}",
    "loop over data": "{% for a in attributes %}{% for b in attributes %}{{ b.value }}{% endfor %}{% endfor %}",
    "sorting in a loop": "{% set l = range(100000) %}{% for i in range(100000) %}{{ l|sort|first }}{% endfor %}",
    "grouping in a loop": "{% for i in range(100000) %}{{ attributes|groupby('type')|length }}{% endfor %}",
    "choosing in a loop": "{% for i in range(100000) %}{{ attributes(type='*a*a*a*b', tag='t*')|length }}{% endfor %}",
    "text in a loop": "{% for i in range(100000) %}" + "y" * 40_000 + "{% endfor %}",
    "large loop body": "{% for i in range(100000) %}{% set x = [" + "0," * 4_000 + "] %}{% endfor %}",
    "comparing in a loop": "{% set b = range(100000) %}{% for i in range(100000) %}{% if b == b[:] %}{% endif %}{% endfor %}",
    "finding in a loop": "{% for i in range(100000) %}{% if 'zz' in event.big %}{% endif %}{% endfor %}",
    "counting in a loop": "{% for i in range(100000) %}{% if event.big.count('zz') %}{% endif %}{% endfor %}",
    "tests in a loop": "{% for i in range(100000) %}{% if event.big is eq(event.dots) or event.big is in(event.big) %}{% endif %}{% endfor %}",
    "json in a loop": "{% for i in range(100000) %}{% if attributes|tojson %}{% endif %}{% endfor %}",
    "defanging in a loop": "{% for i in range(100000) %}{% if event.dots|defang %}{% endif %}{% endfor %}",
    # multiplication
    "multiplied text": "{{ 'a' * 10**9 }}",
    "multiplied from the left": "{{ 10**9 * 'a' }}",
    "multiplied list": "{{ [0] * 10**9 }}",
    "multiplied tuple": "{{ ((0,) * 10**9)|length }}",
    "multiplied finished text": "{% set x %}a{% endset %}{{ x * 10**9 }}",
    "power": "{{ 10 ** (10**8) }}",
    "tower of powers": "{{ 9 ** (9 ** (9 ** 9)) }}",
    "squares": "{% set ns = namespace(x=3) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x }}",
    "large numbers in the data": "{{ number * number }}",
    # formats
    "width in %": "{{ '%1000000000d' % 1 }}",
    "precision in %": "{{ '%.1000000000f' % 1 }}",
    "star in %": "{{ '%*d' % (10**9, 1) }}",
    "named width in %": "{{ '%(a)1000000000d' % {'a': 1} }}",
    "width in format": "{{ '%1000000000d'|format(1) }}",
    "str.format": "{{ '{:>1000000000}'.format(1) }}",
    "str.format with a width as value": "{{ '{0:>{1}}'.format(1, 10**9) }}",
    "str.format_map": "{{ '{a:>1000000000}'.format_map({'a': 1}) }}",
    "many times in %": "{{ ('%(a)s' * 1000000) % {'a': event.big} }}",
    "date format": "{{ '1'|date('%1000000000d') }}",
    # doubling
    "doubling with ~": doubled("'a'", "ns.x ~ ns.x", "{{ ns.x|length }}"),
    "doubling with +": doubled("'a'", "ns.x + ns.x", "{{ ns.x|length }}"),
    "doubling a list": doubled("[1]", "ns.x + ns.x", "{{ ns.x|length }}"),
    "doubling with join": doubled("'a'", "[ns.x, ns.x]|join", "{{ ns.x|length }}"),
    "doubling with replace": doubled("'a'", "ns.x|replace('a', 'aa')", "{{ ns.x|length }}"),
    "doubling with %": doubled("'a'", "'%s%s' % (ns.x, ns.x)", "{{ ns.x|length }}"),
    "doubling with set": "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
    "doubling lists of lists, shown": doubled("[1]", "[ns.x, ns.x]", "{{ ns.x }}"),
    "doubling lists of lists, as JSON": doubled("[1]", "[ns.x, ns.x]", "{{ ns.x|tojson }}"),
    "doubling objects, as JSON": doubled("1", "{'a': ns.x, 'b': ns.x}", "{{ ns.x|tojson(indent=8) }}"),
    "doubling lists, compared": doubled("[1]", "[ns.x, ns.x]", "{{ ns.x == ns.y }}"),
    "doubling lists, less": doubled("(1,)", "(ns.x, ns.x)", "{{ ns.x < ns.y }}"),
    "doubling lists, in": doubled("(1,)", "(ns.x, ns.x)", "{{ ns.x in [ns.y] }}"),
    "doubling lists, is eq": doubled("(1,)", "(ns.x, ns.x)", "{{ ns.x is eq ns.y }}"),
    "doubling lists, as a key": doubled("(1,)", "(ns.x, ns.x)", "{{ {ns.x: 1} }}"),
    "doubling lists, looked up": doubled("(1,)", "(ns.x, ns.x)", "{{ {}[ns.x] }}"),
    "doubling lists, got": doubled("(1,)", "(ns.x, ns.x)", "{{ {}.get(ns.x) }}"),
    "doubling lists, unique": doubled("(1,)", "(ns.x, ns.x)", "{{ [ns.x, ns.y]|unique }}"),
    "doubling lists, sorted": doubled("(1,)", "(ns.x, ns.x)", "{{ [ns.x, ns.y]|sort }}"),
    "doubling lists, counted": doubled("(1,)", "(ns.x, ns.x)", "{{ [ns.x].count(ns.y) }}"),
    "doubling lists, summed": doubled("[1]", "[ns.x, ns.x]|sum(start=[])", "{{ ns.x }}"),
    "doubling lists, changed": doubled(
        "[1]", "[ns.x, ns.x]", "{% for i in [ns.x, ns.y] %}{{ loop.changed(i) }}{% endfor %}"
    ),
    "doubling lists, in %": doubled("(1,)", "(ns.x, ns.x)", "{{ '%s' % [ns.x] }}"),
    "doubling lists, as a condition's pattern": doubled("['a']", "[ns.x, ns.x]", "{{ attributes(type=ns.x) }}"),
    "deep lists, shown": kept("{% set ns.l = [ns.l] %}") + "{{ ns.l }}",
    "deep lists, compared": kept("{% set ns.l = [ns.l] %}") + "{{ ns.l == [ns.l] }}",
    "a namespace in itself": "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}{{ ns }}",
    # keeping
    "keeping parts of a text": kept("{% set ns.l = [ns.l, b[1:]] %}", "{% set b = 'a' * 1000000 %}"),
    "keeping changed texts": kept("{% set ns.l = [ns.l, b.upper()] %}", "{% set b = 'a' * 1000000 %}"),
    "keeping parts of a list": kept("{% set ns.l = [ns.l, b[1:]] %}", "{% set b = range(100000) %}"),
    "keeping lists": kept("{% set ns.l = [ns.l, [" + "0," * 4_000 + "]] %}"),
    "keeping set blocks": kept("{% set x %}" + "y" * 40_000 + "{% endset %}{% set ns.l = [ns.l, x] %}"),
    "keeping emoji": kept("{% set ns.l = [ns.l, b ~ i] %}", "{% set b = '\U0001f600' * 1000000 %}"),
    "showing emoji": "{% set b = '\U0001f600' * 1000000 %}{% for i in range(100000) %}{{ b[:99999] }}{% endfor %}",
    "keeping joins": kept("{% set ns.l = [ns.l, event.big ~ i] %}"),
    "keeping escapes": kept("{% set x %}{{ event.big }}{% endset %}{% set ns.l = [ns.l, x] %}"),
    # recursion
    "macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macro that calls itself twice": "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}x{% endmacro %}{{ m(35) }}",
    "macro that is given itself": "{% macro m(f, n) %}{% if n %}{{ f(f, n-1) }}{{ f(f, n-1) }}{% endif %}{% endmacro %}{{ m(m, 39) }}",
    "call blocks that call each other": "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
    "recursive loop": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "recursive loop of two": "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    # filters and methods
    "center": "{{ 'a'|center(10**9) }}",
    "center as a method": "{{ 'a'.center(10**9) }}",
    "ljust": "{{ 'a'.ljust(10**9) }}",
    "zfill": "{{ 'a'.zfill(10**9) }}",
    "expandtabs": "{{ 'a\\tb'.expandtabs(10**9) }}",
    "indent": "{{ 'a\\nb'|indent(10**9) }}",
    "indent by a text": "{{ ('a\\n' * 100000)|indent('x' * 100000) }}",
    "wordwrap with a long break": "{{ ('a ' * 100000)|wordwrap(1, wrapstring='x' * 100000) }}",
    "wordwrap of much": "{{ event.big|wordwrap(1) }}",
    "batch": "{{ [1]|batch(10**9, 0) }}",
    "batch of fills": "{{ [1]|batch(100001, 0) }}",
    "slice": "{{ [1]|slice(10**9, 0) }}",
    "lipsum": "{{ lipsum(n=10**9) }}",
    "replace of much": "{{ ('a' * 1000000)|replace('a', 'b' * 1000000) }}",
    "replace of nothing": "{{ ('a' * 1000000)|replace('', 'b' * 1000000) }}",
    "replace as a method": "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
    "join with a long text": "{{ range(100000)|join('x' * 1000000) }}",
    "join as a method": "{{ ('x' * 1000000).join(range(100000)|map('string')) }}",
    "tojson with an indent": "{{ [1, [2]]|tojson(indent=10**9) }}",
    "round": "{{ 10|round(10**9) }}",
    "list of a range": "{{ range(10**9)|list }}",
    "cycler": "{{ cycler(*range(100000)) }}",
    "joiner": "{{ joiner('x' * 10**9)() }}",
    "list of letters": "{{ event.big|list|length }}",
    "split": "{{ event.dots.split('.')|length }}",
    "splitlines": "{{ ('a\\n' * 5000000).splitlines()|length }}",
    "wordcount": "{{ event.big|wordcount }}{{ event.big|wordcount }}",
    "map of map": "{{ range(100000)|map('map', 'string') }}",
    "map of center": "{{ range(100000)|map('center', 1000)|join|length }}",
    "truncate with a long end": "{{ 'abc'|truncate(1, end='x' * 10000000) }}",
    "many patterns": "{{ attributes(type=['*a*b'] * 100000) }}",
    "regular expression": "{{ 'a' * 50 | regex_search('(a+)+b') }}",
    # inside one call of C code
    "equal texts counted": "{% set a = 'x'*1000000 ~ 'b' %}{% set c = 'x'*1000000 ~ 'c' %}{{ ([a]*200000).count(c) }}",
    "equal texts looked for": "{% set a = 'x'*1000000 ~ 'b' %}{% set c = 'x'*1000000 ~ 'c' %}{{ ([a]*200000).index(c) }}",
    "long texts sorted": "{{ (['x'*1000000]*1500)|sort|length }}",
    "long texts, unique": "{{ (['x'*1000000]*20000)|unique|length }}",
    "long texts grouped": "{{ [['x'*1000000]]*20000|groupby('0')|length }}{{ ([['x'*1000000]]*20000)|groupby('0') }}",
    "the least of long texts": "{{ (['x'*1000000]*20000)|min|length }}",
    "long texts summed": "{{ (['x'*1000000]*20000)|sum(start='')|length }}",
    "many characters stripped": "{{ ('a'*60000).strip('b'*1500000~'a')|length }}",
    "many characters trimmed": "{{ ('a'*60000)|trim('b'*1500000~'a')|length }}",
    "found from the end": "{{ ('a'*1000000).rfind('ab' ~ 'a'*500000) }}",
    "numbers of one hash as keys": "{{ dict([[10 * (2**61 - 1), 1]]) }}",
    "lists as a member's name": doubled("['a']", "[ns.x, ns.x]", "{{ [1]|map(attribute=ns.x) }}"),
    "lists asked for their letters": doubled("['a']", "[ns.x, ns.x]", "{{ ns.x is lower }}"),
    "lines indented": "{{ ('\\n' * 20000000)|indent(1)|length }}",
    "spaces after a marking": "{{ ('tlp:x' ~ ' ' * 9000000 ~ 'x')|tlp }}{{ 'x'|center(10**9) }}",
    "very long output": "{% for i in range(1000) %}{{ event.big[:90000] }}{% endfor %}",
}

TOO_DEEP = {
    "parentheses": "{{ " + "(" * 4_000 + "1" + ")" * 4_000 + " }}",
    "brackets": "{{ " + "[" * 4_000 + "]" * 4_000 + " }}",
    "braces": "{" * 25_000,
    "minus": "{{ " + "-" * 20_000 + "1 }}",
    "not": "{{ " + "not " * 10_000 + "1 }}",
    "members": "{{ word" + ".a" * 20_000 + " }}",
    "items": "{{ word" + "[0]" * 10_000 + " }}",
    "calls": "{{ word" + "()" * 10_000 + " }}",
    "sums": "{{ 1" + "+1" * 20_000 + " }}",
    "joins": "{{ 1" + "~1" * 24_000 + " }}",
    "ands": "{{ 1" + " and 1" * 7_000 + " }}",
    "comparisons": "{{ 1" + "<1" * 24_000 + " }}",
    "filters": "{{ word" + "|upper" * 7_000 + " }}",
    "tests": "{{ word" + " is defined" * 4_000 + " }}",
    "conditions": "{{ " + "1 if 1 else " * 4_000 + "1 }}",
    "ifs": "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
    "elifs": "{% if 1 %}" + "{% elif 1 %}" * 4_000 + "{% endif %}",
    "loops": "{% for a in [1] %}" * 60 + "{% endfor %}" * 60,
    "macros": "{% macro a() %}" * 100 + "{% endmacro %}" * 100,
    "filter blocks": "{% filter upper %}" * 500 + "{% endfilter %}" * 500,
    "set blocks": "{% set a %}" * 1_000 + "{% endset %}" * 1_000,
    "raw": "{% raw %}" * 5_000,
    "statements": "{% set a = 1 %}" * 3_300 + "{{ a" + "~a" * 200,
    "named values": "{{ f(" + "a=1," * 5_000 + ") }}",
    "digits": "{{ " + "9" * 40_000 + " }}",
    "digits with underlines": "{{ " + "1_" * 20_000 + "1 }}",
    "too long": "x" * 60_000,
    "opened": "{% " * 16_000,
    "comments": "{#" * 25_000,
}

LARGE_BUT_FINE = {
    "numbers of one hash": "{% set l = ["
    + ",".join(f"{i}*{2**61 - 1}" for i in range(1, 1_800))
    + "] %}{{ (l*20)|unique|length }}",
    "ten million emoji": "{% set x %}{{ ('\U0001f600' * 10000000)|tojson }}{% endset %}{{ ('\U0001f600' * 10000000)|tojson|length }}",
    "as much as may be": "{% for i in range(30) %}{{ '\U0001f600' * 99999 }}{% endfor %}",
    "much text": "{{ event.big }}",
    "dots": "{{ event.dots }}",
    "colons": "{{ event.colons }}",
    "dots defanged": "{{ event.dots|defang }}{{ event.colons|defang }}{{ event.big|defang }}",
    "refanged": "{{ event.dots|refang }}{{ event.big|refang }}",
    "link": "{{ event.big|link }}{{ 'https://x.example'|link(event.big) }}",
    "quoted": "{{ event.big|urlencode|length }}",
    "many outputs": "{{ word }}" * 4_000,
    "much data": "{{ attributes|tojson|length }}",
    "all attributes": "{% for a in attributes %}{{ a.type|truncate(20) }}: {{ a.value }}\n{% endfor %}",
}


def outcomes(cases: dict[str, str], style: str, *how: str) -> dict[str, list[str]]:
    """Render each in a process of its own, with limits; the time given is no measure, it only ends what hangs."""
    script = Path(__file__).with_name("limited_render.py")
    asked = json.dumps([{"source": source, "style": style} for source in cases.values()])
    done = subprocess.run(
        [sys.executable, str(script), *how], input=asked, capture_output=True, text=True, timeout=1_500, check=True
    )
    return dict(zip(cases, json.loads(done.stdout), strict=True))


def test_work_without_end_ends_with_a_sentence() -> None:
    judge(outcomes(TOO_MUCH, "plain"))


def test_work_without_end_ends_with_a_sentence_in_json() -> None:
    judge(
        outcomes(
            {name: source for name, source in TOO_MUCH.items() if "ing " in name and "in a loop" not in name}, "json"
        )
    )


def judge(found: dict[str, list[str]]) -> None:
    for name, (what, said) in found.items():
        assert what == "error", f"{name}: {what} {said}"
        assert said.startswith("line 1: "), f"{name}: {said}"
        assert "memory" not in said and "failed" not in said, f"{name}: {said}"


def test_depth_without_end_ends_with_a_sentence() -> None:
    for name, (what, said) in outcomes(TOO_DEEP, "plain").items():
        assert what == "error", f"{name}: {what} {said}"
        assert said.startswith("line 1: ") or "characters" in said, f"{name}: {said}"
        assert "memory" not in said and "failed" not in said, f"{name}: {said}"


@pytest.mark.parametrize("style", ["plain", "markdown", "rocketchat", "url", "csv"])
def test_large_data_is_no_reason_to_fail(style: str) -> None:
    """By counting alone: how long it takes depends on the machine, and on what else it does."""
    for name, (what, said) in outcomes(LARGE_BUT_FINE, style, "patient").items():
        assert what == "text", f"{name}: {what} {said}"


def test_conditions_are_limited_too() -> None:
    cases = {
        "range": "range(10**9)|length",
        "power": "10 ** (10**8)",
        "text": "'a' * 10**9",
        "depth": "(" * 4_000 + "1" + ")" * 4_000,
    }
    for name, (what, said) in outcomes(cases, "condition").items():
        assert what == "error" and said.startswith("line 1: "), f"{name}: {what} {said}"


def test_the_line_that_does_too_much_is_named() -> None:
    source = "{% macro m() %}\n{{ m() }}\n{% endmacro %}\n\n{{ m() }}"
    with pytest.raises(TemplateError, match=r"^line 2: macros call each other more than"):
        render(source, {})
    with pytest.raises(TemplateError, match=r"^line 3: the template takes .*; make its loops smaller$"):
        render("{% set l = range(90000) %}\n{% for a in l %}\n{% for b in l %}\n{% endfor %}{% endfor %}", {})
    with pytest.raises(TemplateError, match=r"^line 3: the template is nested too deeply$"):
        check("{{ a }}\n{# #}\n{{ " + "(" * 2_000)


def test_the_clock_stops_what_counting_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CPU", 0.0)
    with pytest.raises(TemplateError, match=r"^line 1: the template takes too long"):
        render("{% for a in range(5000) %}{% endfor %}", {})


def test_an_account_is_closed_when_the_rendering_ends() -> None:
    with pytest.raises(TemplateError):
        render("{{ 1 / 0 }}", {})
    with pytest.raises(LookupError):
        limits.current()
