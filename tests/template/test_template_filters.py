"""What analysts ask of a template: each filter, and what is defanged where."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.errors import TemplateError
from misp_workflow.template import STYLES, render
from misp_workflow.template.defanging import defang, defang_indicator, refang, soften

UUID = "5e8f2b3c-1d2e-4f5a-8b9c-0d1e2f3a4b5c"

ATTRIBUTES = [
    {"type": "ip-dst", "value": "203.0.113.7", "to_ids": "1", "category": "Network activity"},
    {
        "type": "domain",
        "value": "evil.example",
        "to_ids": True,
        "category": "Network activity",
        "Tag": [{"name": "tlp:red"}],
    },
    {"type": "url", "value": "https://a.evil.example/x.php", "to_ids": 0, "category": "External analysis"},
    {"type": "ip-dst", "value": "2001:db8::7", "to_ids": 1, "category": "Network activity", "deleted": "1"},
    {"type": "ip-dst|port", "value": "203.0.113.9|8080", "to_ids": "0", "category": "Network activity"},
    {"type": "sha256", "value": "ab" * 32, "to_ids": "1", "category": "Payload delivery"},
    {"type": "comment", "value": "see http://evil.example and evil.com", "to_ids": False, "category": "Other"},
]
CONTEXT: dict[str, Any] = {"attributes": ATTRIBUTES, "event": {"Attribute": ATTRIBUTES, "info": "x", "uuid": UUID}}


def shown(source: str, style: str = "plain", **context: Any) -> str:
    return render(source, {**CONTEXT, **context}, style)


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ("", 6),
        ("type='ip-dst'", 1),
        ("type='ip-dst', deleted=true", 2),
        ("type='IP-*'", 2),
        ("type=['domain', 'url']", 2),
        ("type='nothing'", 0),
        ("to_ids=true", 3),
        ("to_ids='1'", 3),
        ("to_ids=false", 3),
        ("category='Network*'", 3),
        ("tag='tlp:*'", 1),
        ("tag=['tlp:green', 'tlp:amber']", 0),
        ("type='ip*', to_ids=true, category='Network activity'", 1),
    ],
)
def test_attributes_are_chosen(choice: str, count: int) -> None:
    assert shown(f"{{{{ attributes({choice})|length }}}}") == str(count)
    assert shown(f"{{{{ event|attributes({choice})|length }}}}") == str(count)
    assert shown(f"{{{{ data|attributes({choice})|length }}}}", data={"Event": CONTEXT["event"]}) == str(count)
    assert shown(f"{{{{ attributes|attributes({choice})|length }}}}") == str(count)


def test_attributes_hide_in_objects_too() -> None:
    event = {"Object": [{"Attribute": ATTRIBUTES[:2]}], "Attribute": {"3": ATTRIBUTES[2]}}
    assert shown("{{ event|attributes|map(attribute='type')|join(' ') }}", event=event) == "url ip-dst domain"


@pytest.mark.parametrize("wrong", ["5", "'x'", "true", "none"])
def test_what_holds_no_attributes(wrong: str) -> None:
    with pytest.raises(TemplateError, match="holds no attributes"):
        shown(f"{{{{ ({wrong})|attributes }}}}")


def test_counts_by_type() -> None:
    source = "{% for type, rows in attributes|by_type %}{{ type }} {{ rows|length }} {{ rows(to_ids=true)|length }};{% endfor %}"
    assert shown(source) == "comment 1 0;domain 1 1;ip-dst 1 1;ip-dst|port 1 0;sha256 1 1;url 1 0;"
    many = [{"type": "b"}, {"type": "a"}, {"type": "b"}, {"type": None}, "no attribute"]
    assert shown("{% for t, r in many|by_type %}{{ t }}{{ r|length }} {% endfor %}", many=many) == "b2 a1 unknown1 "


PEOPLE = [name for name, style in STYLES.items() if style.people]
MACHINES = [name for name, style in STYLES.items() if not style.people and name != "json"]


def test_indicators_are_dead_where_people_read() -> None:
    source = "{% for a in attributes %}{{ a.value }}\n{% endfor %}"
    assert shown(source).splitlines() == [
        "203[.]0[.]113[.]7",
        "evil[.]example",
        "hxxps://a[.]evil[.]example/x.php",
        "2001[:]db8[:][:]7",
        "203[.]0[.]113[.]9|8080",
        "ab" * 32,
        "see hxxp://evil[.]example and evil[.]com",
    ]
    for way in (
        "{{ a['value'] }}",
        "{{ a.get('value') }}",
        "{{ a.values()|first }}",
        "{{ (a|items|first)[1] }}",
        "{{ [a]|map(attribute='value')|first }}",
        "{{ [a]|map(attribute='value')|join }}",
        "{{ a.value ~ '' }}",
        "{{ a.value + '' }}",
        "{{ '%s' % a.value }}",
        "{{ '%s'|format(a.value) }}",
        "{{ a.value|trim|lower|replace('x', 'y')|truncate(50) }}",
        "{{ a.value.strip().split('|')[0] }}",
        "{{ a.value[:] }}",
        "{{ [a.value, 1] }}",
        "{{ (a.value, [1]) }}",
        "{{ [a] }}{{ a }}",
        "{{ a|tojson }}{{ [a.value]|tojson }}",
        "{{ '%s' % [a.value] }}",
        "{% set x %}{{ a.value }}{% endset %}{{ x }}",
        "{% macro m(v) %}{{ v }}{% endmacro %}{{ m(a.value) }}",
    ):
        for style in PEOPLE:
            made = shown("{% set a = only %}" + way, style, only={"value": "evil.test", "type": "domain"})
            assert "evil.test" not in made and "evil" in made, (way, style)
        for style in MACHINES:
            made = shown("{% set a = only %}" + way, style, only={"value": "evil.test", "type": "domain"})
            assert "evil.test" in unquote(made), (way, style)


def test_machines_get_indicators_as_they_are() -> None:
    made = shown("[{% for a in attributes %}{{ a.value }}{{ ',' if not loop.last }}{% endfor %}]", "json")
    assert json.loads(made) == [row["value"] for row in ATTRIBUTES]


def test_who_wants_them_alive_says_so() -> None:
    assert shown("{{ attributes[1].value|refang }} {{ attributes[2].value|refang }}") == (
        "evil.example https://a.evil.example/x.php"
    )
    assert shown("{{ attributes|map(attribute='value')|map('refang')|join(' ') }}").startswith(
        "203.0.113.7 evil.example"
    )
    assert shown("{{ 'hxxps[:]//evil[.]example'|refang }}", "html") == "https://evil.example"
    assert shown("{{ 'see evil.test/x'|defang }}", "text") == "see evil[.]test/x"


@pytest.mark.parametrize(
    ("live", "dead"),
    [
        ("http://evil.example", "hxxp://evil[.]example"),
        ("https://user:pw@www.evil.example:8080/a.b?c=d.e#f", "hxxps://user:pw@www[.]evil[.]example:8080/a.b?c=d.e#f"),
        ("ftp://evil.example/x", "fxp://evil[.]example/x"),
        ("ms-msdt://x.y", "ms-msdt[://]x[.]y"),
        ("evil.example", "evil[.]example"),
        ("a.b.evil-1.example", "a[.]b[.]evil-1[.]example"),
        ("203.0.113.7", "203[.]0[.]113[.]7"),
        ("mail a.b@evil.example now", "mail a.b[@]evil[.]example now"),
        ("münchen.example", "münchen[.]example"),
        ("xn--mnchen-3ya.xn--p1ai", "xn--mnchen-3ya[.]xn--p1ai"),
        ("two http://a.example,http://b.example", "two hxxp://a[.]example,hxxp://b[.]example"),
        ("version 1.2.3 of it. And so on.", "version 1.2.3 of it. And so on."),
        ("no indicator", "no indicator"),
        ("", ""),
    ],
)
def test_defanging(live: str, dead: str) -> None:
    assert defang(live) == dead
    assert defang(dead) == dead, "a second time changes nothing"
    assert refang(dead) == live


@pytest.mark.parametrize(
    ("live", "dead"),
    [
        ("2001:db8::7", "2001[:]db8[:][:]7"),
        ("203.0.113.0/24", "203[.]0[.]113[.]0/24"),
        ("evil.unknowntld|203.0.113.7", "evil[.]unknowntld|203[.]0[.]113[.]7"),
        ("a@evil.example", "a[@]evil[.]example"),
        ("https://evil.unknowntld/a.b", "hxxps://evil[.]unknowntld/a.b"),
        ("evil[.]example", "evil[.]example"),
        ("localhost", "localhost"),
    ],
)
def test_defanging_what_is_known_to_be_an_indicator(live: str, dead: str) -> None:
    assert defang_indicator(live) == dead


@pytest.mark.parametrize(
    ("prose", "soft"),
    [
        ("see https://www.circl.lu/a.b", "see hxxps://www[.]circl[.]lu/a.b"),
        ("www.evil.com!", "www[.]evil[.]com!"),
        ("mail me@evil.example", "mail me@evil[.]example"),
        ("dropped setup.exe and report.pdf, e.g. main.py", "dropped setup.exe and report.pdf, e.g. main.py"),
        ("from 203.0.113.7", "from 203[.]0[.]113[.]7"),
        ("v1.2.3", "v1.2.3"),
        (
            "Phish via www.login-bank.sbs, login-bank.tk/reset",
            "Phish via www[.]login-bank[.]sbs, login-bank[.]tk/reset",
        ),
        ("visit evil.pw", "visit evil[.]pw"),
        (
            "Evil.ZIP or evil.com.mx, evil.рф xn--80ak6aa92e.com",
            "Evil[.]ZIP or evil[.]com[.]mx, evil[.]рф xn--80ak6aa92e[.]com",
        ),
        ("evil.xn--p1ai and evil.github.io", "evil[.]xn--p1ai and evil[.]github[.]io"),
        ("-evil.com, evil.com- and @evil.com", "-evil[.]com, evil[.]com- and @evil[.]com"),
        ("_dmarc.evil.com", "_dmarc[.]evil[.]com"),
        ("see...evil.com or http:/evil.com", "see...evil[.]com or http:/evil[.]com"),
        ("198.51.100.1-198.51.100.9", "198[.]51[.]100[.]1-198[.]51[.]100[.]9"),
        ("go to evil.com.Then wait", "go to evil[.]com.Then wait"),
        ("com.apple.Finder, System.Net.Sockets, ld.so.preload, java.net.Socket, android.app.Activity: code", None),
        ("blob/main/README-en.md, _@Explanation@_.hta", None),
        ("tool-1.2.3.4, setup-1.2.3.4.exe, 1.2.3.4-rc1", None),
        ("evil.com/a.b.com?x=y.de", "evil[.]com/a.b.com?x=y[.]de"),
        ("www.whatever.notld", "www[.]whatever[.]notld"),
        ("(10.1.2.3:8080/x)", "(10[.]1[.]2[.]3:8080/x)"),
        ("a.b.evil.co.ck", "a[.]b[.]evil[.]co[.]ck"),
        ("evil[.]pw stays", "evil[.]pw stays"),
        ("archive.tar.gz, libfoo.dll, node.js, invoice.docx", "archive.tar.gz, libfoo.dll, node.js, invoice.docx"),
        ("i.e. this. And that", "i.e. this. And that"),
    ],
)
def test_prose_keeps_its_dots_but_no_links(prose: str, soft: str) -> None:
    soft = prose if soft is None else soft
    assert soften(prose) == soft
    assert soften(soft) == soft, "a second time changes nothing"


def test_every_end_that_the_list_knows_is_dead() -> None:
    """Not a choice of them: whatever can be registered can be linked."""
    source = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    ends = [line for line in source.splitlines() if line.isalpha() and 2 <= len(line) <= 24 and line != "py"]
    assert len(ends) > 1_000
    assert [end for end in ends if soften(f"see evil.{end} now") != f"see evil[.]{end} now"] == []


@given(st.text(st.sampled_from("ab1.:/@[]()hxtps -|"), max_size=60))
def test_defanged_text_has_no_live_scheme(text: str) -> None:
    for dead in (defang(text), soften(text), defang_indicator(text)):
        assert "http://" not in dead and "https://" not in dead
    assert defang(defang(text)) == defang(text)


@pytest.mark.parametrize(
    ("of", "level"),
    [
        ({"Tag": [{"name": "tlp:amber"}]}, "TLP:AMBER"),
        ({"Tag": [{"name": "TLP:Amber+Strict"}, {"name": "tlp:green"}]}, "TLP:AMBER+STRICT"),
        ({"Event": {"Tag": [{"name": "tlp:white"}]}}, "TLP:CLEAR"),
        ({"AttributeTag": [{"Tag": {"name": "tlp:red"}}]}, "TLP:RED"),
        (["x", "tlp:green"], "TLP:GREEN"),
        ([{"name": "tlp:green"}], "TLP:GREEN"),
        ("tlp:red", "TLP:RED"),
        ({}, "unmarked"),
        ([], "unmarked"),
    ],
)
def test_tlp(of: Any, level: str) -> None:
    assert shown("{{ of|tlp('unmarked') }}", of=of) == level
    assert shown("{{ of|tlp }}", of=of) == level.removeprefix("unmarked")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1700000000", "2023-11-14 22:13 UTC"),
        (1700000000, "2023-11-14 22:13 UTC"),
        (1700000000.9, "2023-11-14 22:13 UTC"),
        ("2024-01-31", "2024-01-31 00:00 UTC"),
        ("2024-01-31T12:30:00+02:00", "2024-01-31 10:30 UTC"),
        ("2024-01-31T12:30:00Z", "2024-01-31 12:30 UTC"),
        ("2024-01-31 12:30:00", "2024-01-31 12:30 UTC"),
        ("", ""),
        (None, ""),
        ("tomorrow", ""),
        ("9" * 12, ""),
        (10**30, ""),
        ([], ""),
        (float("nan"), ""),
    ],
)
def test_dates(value: Any, written: str) -> None:
    assert shown("{{ value|date }}", value=value) == written


def test_date_formats() -> None:
    assert shown("{{ 0|date('%d.%m.%Y') }} {{ 0|date('%A %-d %b %y, %H:%M:%S %%') }}") == (
        "01.01.1970 Thursday 1 Jan 70, 00:00:00 %"
    )


@pytest.mark.parametrize(
    ("of", "stix"),
    [
        ({"type": "ip-dst", "value": "x", "to_ids": "1", "uuid": UUID}, f"indicator--{UUID}"),
        ({"type": "ip-dst", "value": "x", "to_ids": False, "uuid": UUID.upper()}, f"observed-data--{UUID}"),
        ({"type": "vulnerability", "value": "x", "uuid": UUID}, f"vulnerability--{UUID}"),
        ({"type": "campaign-name", "value": "x", "to_ids": "1", "uuid": UUID}, f"campaign--{UUID}"),
        ({"info": "x", "published": "1", "uuid": UUID}, f"report--{UUID}"),
        ({"Event": {"info": "x", "published": 0, "uuid": UUID}}, f"grouping--{UUID}"),
        ({"name": "CIRCL", "uuid": UUID}, f"identity--{UUID}"),
        ({"meta-category": "file", "Attribute": [{"to_ids": 1}], "uuid": UUID}, f"indicator--{UUID}"),
        ({"template_uuid": UUID, "Attribute": [{"to_ids": 0}], "uuid": UUID}, f"observed-data--{UUID}"),
        ({"info": "x"}, ""),
        # MISP-STIX gives version 5 ids to uuids of other versions and to what is none, in its own namespace.
        ({"info": "x", "uuid": "not-a-uuid"}, "grouping--b2dd35b4-072a-55cb-a0d7-9308495d10b5"),
    ],
)
def test_stix_ids(of: dict[str, Any], stix: str) -> None:
    assert shown("{{ of|stix_id }}", of=of) == stix


def test_stix_ids_of_other_kinds() -> None:
    assert shown("{{ event|stix_id('note') }}") == f"note--{UUID}"
    for wrong in ("{{ event|stix_id('Note!') }}", "{{ 5|stix_id }}"):
        with pytest.raises(TemplateError):
            shown(wrong)


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ 'one two three'|truncate(9) }}", "one two…"),
        ("{{ 'one two three'|truncate(9, true) }}", "one two …"),
        ("{{ 'one two three'|truncate(9, end='') }}", "one two"),
        ("{{ 'short'|truncate(9) }}", "short"),
        ("{{ {'b': 1, 'a': [true, none]}|tojson }}", '{"b": 1, "a": [true, null]}'),
        ("{{ {'a': 1}|tojson(2) }}", '{\n  "a": 1\n}'),
        ("{{ 'é\"'|tojson }}", '"é\\""'),
        ("{{ '0'|bool }}{{ 1|bool }}{{ 'true'|bool }}{{ ''|bool }}", "falsetruetruefalse"),
    ],
)
def test_other_filters(source: str, made: str) -> None:
    assert shown(source) == made


def test_real_events(captures: dict[str, Any]) -> None:
    source = (
        "{{ event.info }} {{ event|tlp('TLP unmarked') }} {{ event.timestamp|date }} {{ event|stix_id }}\n"
        "{% for type, rows in attributes|by_type %}{{ type }}: {{ rows|map(attribute='value')|join(', ') }}\n{% endfor %}"
    )
    data = captures["event-publish"]["data"]
    context = {"event": data["Event"], "attributes": data["Event"]["_AttributeFlattened"]}
    for style in STYLES:
        if style != "json":
            assert str(data["Event"]["id"]) not in render(source, context, style).split()[:1]
            assert len(render(source, context, style).splitlines()) > 2
