"""Whatever an event says, it arrives as text: every hostile text in every style, read as the place reads it."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from hostile_corpus import hostile_texts
from hypothesis import example, given
from hypothesis import strategies as st
from style_readers import ALIKE, EXACT, PEOPLE, READERS, no_emphasis

from misp_workflow.errors import TemplateError
from misp_workflow.template import STYLES, Live, render
from misp_workflow.template.people import GAP

TEXTS = hostile_texts()
ANY_TEXT = st.text(st.characters(), max_size=80) | st.text(
    "<>@#!|[]()*_`~&=+-.\\/\"'{}%$: \t\r\n0aé\u202e\ud800", max_size=40
)


def squeezed(text: str) -> str:
    """Layout is not what matters: a chat joins lines and drops spaces. Nor do signs that look alike."""
    text = "".join(text.split())
    return text if set(text).isdisjoint(map(chr, ALIKE)) else text.translate(ALIKE)


def whole(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def read(style: str, text: str) -> str:
    made = render("{{ text }}", {"text": text}, style)
    made.encode()
    return READERS[style](made)


wanted_as = cache(read)  # the same for many styles


def test_every_style_has_a_reader() -> None:
    assert READERS.keys() == STYLES.keys()
    assert {style.name for style in STYLES.values() if style.people} == set(PEOPLE)


@pytest.mark.parametrize("style", STYLES)
def test_hostile_text_arrives_as_text(style: str) -> None:
    for name, text in TEXTS.items():
        try:
            seen = read(style, text)
        except AssertionError as error:
            pytest.fail(f"{name}: {error}")
        if style in PEOPLE:
            wanted = wanted_as("plain", text)
        elif style not in EXACT:
            wanted = wanted_as("text", text)
        elif style == "json" or len(text) <= 100_000:
            wanted = (
                whole(text).replace("\ufdd0", "\ufffd").replace("\ufdd1", "\ufffd") if style == "json" else whole(text)
            )
        else:
            assert "(cut: " in seen, name
            continue
        assert squeezed(seen) == squeezed(wanted), name


@pytest.mark.parametrize("style", [style for style in STYLES if style != "json"])
def test_long_values_say_that_they_are_cut(style: str) -> None:
    made = READERS[style](render("{{ text }}", {"text": "a" * 10_000_000}, style))
    assert made.endswith("… (cut: 10,000,000 characters)") and len(made) == 100_000


@pytest.mark.parametrize("style", STYLES)
@given(text=ANY_TEXT)
@example(text="\ud83d")
@example(text="")
def test_any_text_arrives_as_text(style: str, text: str) -> None:
    seen = read(style, text)
    wanted = read("plain" if style in PEOPLE else "text", text) if style not in EXACT else whole(text)
    if style == "json":
        wanted = re.sub("[\ufdd0\ufdd1]", "\ufffd", wanted)
    if style == "csv":  # an apostrophe of the text's own reads like ours
        seen, wanted = seen.lstrip("'"), wanted.lstrip("'")
    assert squeezed(seen) == squeezed(wanted)


@pytest.mark.parametrize("style", ["slack", "googlechat", "rocketchat", "anywhere"])
@given(text=ANY_TEXT | st.text("*_~`a1 .>\n-", max_size=20))
@example(text="*Urgent* _read_ ~this~ `now`")
@example(text="__init__.py")
@example(text="a*b*c *d e* f*g")
@example(text="*a\n* b")
@example(text="* * *a *b")
@example(text="a__b _ __")
def test_a_chat_without_escapes_takes_no_mark_out_of_a_value(style: str, text: str) -> None:
    no_emphasis(render("{{ text }}", {"text": text}, style), style)


@pytest.mark.parametrize(
    "text",
    [
        *("*.evil", "snake_case_name", "~/a", "a_b _c", "5*3"),
        *("*.exe, *.dll", "*.exe\n*.dll", r"C:\PROGRA~1\FOO~1.EXE", "~/a ~/b", "2 * 3 * 4", "a*b*c", "_a _b"),
    ],
)
def test_marks_that_are_no_pair_stay_what_they_are(text: str) -> None:
    assert render("{{ text }}", {"text": text}, "slack") == text


@pytest.mark.parametrize("style", ["slack", "googlechat", "rocketchat", "anywhere"])
@pytest.mark.parametrize(
    "text", ["*Urgent*", "x *a\nb*", "*a*b", "a*b*", "(~gone~)", "_now_", "*.exe *bold*", "`a`\n`b`"]
)
def test_what_may_be_a_pair_becomes_signs_that_look_alike(text: str, style: str) -> None:
    """Also over two lines: a title and the label of a link are put on one."""
    made = render("{{ text }}", {"text": text}, style)
    assert not set(made) & set("*_~`") and made.translate(ALIKE).replace("\u200b", "") == text


def test_the_marks_of_an_author_work() -> None:
    assert render("*{{ text }}*", {"text": "*x*"}, "slack") == "*\u2217x\u2217*", "the author's own marks work"


@given(parts=st.lists(ANY_TEXT, max_size=4))
@example(parts=["#", "0"])
def test_values_side_by_side_make_no_more_than_each(parts: list[str]) -> None:
    for style in ("slack", "html", "header", "rfc5424", "cef", "url_query"):
        made = render("{% for part in parts %}{{ part }}{% endfor %}", {"parts": parts}, style)
        READERS[style](made)


@given(before=st.sampled_from(["", "x", "x ", "\n", "- "]), text=ANY_TEXT, after=st.sampled_from(["", "x", " x", "\n"]))
def test_markdown_next_to_other_text(before: str, text: str, after: str) -> None:
    source = before.replace("- ", "") + "{{ text }}" + after
    READERS["markdown"](render(source, {"text": text}, "markdown"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON_VALUES, text=ANY_TEXT)
def test_a_json_body_stays_json_with_the_same_members(value: object, text: str) -> None:
    source = """
    {%- macro shown(it) %}{{ it }}{% endmacro -%}
    {%- set held %}{{ text }}{% endset -%}
    {"inside": "a {{ value }} b", "value": {{ value }}, "json": {{ value|tojson }}, "in": "{{ value|tojson }}",
     "macro": {{ shown(text) }}, "in macro": "<{{ shown(text) }}>", "set": {{ held }}, "joined": "{{ held ~ text }}",
     "list": [{% for each in [text, text] %}{{ each }}{% if not loop.last %}, {% endif %}{% endfor %}]}"""
    made = render(source, {"value": value, "text": text}, "json")
    found = json.loads(made)
    assert list(found) == ["inside", "value", "json", "in", "macro", "in macro", "set", "joined", "list"]
    same = re.sub("[\ufdd0\ufdd1]", "\ufffd", whole(text))
    assert found["macro"] == found["set"] == same
    assert found["in macro"] == f"<{same}>"
    assert found["joined"] == same + same
    assert found["list"] == [same, same]
    assert found["value"] == found["json"]
    assert all(isinstance(found[name], str) for name in ("inside", "in"))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('{"a": {{ text }}', "is not JSON"),
        ('{"a": "\\{{ text }}"}', "backslash"),
        ('{"a": NaN}', "NaN"),
        ("", "is not JSON"),
        ('{"a": "x{{ text }}}', "is not JSON"),
    ],
)
def test_what_is_no_json_is_an_error(source: str, why: str) -> None:
    with pytest.raises(TemplateError, match=why):
        render(source, {"text": 'n", "b": "'}, "json")


def test_numbers_keep_their_kind_in_json() -> None:
    made = render(
        '[{{ a }}, {{ b }}, {{ c }}, {{ d }}, "{{ a }}"]', {"a": 5, "b": True, "c": None, "d": float("inf")}, "json"
    )
    assert json.loads(made) == [5, True, None, None, "5"]


HOLES = {
    "macro": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(text) }}",
    "macro in macro": "{% macro m(x) %}{{ x }}{% endmacro %}{% macro n(x) %}{{ m(x) }}{% endmacro %}{{ n(text) }}",
    "macro cut apart": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(text)[1:] }}{{ m(text)[0] if text else '' }}",
    "macro through filters": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(text)|replace('a', text)|truncate(9) }}",
    "macro through methods": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m('a').replace('a', text) ~ m('').join([text]) }}",
    "format of finished": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m('%s') % text }}{{ m('%s')|format(text) }}",
    "multiplied": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(text) * 2 }}{{ [m(text)] + [text] }}",
    "added": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m('') + text }}{{ text + m('') }}{{ text ~ m('') ~ text }}",
    "joined": "{% macro m(x) %}{{ x }}{% endmacro %}{{ [m(''), text]|join(text) }}{{ [text, text]|join(m('')) }}",
    "set block": "{% set x %}{{ text }}{% endset %}{{ x }}",
    "set block with filter": "{% set x | replace('X', text) %}X{% endset %}{{ x }}",
    "filter block": "{% filter replace('X', text) %}X{% endfilter %}",
    "filter blocks": "{% filter upper | replace('X', text) %}x{% endfilter %}",
    "call block": "{% macro m(x) %}{{ caller(x) }}{% endmacro %}{% call(y) m(text) %}{{ y }}{{ text }}{% endcall %}",
    "call of data": "{% set ns = namespace(x=text) %}{{ ns.x }}{{ dict(a=text).a }}{{ {'a': text}['a'] }}",
    "default": "{{ nothing|default(text) }}{{ ''|default(text, true) }}",
    "condition": "{{ text if true else '' }}{{ '' or text }}{{ text and text }}",
    "escape twice": "{{ text|e|escape }}",
    "string": "{{ text|string }}{{ text|trim }}{{ [text]|first }}{{ text|list|join }}",
    "json text": "{{ [text]|tojson }}{{ {'a': text}|tojson }}",
    "recursive loop": "{% for x in [[text, []]] recursive %}{{ x[0] if x else '' }}{{ loop(x[1]) }}{% endfor %}",
    "with": "{% with x = text %}{{ x }}{% endwith %}",
    "link label": "{{ 'https://misp.example/'|link(text)|length }}{{ 'x'|link(text) }}{{ ''|link(text) }}",
}


@pytest.mark.parametrize(
    "style", ["slack", "html", "markdown", "zulip", "header", "rfc5424", "cef", "cef_header", "text"]
)
@pytest.mark.parametrize("name", HOLES)
def test_no_construct_lets_raw_text_through(name: str, style: str) -> None:
    for label, text in hostile_texts(largest=500).items():
        made = render("x" + HOLES[name], {"text": text}, style)  # so that no value starts a line by itself
        try:
            READERS[style](made)
        except AssertionError as error:
            pytest.fail(f"{label}: {error}: {made!r}")


def test_a_link_is_one_only_where_the_author_makes_it() -> None:
    address, label = "https://misp.example/events/view/5?a=1&b=(2)", "Event <5> | [x](y) *b*"
    shown = {
        style: render("{{ address|link(label) }}", {"address": address, "label": label}, style)
        for style in STYLES
        if style != "json"
    }
    assert shown["plain"] == "Event <5> | [x](y) *b* (https://misp.example/events/view/5?a=1&b=%282%29)"
    assert (
        shown["slack"]
        == "<https://misp.example/events/view/5?a=1&amp;b=%282%29|Event &lt;5&gt; ¦ [x](y) \u2217b\u2217>"
    )
    assert shown["googlechat"].startswith("<https://misp.example/events/view/5?a=1&b=%282%29|Event <\u200b5> ¦ ")
    assert shown["markdown"] == r"[Event \<5\> \| \[x\](y) \*b\*](https://misp.example/events/view/5?a=1&b=%282%29)"
    assert shown["html"] == (
        '<a href="https://misp.example/events/view/5?a=1&amp;b=%282%29">Event &lt;5&gt; | [x](y) *b*</a>'
    )
    assert shown["text"] == "https://misp.example/events/view/5?a=1&b=%282%29"
    for bad in ("javascript:alert(1)", "//evil.example", "https:evil", "data:text/html,x", "", "https://"):
        assert "href" not in render("{{ address|link('x') }}", {"address": bad}, "html")
    assert render("{{ address|link }}", {"address": 'https://e.example/"><x'}, "html").count("<") == 2


def test_the_operators_own_address_stays_an_address() -> None:
    context = {"mine": Live("https://misp.example/events/view/5"), "theirs": "https://misp.example/events/view/5"}
    assert render("{{ mine }} {{ theirs }}", context) == (
        "https://misp.example/events/view/5 hxxps://misp[.]example/events/view/5"
    )
    assert render("{{ mine }}", {"mine": Live("<b>")}, "html") == "&lt;b&gt;"


@pytest.mark.parametrize(
    "style", ["slack", "markdown", "discord", "zulip", "rocketchat", "anywhere", "forge", "forge_title"]
)
@pytest.mark.parametrize(
    "text", [":ab:", "::1234:1", "x:smile:", ":+1:", "::x::", ":100:", "dni-ism:class:U", ":スパム:"]
)
def test_no_text_becomes_a_picture_where_a_service_makes_some(style: str, text: str) -> None:
    made = render("{{ text }} :warning:", {"text": text}, style)
    assert re.findall(r":[\w+-]+:", made.replace("\\", "")) == [":warning:"], "what the template's author writes works"


@pytest.mark.parametrize("style", ["slack", "markdown", "discord", "rocketchat", "anywhere", "forge"])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("seen at 2001:db8:a:b::1.", "seen at 2001:db8:000a:000b::1."),
        ("2001:ab:cd::1 and ::100:1", "2001:00ab:00cd::1 and ::0100:1"),
        ("00:ab:CD:00:11:22", "00-ab-CD-00-11-22"),
        ("urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
    ],
)
def test_an_address_with_a_picture_in_it_can_be_copied(text: str, shown: str, style: str) -> None:
    made = render("{{ text }}", {"text": text}, style).replace("\\", "")
    assert GAP not in made
    assert made == shown
    assert not re.search(r":(?:a|b|ab|cd|de|100):", made.lower())


@pytest.mark.parametrize("style", ["slack", "discord", "rocketchat"])
def test_times_and_addresses_that_are_no_pictures_can_be_copied(style: str) -> None:
    for text in ("2026-11-20 12:30:45", "00:1f:33:68:bb:60", "fe80::1234", "a: b: c"):
        assert GAP not in render("{{ text }}", {"text": text}, style)
