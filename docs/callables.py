"""What docs/templates-reference.md is made of: an example of every filter, test, function and method, and its output.

The outputs are made by running the examples, on the event of docs/templates.md; docs/build.py writes the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.settings import Settings
from misp_workflow.template import render

DOCS = Path(__file__).resolve().parent

FILTERS = {
    "abs": "{{ -3|abs }}",
    "ago": "{{ 1795212345|ago(1795219545) }}",
    "attributes": '{{ event|attributes(type="ip-*", to_ids=true)|length }}',
    "batch": "{{ [1, 2, 3]|batch(2, 0)|list }}",
    "bool": '{{ "0"|bool }}, {{ "1"|bool }}',
    "by_type": "{{ attributes|by_type|map('first')|list }}",
    "capitalize": '{{ "tLP red"|capitalize }}',
    "center": '{{ "mid"|center(7)|replace(" ", "-") }}',
    "count": "{{ tags|count }}",
    "d": '{{ event.nickname|d("none") }}',
    "date": '{{ event.timestamp|date }}, {{ event.timestamp|date("%H:%M %Z", "Europe/Berlin") }}',
    "defang": '{{ "https://evil.example/a"|defang }}',
    "default": '{{ event.nickname|default("none") }}, {{ ""|default("empty", true) }}',
    "dictsort": '{{ {"b": 1, "a": 2}|dictsort }}',
    "domain_of": '{{ "https://www.evil.example/a"|domain_of }}',
    "e": '{{ "<b>"|e }}',
    "escape": '{{ "<b>"|escape }}',
    "filesizeformat": "{{ 1536|filesizeformat }}, {{ 1536|filesizeformat(true) }}",
    "first": "{{ tags|first }}",
    "float": '{{ "2.5"|float + 1 }}',
    "format": '{{ "%s of %d"|format("one", 2) }}',
    "groupby": '{% for type, rows in attributes|groupby("category") %}{{ type }}: {{ rows|length }}; {% endfor %}',
    "in_network": '{{ "10.1.2.3"|in_network("10.0.0.0/8") }}',
    "in_networks": '{{ "2001:db8::1"|in_networks("10.0.0.0/8, 2001:db8::/32") }}',
    "indent": '{{ "one\\ntwo"|indent(2) }}',
    "int": '{{ "7"|int + 1 }}, {{ "x"|int(-1) }}',
    "is_private": '{{ "192.168.1.1"|is_private }}',
    "items": '{{ {"a": 1}|items }}',
    "join": '{{ ["a", "b"]|join(", ") }}',
    "last": "{{ [1, 2, 3]|last }}",
    "length": "{{ attributes|length }}",
    "link": '{{ "https://misp.example/events/view/56"|link("Event 56") }}',
    "list": "{{ range(3)|list }}",
    "lower": '{{ "TLP:RED"|lower }}',
    "map": '{{ attributes|map(attribute="type")|join(", ") }}',
    "matches": '{{ "evil42"|matches("^evil[0-9]+$") }}',
    "max": "{{ [3, 7, 5]|max }}",
    "min": "{{ [3, 7, 5]|min }}",
    "refang": '{{ "hxxps://evil[.]example/a"|refang }}',
    "regex_replace": '{{ "CVE-2026-0001"|regex_replace("CVE-(\\\\d+)-\\\\d+", "a CVE of \\\\1") }}',
    "registrable_domain": '{{ "https://login.evil.co.uk/a"|registrable_domain }}',
    "reject": '{{ [1, 2, 3]|reject("odd")|list }}',
    "rejectattr": '{{ attributes|rejectattr("type", "eq", "comment")|map(attribute="type")|list }}',
    "replace": '{{ "a-b-c"|replace("-", " ") }}',
    "reverse": '{{ "abc"|reverse }}, {{ [1, 2]|reverse|list }}',
    "round": '{{ 2.71828|round(2) }}, {{ 2.1|round(0, "ceil") }}',
    "select": '{{ [1, 2, 3]|select("odd")|list }}',
    "selectattr": '{{ attributes|selectattr("type", "eq", "domain")|map(attribute="value")|list }}',
    "slice": "{{ [1, 2, 3]|slice(2)|list }}",
    "sort": "{{ [3, 1, 2]|sort }}, {{ attributes|sort(attribute='type')|map(attribute='type')|first }}",
    "stix_id": "{{ event|stix_id }}",
    "string": "{{ 5|string ~ 6 }}",
    "sum": "{{ [1, 2, 3]|sum }}",
    "title": '{{ "network activity"|title }}',
    "tlp": '{{ event|tlp }}, {{ {}|tlp("unmarked") }}',
    "tojson": '{{ {"a": [1, true]}|tojson }}',
    "trim": '{{ "  to the point  "|trim }}',
    "truncate": '{{ "a long sentence"|truncate(8) }}, {{ "a long sentence"|truncate(8, true) }}',
    "unique": '{{ ["a", "b", "a"]|unique|list }}',
    "upper": '{{ "tlp:red"|upper }}',
    "urlencode": '{{ "a b&c"|urlencode }}',
    "wordcount": '{{ "one two three"|wordcount }}',
    "wordwrap": '{{ "one two three"|wordwrap(8) }}',
}
TESTS = {
    "boolean": "{{ true is boolean }}",
    "defined": "{{ event.info is defined }}",
    "divisibleby": "{{ 9 is divisibleby 3 }}",
    "eq": "{{ 1 is eq 1 }}",
    "equalto": "{{ 1 is equalto 1 }}",
    "even": "{{ 4 is even }}",
    "false": "{{ false is false }}",
    "float": "{{ 1.5 is float }}",
    "ge": "{{ 2 is ge 2 }}",
    "greaterthan": "{{ 2 is greaterthan 1 }}",
    "gt": "{{ 2 is gt 1 }}",
    "in": '{{ "tlp:amber" is in tags }}',
    "in_network": '{{ "10.1.2.3" is in_network("10.0.0.0/8") }}',
    "in_networks": '{{ "10.1.2.3" is in_networks(["192.0.2.0/24", "10.0.0.0/8"]) }}',
    "integer": "{{ 1 is integer }}",
    "is_private": '{{ "8.8.8.8" is is_private }}',
    "iterable": "{{ tags is iterable }}",
    "le": "{{ 2 is le 2 }}",
    "lessthan": "{{ 1 is lessthan 2 }}",
    "lower": '{{ "abc" is lower }}',
    "lt": "{{ 1 is lt 2 }}",
    "mapping": "{{ event is mapping }}",
    "matches": '{{ "evil42" is matches("^EVIL", ignore_case=true) }}',
    "ne": "{{ 1 is ne 2 }}",
    "none": "{{ attributes[0].comment is none }}",
    "number": "{{ event.id|int is number }}",
    "odd": "{{ 3 is odd }}",
    "private": '{{ "10.1.2.3" is private }}',
    "sequence": "{{ tags is sequence }}",
    "string": "{{ event.info is string }}",
    "true": "{{ event.published is true }}",
    "undefined": "{{ event.nickname is undefined }}",
    "upper": '{{ "ABC" is upper }}',
    **{sign: f'{{{{ [1, 2, 3]|select("{sign}", 2)|list }}}}' for sign in ("==", "!=", "<", "<=", ">", ">=")},
}
FUNCTIONS = {
    "attributes": '{{ attributes(type="domain")|length }}',
    "dict": "{{ dict(a=1, b=2) }}",
    "namespace": "{% set n = namespace(of=0) %}{% for t in tags %}{% set n.of = n.of + 1 %}{% endfor %}{{ n.of }}",
    "now": "{{ now() is gt event.date }}",
    "range": "{{ range(1, 4)|list }}",
}
OF_TEXT = {
    "capitalize": '{{ "tLP red".capitalize() }}',
    "casefold": '{{ "STRASSE".casefold() }}',
    "center": '{{ "mid".center(7, "-") }}',
    "count": '{{ "a.b.c".count(".") }}',
    "endswith": '{{ "evil.example".endswith(".example") }}',
    "find": '{{ "evil.example".find(".") }}',
    "isalnum": '{{ "abc1".isalnum() }}',
    "isalpha": '{{ "abc1".isalpha() }}',
    "isdecimal": '{{ "12".isdecimal() }}',
    "isdigit": '{{ "12".isdigit() }}',
    "islower": '{{ "abc".islower() }}',
    "isnumeric": '{{ "12".isnumeric() }}',
    "isspace": '{{ " ".isspace() }}',
    "isupper": '{{ "abc".isupper() }}',
    "join": '{{ ", ".join(["a", "b"]) }}',
    "ljust": '{{ "left".ljust(7, "-") }}',
    "lower": '{{ "ABC".lower() }}',
    "lstrip": '{{ "00042".lstrip("0") }}',
    "partition": '{{ "tlp:red".partition(":") }}',
    "removeprefix": '{{ "tlp:red".removeprefix("tlp:") }}',
    "removesuffix": '{{ "a.example".removesuffix(".example") }}',
    "replace": '{{ "a-b-c".replace("-", " ", 1) }}',
    "rfind": '{{ "a.b.c".rfind(".") }}',
    "rjust": '{{ "right".rjust(7, "-") }}',
    "rpartition": '{{ "a.b.c".rpartition(".") }}',
    "rstrip": '{{ "1.500".rstrip("0") }}',
    "split": '{{ "198.51.100.7|443".split("|") }}',
    "splitlines": '{{ "one\\ntwo".splitlines() }}',
    "startswith": '{{ "tlp:red".startswith("tlp:") }}',
    "strip": '{{ " a ".strip() }}',
    "swapcase": '{{ "aBc".swapcase() }}',
    "title": '{{ "network activity".title() }}',
    "upper": '{{ "abc".upper() }}',
    "zfill": '{{ "42".zfill(5) }}',
}
OF_OBJECTS = {
    "get": '{{ event.get("nickname", "none") }}',
    "items": '{{ {"a": 1}.items() }}',
    "keys": '{{ {"a": 1}.keys() }}',
    "values": '{{ {"a": 1}.values() }}',
}
OF_LISTS = {
    "count": '{{ ["a", "b", "a"].count("a") }}',
    "index": '{{ ["a", "b"].index("b") }}',
}
_EACH = "{{% for t in tags %}}{{{{ loop.{} }}}} {{% endfor %}}"
OF_LOOPS = {
    **{
        name: _EACH.format(name)
        for name in "index index0 revindex revindex0 first last length depth depth0".split()  # noqa: SIM905
    },
    "previtem": "{% for n in [1, 2] %}{{ loop.previtem|default('nothing') }} before {{ n }}; {% endfor %}",
    "nextitem": "{% for n in [1, 2] %}{{ loop.nextitem|default('nothing') }} after {{ n }}; {% endfor %}",
    "cycle": "{% for n in [1, 2, 3] %}{{ loop.cycle('odd', 'even') }} {% endfor %}",
    "changed": "{% for n in [1, 1, 2] %}{{ loop.changed(n) }} {% endfor %}",
}
PARTS: dict[str, tuple[str, Mapping[str, str]]] = {
    "Filters": ("`{{ value|filter }}`", FILTERS),
    "Tests": ('`{{ value is test }}`; also by name: `select("odd")`', TESTS),
    "Functions": ("", FUNCTIONS),
    "Methods of texts": ("", OF_TEXT),
    "Methods of objects": ("", OF_OBJECTS),
    "Methods of lists": ("", OF_LISTS),
    "The loop": ("Inside `{% for %}`.", OF_LOOPS),
}
STYLES = {"link": "slack"}
"""Examples that say more in another style than that for machines."""

HEAD = """# Every filter, test, function and method

What a template may call, each with an example and what it gives: made by running it, on the event of
[templates.md](templates.md), which says what they are for. `⏎` is a line break. What is not here cannot be called.
"""


def context() -> Mapping[str, object]:
    """Return the names that the examples use: those of a call about the event of docs/templates.md."""
    shown = re.search(r"^```json\n(.*?)\n```$", (DOCS / "templates.md").read_text(encoding="utf-8"), re.M | re.S)
    assert shown, "docs/templates.md shows an event"
    call = Call(params=Params(), data=json.loads(shown[1]), selected=None, settings=Settings(), withheld="")
    return call.context


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_parts()])


def _parts() -> Iterator[str]:
    names = context()
    for title, (how, examples) in PARTS.items():
        yield from [f"## {title}", "", *([how, ""] if how else []), "| name | example | gives |", "| --- | --- | --- |"]
        for name in sorted(examples):
            said = render(examples[name], names, STYLES.get(name, "text")).strip(" ")
            yield f"| `{name}` | {_code(examples[name])} | {_code(said)} |"
        yield ""


def _code(text: str) -> str:
    return "`" + text.replace("\n", "⏎").replace("|", "\\|") + "`"
