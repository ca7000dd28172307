"""The language: what works, what is refused, and what its errors say."""

from __future__ import annotations

import datetime
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from jinja2 import Environment
from jinja2.compiler import CodeGenerator

from misp_workflow.errors import InputError, TemplateError
from misp_workflow.template import check, compiling, condition, render

EVENT = {
    "id": "56",
    "info": "Phishing",
    "published": "1",
    "Tag": [{"name": "tlp:amber"}, {"name": "misp-galaxy:x"}],
    "items": "a member that is called like a method",
}
CONTEXT: dict[str, Any] = {
    "event": EVENT,
    "attributes": [
        {"type": "ip-dst", "value": "203.0.113.7", "to_ids": "1", "category": "Network activity"},
        {"type": "domain", "value": "evil.example", "to_ids": True, "category": "Network activity"},
        {"type": "comment", "value": "seen by us", "to_ids": "0", "category": "Other"},
    ],
    "tags": ["tlp:amber"],
    "nothing": None,
}


def error(source: str, context: dict[str, Any] = CONTEXT, style: str = "plain") -> str:
    with pytest.raises(TemplateError) as raised:
        render(source, context, style)
    sentence = str(raised.value)
    assert "\n" not in sentence and len(sentence) < 400
    return sentence


WORKS = {
    "{{ event.info }} ({{ event['id'] }})": "Phishing (56)",
    "{{ event.info|upper ~ '!' }}": "PHISHING!",
    "{{ event.items }} {{ event.get('x', 'y') }}": "a member that is called like a method y",
    "{% for a in attributes if a.to_ids|bool %}{{ loop.index }}/{{ loop.length }} {{ a.type }};{% endfor %}": (
        "1/2 ip-dst;2/2 domain;"
    ),
    "{% for a in [] %}x{% else %}none{% endfor %}": "none",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }}{{ ', ' if not loop.last }}{% endfor %}": "a=1, b=2",
    "{% for n in range(9) %}{% if n == 2 %}{% continue %}{% elif n == 4 %}{% break %}{% endif %}{{ n }}{% endfor %}": "013",
    "{% for x in [1, 1, 2] %}{{ x if loop.changed(x) }}{{ loop.cycle('a', 'b') }}{% endfor %}": "1ab2a",
    "{% for row in [[1, [[2, []]]]] recursive %}{{ row[0] }}{{ loop(row[1]) }}{% endfor %}": "12",
    "{% macro m(x, y=2) %}<{{ x }}{{ y }}{{ caller() if caller is defined }}>{% endmacro %}{{ m(1) }}{{ m(x=3, y=4) }}": "<12><34>",
    "{% macro m() %}<{{ caller('c') }}>{% endmacro %}{% call(x) m() %}{{ x }}!{% endcall %}": "<c!>",
    "{% macro m() %}{{ varargs|join }}{{ kwargs.z }}{% endmacro %}{{ m(1, 2, z=3) }}": "123",
    "{% set ns = namespace(n=0) %}{% for a in attributes %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}": "3",
    "{% set x = 5 %}{% with x = 6, y = 7 %}{{ x }}{{ y }}{% endwith %}{{ x }}": "675",
    "{% set x %}a{{ event.id }}{% endset %}{{ x }}{{ x|length }}": "a563",
    "{% set x | upper %}a{% endset %}{{ x }}": "A",
    "{% filter upper %}a{{ event.id }}b{% endfilter %}": "A56B",
    "{% if event.published|bool and 'tlp:amber' in tags %}yes{% else %}no{% endif %}": "yes",
    "{{ 'a' if nothing is none }}{{ 'b' if missing is defined }}{{ missing|default('c') }}": "ac",
    "{{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 10 }} {{ 7 / 2 }} {{ -3 }} {{ 1 + 1.5 }} {{ '%05.1f' % 3.14159 }}": (
        "3 3 1024 3.5 -3 2.5 003.1"
    ),
    "{{ [1, 2] + [3] }}{{ (1, 2)[0] }}{{ 'abc'[1] }}{{ 'abc'[1:] }}{{ [1, 2, 3][::-1] }}{{ 'ab' * 2 }}": (
        "1, 2, 31bbc3, 2, 1abab"
    ),
    "{{ nothing }}|{{ true }}|{{ 1.5 }}|{{ ['a', 1, none] }}|{{ {'a': [1]} }}": '|true|1.5|a, 1, |{"a": [1]}',
    "{{ 'a b'.split() }}{{ 'x'.join(['a', 'b']) }}{{ ' a '.strip() }}{{ 'abc'.replace('b', '') }}": "a, baxbaac",
    "{{ 'abc'.startswith('a') }}{{ 'abc'.find('c') }}{{ 'a'.zfill(3) }}": "true200a",
    "{{ '<b>' if true else event.info }}{{ '*' }}": "<b>*",
    "{# nothing #}{% raw %}{{ raw }}{% endraw %}": "{{ raw }}",
    "{% for t in event.Tag %}\n  - {{ t.name }}\n{% endfor %}\nend": "  - tlp:amber\n  - misp-galaxy:x\nend",
    "{{ 1 < 2 < 3 }}{{ 'a' in 'abc' }}{{ 5 not in [1] }}{{ 'b' is in(['b']) }}{{ 4 is even }}": "true" * 5,
    "{{ event|items|length }}{{ event.keys()|first }}{{ event.values()|list|length }}": "5id5",
    "{{ 'https://x' is string }}{{ none is none }}{{ event is mapping }}{{ [] is sequence }}": "true" * 4,
}


