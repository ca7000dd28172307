"""Lists in parameters: however people separate the items, none becomes one that nothing ever is."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from misp_workflow.action import listing
from misp_workflow.action.fields import CASE
from misp_workflow.action.params import read
from misp_workflow.errors import ParameterError
from misp_workflow.installed import FOLDER
from misp_workflow.testing.contract import ActionFile

GATE = ActionFile.load(FOLDER / "publish_gate.py")
ACTOR = 'misp-galaxy:threat-actor="APT 1, China; PLA"'


def listed(name: str, given: Any) -> tuple[str, ...]:
    return getattr(read({name: GATE.params[name]}, {name: given}, {}), name)


@pytest.mark.parametrize(
    "given",
    [
        "a; b",
        "a;b",
        "a,b;",
        "a b",
        "a\tb",
        "a\r\nb",
        "# c\r\na\r\nb",
        "- a\n- b",
        "'a'\n\"b\"",
        '["a", "b"]',
        '[\n  "a",\n  "b"\n]\n',
        "# the types of our sensors, not c\na\n  # and\n#\n## more ##\nb",
        "a, \n b,",
        "a；b",
        "a、b",
        ["a", "b"],
    ],
)
def test_names_of_objects_are_words(given: Any) -> None:
    assert listed("required_objects", given) == ("a", "b")


@pytest.mark.parametrize(
    "given", ["md5; ip-src|port", "md5 ip-src|port", "- md5\n- ip-src|port", "• md5\r• ip-src|port"]
)
def test_types_are_words(given: str) -> None:
    assert listed("forbidden_types", given) == ("md5", "ip-src|port")


@pytest.mark.parametrize(
    "given", ["ip-scr", "md5\nemial*", "md5|url", "md5/url", "md5<br>url", "hash", ["sha-256"], '["x-*"]']
)
@pytest.mark.parametrize("name", ["required_types", "forbidden_types"])
def test_what_is_no_type_is_said(name: str, given: Any) -> None:
    """A type that is misspelt forbade nothing."""
    with pytest.raises(ParameterError, match=f"'{name}'.*is no attribute type that the PyMISP installed here knows"):
        listed(name, given)


def test_the_nearest_type_is_named() -> None:
    with pytest.raises(ParameterError, match="the nearest name is “ip-src”"):
        listed("forbidden_types", "ip-scr")


def test_where_nobody_knows_the_types_every_word_may_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("misp_workflow.attribute_types.known", tuple)
    assert listed("forbidden_types", "brand-new") == ("brand-new",)


LINES = ["a:b{}c:d", '"a:b"{}"c:d"']


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\n• ", "\r\n– "])
@pytest.mark.parametrize("written", LINES)
def test_every_line_end_and_bullet_parts_tags(written: str, end: str) -> None:
    assert listed("forbidden_tags", written.format(end)) == ("a:b", "c:d")


@pytest.mark.parametrize("given", ["* a:b\n* c:d", "1. a:b\n2. c:d", " 1) a:b\r\n 2) c:d\n"])
def test_marks_before_every_line_are_bullets(given: str) -> None:
    assert listed("forbidden_tags", given) == ("a:b", "c:d")


def test_a_star_before_one_of_the_lines_is_a_pattern() -> None:
    assert listed("forbidden_tags", "* red\na:b") == ("* red", "a:b")


@pytest.mark.parametrize("between", [" ", "\t", "\xa0", " and ", " | ", " / ", " & "])
@pytest.mark.parametrize("written", LINES)
def test_two_tags_in_one_are_said(written: str, between: str) -> None:
    with pytest.raises(ParameterError, match=r"'forbidden_tags': .* (?:looks like two in one|is a regular expression)"):
        listed("forbidden_tags", written.format(between))


@pytest.mark.parametrize("given", ["a:b # never\nc:d", "c:d\n'a:b' # never"])
def test_a_comment_behind_a_tag_is_said(given: str) -> None:
    with pytest.raises(ParameterError, match=r"'forbidden_tags'.*a comment stands on a line of its own"):
        listed("forbidden_tags", given)


@pytest.mark.parametrize("name", ["case # 4711", "case:4711 source:osint", "is it a|b:c", "a:(b|c)"])
def test_a_name_in_quotes_is_one_whatever_is_in_it(name: str) -> None:
    assert listed("forbidden_tags", f'acme:x="{name}"') == (f'acme:x="{name}"',)


@pytest.mark.parametrize("name", ["case # 4711", "case:4711 source:osint"])
def test_a_whole_name_may_stand_in_quotes(name: str) -> None:
    assert listed("forbidden_tags", f'"{name}"') == (name,)


@pytest.mark.parametrize("name", ['acme:kind="a"', 'acme:kind="case # 4711 a:b c:d"'])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_whole_tag_with_quotes_in_it_may_stand_in_quotes(name: str, quote: str) -> None:
    """As people write everything in quotes. It was said to be two in one."""
    assert listed("forbidden_tags", f"{quote}{name}{quote}\nx:y") == (name, "x:y")
    assert listed("organisations", '"Krassi\'s"\nFoo') == ("Krassi's", "Foo")


@pytest.mark.parametrize("given", ["dns|whois", "dns<br>whois", "dns\\nwhois"])
def test_signs_that_are_in_no_word_are_said(given: str) -> None:
    modules = ActionFile.load(FOLDER / "enrichment_guard.py").params
    with pytest.raises(ParameterError, match=r"'denied_modules': .* is no word"):
        read({"denied_modules": modules["denied_modules"]}, {"denied_modules": given}, {})


@pytest.mark.parametrize(
    "given",
    [
        f"{ACTOR}, x:y",
        f"x:y;{ACTOR}",
        f"x:y\n{ACTOR}\n",
        f"- x:y\n- {ACTOR}",
        f'"x:y"\n{ACTOR}',
        ["x:y", ACTOR],
        '["x:y", "misp-galaxy:threat-actor=\\"APT 1, China; PLA\\""]',
    ],
)
def test_what_stands_in_quotes_parts_no_tag(given: Any) -> None:
    assert sorted(listed("forbidden_tags", given)) == [ACTOR, "x:y"]


def test_on_several_lines_a_comma_parts_tags_with_namespaces_only() -> None:
    assert listed("forbidden_tags", "a:b, c:d\nFoo, Bar\n*:x; PAP:*") == ("a:b", "c:d", "Foo, Bar", "*:x", "PAP:*")


def test_an_item_of_a_list_is_whole_whatever_stands_in_it() -> None:
    """As a rule file in TOML has it."""
    assert listed("organisations", ["Foo, Inc."]) == ("Foo, Inc.",)
    assert listed("organisations", "Foo, Inc.\nBar") == ("Foo, Inc.", "Bar")


def test_a_pattern_that_ends_within_quotes_ends_at_its_comma() -> None:
    given = 'misp-galaxy:threat-actor="APT*, misp-galaxy:tool="X*, a:b="c, d"'
    assert listed("forbidden_tags", given) == ('misp-galaxy:threat-actor="APT*', 'misp-galaxy:tool="X*', 'a:b="c, d"')


def test_the_one_type_with_a_space_is_a_word() -> None:
    assert listed("forbidden_types", "mutex named pipe, email*") == ("mutex", "named pipe", "email*")
    assert listed("forbidden_types", "- named pipe\n- mutex") == ("named pipe", "mutex")


@pytest.mark.parametrize("given", ['"Foo, Inc.", Bar', '"Foo, Inc."\nBar', "Foo, Inc.\nBar", "- Foo, Inc.\n- 'Bar'"])
def test_a_name_may_hold_a_comma_within_quotes_or_where_names_stand_on_lines(given: str) -> None:
    assert listed("organisations", given) == ("Foo, Inc.", "Bar")


@pytest.mark.parametrize("given", ["Top 1,000,000 sites\n", '"Top 1,000,000 sites"'])
def test_one_name_with_commas_is_one(given: str) -> None:
    assert listed("warninglists", given) == ("Top 1,000,000 sites",)


def test_a_dash_is_no_empty_list_which_means_any() -> None:
    modules = ActionFile.load(FOLDER / "enrichment_guard.py").params
    for name, given in (("allowed_modules", "-"), ("own_networks", "192.0.2.0 - 192.0.2.9")):
        assert "-" in getattr(read({name: modules[name]}, {name: given}, {}), name)


@pytest.mark.parametrize("given", [";", ",", " ,;\n ", "[]", []])
def test_a_list_that_must_be_set_is_not_set_by_separators(given: Any) -> None:
    mail = ActionFile.load(FOLDER / "email_message.py")
    with pytest.raises(ParameterError, match="'recipients'"):
        read({"recipients": mail.params["recipients"]}, {"recipients": given}, {})


def test_only_a_comment_is_a_field_left_alone() -> None:
    assert listed("forbidden_tags", "# tlp:red\n# tlp:amber") == ()
    labels = CASE["labels"]
    assert read({"labels": labels}, {"labels": "# ours"}, {}).labels == ("misp",)


def test_a_name_may_begin_with_a_hash() -> None:
    assert listed("forbidden_tags", "#soc\nx:y") == ("#soc", "x:y")


@pytest.mark.parametrize("given", ["a # not b", "#a\nb", "a, #b", ["#a"]])
def test_words_of_a_comment_are_not_taken_for_items(given: Any) -> None:
    with pytest.raises(ParameterError, match=r"'required_objects'.*a comment stands on a line of its own"):
        listed("required_objects", given)


@pytest.mark.parametrize(
    "given",
    [
        '["a", "b"',
        '["a" "b"]',
        '["a", b]',
        "['a', 'b']",
        "[a, b]",
        '"a", "b"]',
        '{"a": "b"}',
        '["a", null]',
        '["a", ["b"]]',
        '["a",]',
    ],
)
@pytest.mark.parametrize("name", ["forbidden_types", "forbidden_tags", "organisations"])
def test_broken_json_is_refused_and_no_pattern_that_matches_nothing(given: str, name: str) -> None:
    with pytest.raises(ParameterError, match=f"'{name}' has brackets as in JSON"):
        listed(name, given)


def test_brackets_may_be_a_pattern() -> None:
    assert listed("forbidden_tags", "[ab]:*\nx:y") == ("[ab]:*", "x:y")
    assert listed("forbidden_tags", "[ab]*, c:d") == ("[ab]*", "c:d")
    assert listed("organisations", "[1] Acme") == ("[1] Acme",)
    assert listed("organisations", "[P1], [P2]") == ("[P1]", "[P2]")
    assert listed("organisations", "[SOC], Acme [x]") == ("[SOC]", "Acme [x]")
    assert listed("forbidden_types", "[]") == ()


@pytest.mark.parametrize("given", ["[200]", " [ 200 ] ", ["200"], "200"])
def test_one_number_in_brackets_is_a_list(given: Any) -> None:
    request = ActionFile.load(FOLDER / "http_request.py")
    found = read({"expect_status": request.params["expect_status"]}, {"expect_status": given}, {})
    assert found.expect_status == ("200",)


@pytest.mark.parametrize("unit", ["[,", "a,", "  ", '" '])
def test_a_long_list_takes_no_more_than_its_share(unit: str) -> None:
    """Where the work grew with the square, a field of a megabyte held up the whole server."""

    def least(length: int) -> float:
        took = []
        for _ in range(5):
            begun = time.thread_time()
            with contextlib.suppress(ParameterError):
                listing.items("any", unit[:1] + unit[1:] * length + "x", "tag")
            took.append(time.thread_time() - begun)
        return min(took)

    assert least(48_000) < 80 * max(least(3_000), 1e-5), "16 times the letters"