@pytest.mark.parametrize("source", WORKS)
def test_the_language_works(source: str) -> None:
    assert render(source, CONTEXT) == WORKS[source]


@pytest.mark.parametrize(
    "source",
    [
        "{% for x in [3, 1, 2]|sort %}{{ loop.index }}{{ x }}{{ loop.revindex }}{{ ',' if not loop.last }}{% endfor %}",
        "{% set a, b = 1, 2 %}{{ a }}{{ b }}{{ [a, b]|sum }}{{ [[1, 2], [3]]|map('length')|join('-') }}",
        "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
        "{% for g, rows in rows|groupby('k') %}{{ g }}:{{ rows|map(attribute='v')|join('+') }};{% endfor %}",
        "{{ rows|selectattr('k', 'eq', 'a')|list|length }}{{ rows|rejectattr('v', 'odd')|map(attribute='v')|join }}",
        "{{ 'one two three'|title }}{{ 'abc'|reverse }}{{ 'a-b'|replace('-', '+') }}{{ 'x'|center(5) }}|",
        "{{ 'some words that are long'|wordwrap(10) }}|{{ 'a\nb'|indent(2) }}|{{ 'word'|wordcount }}",
        "{{ 12345.678|round(1) }}{{ 2.5|round }}{{ 2.4|round(0, 'ceil') }}{{ '12'|int + 1 }}{{ 'x'|int(7) }}{{ -5|abs }}",
        "{{ [1, 2, 3, 4, 5]|batch(2, 0)|map('join', '')|join('|') }}{{ [1, 2, 3]|slice(2)|map('join', '')|join('|') }}",
        "{{ {'b': 1, 'a': 2}|dictsort|map('first')|join }}{{ ['b', 'A', 'b']|unique|join }}{{ [3, 1]|max }}{{ [3, 1]|min }}",
        "{{ 'a&b=c d'|urlencode }}{{ {'q': 'a b', 'r': 1}|urlencode }}{{ 1000000|filesizeformat }}{{ 500|filesizeformat }}",
        "{{ ''|default('x', true) }}{{ 'y'|d('x') }}{{ [1, 2]|first }}{{ [1, 2]|last }}{{ 'abc'|list|join(',') }}{{ ' a '|trim }}",
        "{{ '%s-%d' | format('a', 5) }}{{ 3.7|int }}{{ '1.5'|float }}{{ 'text'|length }}{{ 5|string ~ 'x' }}",
    ],
)
def test_the_language_is_jinjas(source: str) -> None:
    rows = [{"k": "a", "v": 1}, {"k": "b", "v": 2}, {"k": "a", "v": 3}]
    assert render(source, {"rows": rows}, "text") == Environment(autoescape=False).from_string(source).render(rows=rows)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ event.info }}\n\n{{ evnt.info }}", "line 3: there is no 'evnt'; did you mean 'event'?"),
        ("{{ event.inf }}", "line 1: there is no 'inf' in this object; did you mean 'info'?"),
        ("{{ event['Info'] }}", "line 1: there is no 'Info' in this object; did you mean 'info'?"),
        (
            "{% for atribute in attributes %}{{ attribute }}{% endfor %}",
            "line 1: there is no 'attribute'; did you mean 'attributes'?",
        ),
        ("{% for thing in tags %}{{ thin }}{% endfor %}", "line 1: there is no 'thin'; did you mean 'thing'?"),
        ("{{ EVENT }}", "line 1: there is no 'EVENT'; did you mean 'event'?"),
        ("{{ xyzzy }}", "line 1: there is no 'xyzzy'"),
        ("{% if missing %}{% endif %}", "line 1: there is no 'missing'"),
        ("{% for x in missing %}{% endfor %}", "line 1: there is no 'missing'"),
        ("{{ missing ~ 'x' }}", "line 1: there is no 'missing'"),
        ("{{ missing + 1 }}", "line 1: there is no 'missing'"),
        ("{{ missing == 1 }}", "line 1: there is no 'missing'"),
        ("{{ missing|upper }}", "line 1: there is no 'missing'"),
        ("{{ [missing]|join }}", "line 1: there is no 'missing'"),
        ("{{ missing() }}", "line 1: there is no 'missing'"),
        ("{{ missing.a.b }}", "line 1: there is no 'missing'"),
        ("{{ event.Tag.name }}", "line 1: a list has no 'name'"),
        ("{{ event.info.uper() }}", "line 1: a text has no 'uper'; did you mean 'upper'?"),
        ("{{ event.Tag[7].name }}", "line 1: a list has no item 7"),
        ("{{ nothing.x }}", "line 1: nothing (null) has no 'x'"),
        ("\n{{ event.info|uper }}", "line 2: there is no filter 'uper'; did you mean 'upper'?"),
        ("{{ event.info is sting }}", "line 1: there is no test 'sting'; did you mean 'string'?"),
        ("{% if false %}{{ 1|nope }}{% endif %}", "line 1: there is no filter 'nope'"),
        ("{{ event.info|safe }}", "line 1: there is no filter 'safe': what variables give is always escaped"),
        (
            "a\n{% autoescape false %}{{ 1 }}{% endautoescape %}",
            "line 2: 'autoescape' is not available: what variables give is always escaped",
        ),
        ("{% include 'x' %}", "line 1: 'include' is not available: a template stands alone"),
        ("{% extends 'x' %}", "line 1: 'extends' is not available: a template stands alone"),
        ("{% import 'x' as y %}", "line 1: 'import' is not available: a template stands alone"),
        ("{% from 'x' import y %}", "line 1: 'import' is not available: a template stands alone"),
        ("{% block x %}{% endblock %}", "line 1: 'block' is not available: a template stands alone; use a macro"),
        ("{{ 1 / 0 }}", "line 1: division by zero"),
        ("{{ event.info + 1 }}", "line 1: these kinds of values do not go together"),
        ("{{ 1 < 'a' }}", "line 1: these kinds of values do not go together"),
        ("{{ event.info() }}", "line 1: a text cannot be called"),
        ("{% for x in 5 %}{% endfor %}", "line 1: a number has no items to go through"),
        ("{{ 5|length }}", "line 1: a number has no length"),
        ("{{ 'a'|truncate(-1) }}", "line 1: the length must be a whole number from 1 to 1000000"),
        ("{{ 'a'|truncate(nope=1) }}", "line 1: a filter or function is not given the values that it takes"),
        ("{{ 'a'|replace }}", "line 1: a filter or function is not given the values that it takes"),
        ("{% macro m(a) %}{% endmacro %}\n{{ m(1, 2) }}", "line 2: "),
        ("{% macro m(a) %}{% endmacro %}\n{{ m(b=2) }}", "line 2: "),
        ("{{ '%d' % 'x' }}", "line 1: "),
        ("{{ '%d %d' % 1 }}", "line 1: "),
        ("{{ event|tlp|date('%Q') }}", "line 1: '%Q' is no date format"),
        ("{% if x %}", "line 1: "),
        ("{{ 1", "line 1: "),
        ("\n{{ 'a }}", "line 2: "),
        ("{% nope %}", "line 1: "),
        ("{% for x in y %}\n\n{% endif %}", "line 3: "),
        ("{{ {} {} }}", "line 1: "),
    ],
)
def test_errors_say_what_and_where(source: str, said: str) -> None:
    assert error(source).startswith(said)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ event.__class__ }}",
        "{{ event['__class__'] }}",
        "{{ [].__class__ }}",
        "{{ (1).__class__ }}",
        "{{ (1).bit_length() }}",
        "{{ event.get.__globals__ }}",
        "{{ range.function }}",
        "{{ event.update({'x': 1}) }}",
        "{{ event.pop('id') }}",
        "{{ event.Tag.append(1) }}",
        "{{ self }}",
        "{{ self.x }}",
        "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
        "{% for x in [1] %}{{ loop }}{% endfor %}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% macro m() %}{% endmacro %}{{ m }}",
        "{{ namespace(a=1)._Namespace__attrs }}",
        "{{ namespace(a=1).__class__ }}",
        "{{ namespace }}",
        "{{ event|attr('__class__') }}",
        "{{ ['__class__']|map(attribute='__class__')|first.x }}",
        "{{ environment }}",
        "{{ context }}",
        "{{ record.method() }}",
        "{{ record.__dict__ }}",
        "{{ stranger }}",
        "{{ stranger.x }}",
        "{{ stranger() }}",
        "{{ stranger['x'] }}",
        "{{ stranger|tojson }}",
        "{{ 'x'.encode() }}",
        "{{ '{0.__class__}'.format(1) }}",
    ],
)
def test_only_plain_data_can_be_reached(source: str) -> None:
    @dataclass
    class Record:
        name: str

        def method(self) -> str:
            raise AssertionError("called")

    class Stranger:
        x = "secret"

        def __call__(self) -> str:
            raise AssertionError("called")

        def __getitem__(self, name: str) -> str:
            raise AssertionError("read")

        def __str__(self) -> str:
            raise AssertionError("shown")

    said = error(source, {**CONTEXT, "record": Record("x"), "stranger": Stranger()})
    assert said.startswith("line 1: ") and "failed" not in said


def test_records_and_dates_of_the_caller_can_be_read() -> None:
    @dataclass
    class Record:
        name: str

    day = datetime.date(2026, 11, 21)
    assert render("{{ record.name }} {{ day }}", {"record": Record("x"), "day": day}) == "x 2026-11-21"
    assert error("{{ record.nam }}", {"record": Record("x")}) == (
        "line 1: there is no 'nam' in this object; did you mean 'name'?"
    )


def test_the_data_is_never_changed() -> None:
    data = {"event": {"Tag": [{"name": "a"}]}, "attributes": [{"value": "x", "type": "url"}]}
    before = repr(data)
    render(
        "{% set event = 1 %}{% for a in attributes %}{{ a.value }}{{ a|items }}{% endfor %}{{ attributes|sort(attribute='value') }}",
        data,
    )
    assert repr(data) == before and type(data["attributes"]) is list


@pytest.mark.parametrize(
    "context", [{}, {"x": object()}, {"attributes": None}, {"attributes": "x"}, {1: 2}, {"range": 5}]
)
def test_any_context_is_one(context: dict[Any, Any]) -> None:
    assert render("fine", context) == "fine"


@pytest.mark.parametrize(
    ("source", "context", "style"),
    [
        (None, {}, "plain"),
        (5, {}, "plain"),
        (b"x", {}, "plain"),
        ("x", None, "plain"),
        ("x", 5, "plain"),
        ("x", {}, "nope"),
        ("x", {}, None),
        ("x", {}, ["plain"]),
    ],
)
def test_even_a_wrong_call_gives_a_sentence(source: Any, context: Any, style: Any) -> None:
    with pytest.raises(TemplateError):
        render(source, context, style)
    assert issubclass(TemplateError, InputError)


def test_an_unknown_style_names_the_nearest() -> None:
    assert error("x", {}, "Slack") == "there is no style 'Slack' to render for; did you mean 'slack'?"


def test_check_finds_what_no_data_can_mend() -> None:
    check("{{ anything.goes|upper }}")
    for source in ("{{ a|upper", "{{ a|nope }}", "{% include 'x' %}", "{{ a is nope }}"):
        with pytest.raises(TemplateError, match=r"^line 1: "):
            check(source)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("event.id == '56'", True),
        ("{{ event.id|int > 50 }}", True),
        ("attributes(to_ids=true)|length == 3", False),
        ("'tlp:red' in tags", False),
        ("event.published", True),
        ("attributes|selectattr('type', 'eq', 'domain')|list", True),
        ("[]", False),
        ("nothing", False),
        ("'0'", False),
        ("'false'", False),
        ("' No '", False),
        ("'1'", True),
        ("'yes'", True),
        ("0", False),
        ("event.missing is defined", False),
        ("\n  event.id == '56'\n  and\n  tags\n", True),
    ],
)
def test_conditions(expression: str, holds: bool) -> None:
    assert condition(expression, CONTEXT) is holds


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("evnt.id == 5", "line 1: there is no 'evnt'; did you mean 'event'?"),
        ("event.id ==", "line 1: "),
        ("event.id == 5 7", "line 1: the condition goes on where it should end; is an operator missing?"),
        ("event.id = 5", "line 1: "),
        ("\nevent.id > 5", "line 2: these kinds of values do not go together"),
        ("", "the condition is empty"),
        ("{{ }}", "the condition is empty"),
        ("x if", "line 1: "),
        ("event|nope", "line 1: there is no filter 'nope'"),
        ("missing", "line 1: there is no 'missing'"),
    ],
)
def test_conditions_that_cannot_be_decided_are_errors(expression: str, said: str) -> None:
    with pytest.raises(TemplateError) as raised:
        condition(expression, CONTEXT)
    assert str(raised.value).startswith(said)


def test_error_sentences_show_no_hostile_text_raw() -> None:
    said = error("{{ event.x }}", {"event": {"x\r\n\u202e" + "y" * 40: 1}})
    assert "\r" not in said and "\u202e" not in said
    assert len(error("{{ event." + "x" * 5000 + " }}")) <= 310


def test_templates_are_compiled_once_and_not_kept_for_ever() -> None:
    compiling._compile_small.cache_clear()
    for _ in range(3):
        for style in ("plain", "slack", "json"):
            render('"{{ event.id }}"', CONTEXT, style)
    kept = compiling._compile_small.cache_info()
    assert (kept.misses, kept.hits) == (1, 8)
    for number in range(compiling.CACHED + 50):
        render(f"{{{{ event.id }}}}{number}", CONTEXT)
    assert compiling._compile_small.cache_info().currsize == compiling.CACHED
    for number in range(compiling.CACHED_LARGE + 5):
        render("x" * compiling.LARGE + str(number), CONTEXT)
    assert compiling._compile_large.cache_info().currsize == compiling.CACHED_LARGE


def test_threads_do_not_share_an_account() -> None:
    failures = []

    def work(style: str, wanted: str) -> None:
        for _ in range(200):
            made = render("{% for x in text|list %}{{ x }}{% endfor %}", {"text": "<&>"}, style)
            if made != wanted:
                failures.append(made)

    wanted = {"html": "&lt;&amp;&gt;", "plain": "<&>", "url_query": "%3C%26%3E", "rfc5424": "<&>"}
    threads = [threading.Thread(target=work, args=pair) for pair in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_jinja_that_writes_other_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling._intact.cache_clear()
    monkeypatch.setattr(compiling.SANDBOX, "code_generator_class", CodeGenerator)
    for refused in (lambda: render("x", {}), lambda: condition("1", {}), lambda: check("x")):
        with pytest.raises(TemplateError, match="do not work safely with Jinja"):
            refused()
    monkeypatch.undo()
    compiling._intact.cache_clear()
    assert render("x", {}) == "x"
