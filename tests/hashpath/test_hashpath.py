"""Hash paths: what no recorded case holds, by the CakePHP book and PHP's rules for arrays."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from misp_workflow import hashpath
from misp_workflow.errors import InputError, PhpCrash, RunnerError

EVENT = {
    "Event": {
        "id": "42",
        "Tag": [{"name": "tlp:red", "n": 1}, {"name": "tlp:green", "n": 2}],
        "Attribute": [
            {"id": "1", "type": "ip-src", "Tag": [{"name": "a"}]},
            {"id": "2", "type": "domain", "to_ids": True},
        ],
        "Mixed": [1, ["a"], None, {"0": 2, "7.5": 3, "x": 4}],
        "0": "a key that is an integer",
        "07": "a key that stays a string",
    }
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Event", EVENT["Event"]),
        ("Event.Tag", EVENT["Event"]["Tag"]),
        ("Event.id", ["42"]),
        ("Event.{n}.id", []),
        ("Event.Tag.{n}.name", ["tlp:red", "tlp:green"]),
        ("Event.Tag.{*}.name", ["tlp:red", "tlp:green"]),
        ("Event.Tag.{n}[n=2].name", ["tlp:green"]),
        ("Event.Tag.{n}[n>1][name=/green$/].name", ["tlp:green"]),
        ("Event.Attribute.{n}.Tag.{n}.name", ["a"]),
        ("Event.Attribute.{n}[to_ids].id", ["2"]),
        ("Event.{n}", ["a key that is an integer", "a key that stays a string"]),
        ("{s}.07", ["a key that stays a string"]),
        ("{s}.7", ["a key that stays a string"]),  # numeric strings compare as numbers
        ("Event.Tag.{n} [n=2] . name", []),  # white space belongs to the name "{n} "
        ("Event.Tag[1].name", []),  # asks for the attribute "1" of the list, then for a name in it
        ("Event . Attribute[0] . {n}.id", ["1", "2"]),  # with brackets somewhere the parts are trimmed
        ("Event\u00a0. Attribute[0] . {n}.id", []),  # of the white space that PHP knows
        ("Event].Tag", []),
        ("Event.Attribute.{n}[to_ids<2].id", ["2"]),
        ("Event.Attribute.{n}[to_ids!=2].id", ["2"]),
        ("Event.Mixed.{n}[x=4].x", [4]),
        ("Event.id.{*}", ["42"]),  # what is no array is found itself
        ("Event.id.{n}", ["42"]),
        ("Event.id.{s}", []),
        ("Event.Tag.{n}.{*}.{n}", ["tlp:red", 1, "tlp:green", 2]),
        ("Event.Mixed.{n}.{n}", [1, "a", 2, 3]),
        ("Event.Mixed.{n}.{*}", [1, "a", 2, 3, 4]),
        ("Event.Tag.01.{s}", ["tlp:green", 2]),
        ("Event.Tag.1e0.{s}", ["tlp:green", 2]),
        ("Event.Tag.01", []),  # a path of names takes keys as they are
    ],
)
def test_extract(path: str, found: list[Any]) -> None:
    assert hashpath.extract(EVENT, path) == found


@pytest.mark.parametrize("path", ["", "0", None, False, 0, 0.0, [], {}])
def test_what_php_takes_for_empty_gives_the_data(path: Any) -> None:
    assert hashpath.extract(EVENT, path) is EVENT


@pytest.mark.parametrize("data", [None, "x", 5, 1.5, True])
@pytest.mark.parametrize("path", ["a", "{n}", "", "a[b=1]"])
def test_data_that_is_no_array_kills_php(data: Any, path: str) -> None:
    for call in (hashpath.extract, hashpath.get, hashpath.remove, hashpath.insert):
        with pytest.raises(
            PhpCrash, match=rf"\bHash::{call.__name__}\(\): Argument #1 \(\$data\) must be of type array"
        ):
            call(data, path)


@pytest.mark.parametrize(
    ("call", "arguments", "said"),
    [
        (hashpath.insert, ({"l": [1]}, "l.{n}.x", 1), "Hash::insert(): Argument #1 ($data) must be of type array, int"),
        (hashpath.insert, ({"l": [1]}, "l.{n}[a=1].x", 1), "Hash::_matches(): Argument #1 ($data) must be of type arr"),
        (hashpath.insert, ({"l": [1]}, "l.{n}", 1), "array_merge(): Argument #1 must be of type array, int given"),
        (
            hashpath.extract,
            ([{"a": []}], "{n}[a=/x/]"),
            "preg_match(): Argument #2 ($subject) must be of type string, a",
        ),
        (hashpath.extract, ({}, [1]), "preg_match(): Argument #2 ($subject) must be of type string, array given"),
        (hashpath.insert, ({}, [1], 1), "strpos(): Argument #1 ($haystack) must be of type string, array given"),
        (hashpath.remove, ({}, [1]), "strpos(): Argument #1 ($haystack) must be of type string, array given"),
    ],
)
def test_php_says_where_it_crashed(call: Any, arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(PhpCrash) as crash:
        call(*arguments)
    assert crash.value.kind == "TypeError"
    assert crash.value.message.startswith(said)


def test_a_path_that_is_no_text_is_read_as_php_writes_it() -> None:
    assert hashpath.extract(["zero", "one"], 1) == ["one"]
    assert hashpath.extract(["zero", "one"], True) == ["one"]
    assert hashpath.get({"1": {"5": "x"}}, 1.5) == "x"
    for path in (["b"], 5, True, "b", None):
        assert hashpath.get({"a": 1}, path, "none") == "none"
    assert hashpath.get([], "a", "none") == "none"
    assert hashpath.get({"": "nameless"}, None, "none") == "none"
    assert hashpath.insert([], 5, "x") == {"5": "x"}
    assert hashpath.remove({"5": "x", "a": 1}, 5) == {"a": 1}


def test_get_takes_names_as_they_are() -> None:
    assert hashpath.get(EVENT, "Event.Tag.1.name") == "tlp:green"
    assert hashpath.get(EVENT, "Event.Tag.{n}.name", "none") == "none"
    assert hashpath.get({"{n}": {"a b": 1}}, "{n}.a b") == 1
    assert hashpath.get(["zero", "one"], True) == "one"
    assert hashpath.get(["zero", "one"], [1.9]) == "one"
    assert hashpath.get({"": "nameless"}, [None]) == "nameless"
    with pytest.raises(PhpCrash):
        hashpath.get(EVENT, [["Event"]])


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("a.b", 1, {"a": {"b": 1}, "list": [1, 2]}),
        ("list.1", 9, {"a": "x", "list": [1, 9]}),
        ("list.2", 9, {"a": "x", "list": [1, 2, 9]}),
        ("list.5", 9, {"a": "x", "list": {"0": 1, "1": 2, "5": 9}}),
        ("list. 1 ", 9, {"a": "x", "list": {"0": 1, "1": 2, " 1 ": 9}}),  # a key as it stands
        ("list.1e0", 9, {"a": "x", "list": {"0": 1, "1": 2, "1e0": 9}}),
        ("list.01", 9, {"a": "x", "list": {"0": 1, "1": 2, "01": 9}}),
        ("new.0.x", 9, {"a": "x", "list": [1, 2], "new": [{"x": 9}]}),
    ],
)
def test_insert_at_names(path: str, value: Any, changed: Any) -> None:
    assert hashpath.insert({"a": "x", "list": [1, 2]}, path, value) == changed


ROWS = [
    {"Tag": [{"name": "a"}, {"name": "b", "0": "zero"}], "7": [{"name": "seven"}]},
    {"Tag": {"0": {"name": "c"}, "3": {"x": 1}}, "{n}": [{"name": "odd"}]},
    {"Tag": []},
    {"Tag": None, "a.b": 1},
    {},
]


@pytest.mark.parametrize(
    "rows", [ROWS, [*ROWS[:1], ROWS[0]], ROWS[:1], ROWS[1:], [ROWS[4], ROWS[0]], [["x"], ROWS[0]], []]
)
@pytest.mark.parametrize(
    "path",
    [
        "Tag.{n}.name",
        "Tag.{*}.name",
        "Tag.{n}.0",
        "7.{n}.name",
        "07.{n}.name",
        "{n}.{n}.name",
        "Tag.{n}.{s}",
        "Tag.{n}[name=b].name",
        "Tag[0].{n}.name",
        "Tag.{n}.name[x]",
        ".{n}.name",
        "Tag.{n}.",
        "Tag.{n}",
        "Tag.0.name",
    ],
)
def test_many_at_once_are_as_each_by_itself(path: str, rows: list[Any]) -> None:
    compiled = hashpath.compile(path)
    assert list(compiled.each(rows)) == [compiled.extract(row) for row in rows]


def test_what_rows_share_is_looked_through_once() -> None:
    tags = [{"name": "a"}, {"name": "b"}]
    found = hashpath.compile("Tag.{n}.name").each([{"Tag": tags}, {}, {"Tag": tags}])
    assert found == [["a", "b"], [], ["a", "b"]]
    assert found[0] is found[2]


@pytest.mark.parametrize(
    ("value", "condition", "passes"),
    [
        ("text", "[a=text]", True),
        ("text", "[a!=text]", False),
        ("other", "[a=text]", False),
        (True, "[a=true]", True),  # with a word, true and false are words
        (True, "[a=1]", True),  # and with a number they are numbers
        (False, "[a=false]", True),
        (False, "[a=0]", True),
        (False, "[a=true]", False),
        (True, "[a!=true]", False),
        (False, "[a<1]", True),
        (True, "[a=/^true$/]", True),
        (False, "[a=/^false$/]", True),
        (1.5, "[a=/^1.5$/]", True),
        (7, "[a=/^8$/]", False),
    ],
)
def test_what_a_condition_asks_of_a_value(value: Any, condition: str, passes: bool) -> None:
    row = {"a": value}
    assert hashpath.extract([row], "{n}" + condition) == [row] * passes


@pytest.mark.parametrize("pattern", ["/^ip/", "/9$/", "/é/", "/É/iu", "/^..$/", "/^..$/u", "/(i|p)+-(1|2)*$/", "/(/"])
@pytest.mark.parametrize("more", [[], [9, True, None], ["\ud800 ip"], ["ip" * 600]])
def test_many_different_texts_are_held_against_a_pattern_as_each_by_itself(pattern: str, more: list[Any]) -> None:
    values = [*(f"ip-{number}" for number in range(100)), "é", "aé", "ip-1", "ip-1", "", *more]
    path = f"{{n}}[value={pattern}].value"
    alone = [entry for value in values for entry in hashpath.extract([{"value": value}], path)]
    assert hashpath.extract([{"value": value} for value in values], path) == alone


def test_a_key_that_is_an_integer_compares_as_one() -> None:
    # as a text, what no integer can hold would be no number
    assert hashpath.extract({"9223372036854775807": {"a": 1}}, "9223372036854775808[a].a") == [1]


def test_the_empty_key_is_no_number() -> None:
    assert hashpath.extract({"a": {"0": 1, "": 2, "7": 3}}, "a.{n}") == [1, 3]


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("{n}.k", "0 7 07"),
        ("{s}.k", "x 07"),
        ("{*}.k", "0 7 x 07"),
        ("x[a].k", "x"),
        ("07[a].k", "7 07"),
        ("8[a].k", ""),
    ],
)
def test_a_pattern_finds_the_same_places_to_insert_and_to_remove(path: str, places: str) -> None:
    data = {"0": {"a": 1}, "7": {"a": 2}, "x": {"a": 3}, "07": {"a": 4}}
    changed = {key: {**row, "k": 9} if key in places.split() else row for key, row in data.items()}
    assert hashpath.insert(data, path, 9) == changed
    assert hashpath.remove(changed, path) == data


def test_insert_at_patterns() -> None:
    tags = {"Tag": [{"n": 1}, {"n": 2}]}
    assert hashpath.insert(tags, "Tag.{n}[n=2].seen", True) == {"Tag": [{"n": 1}, {"n": 2, "seen": True}]}
    assert hashpath.insert(tags, "Tag.{n}", {"k": 3}) == {"Tag": [{"n": 1, "k": 3}, {"n": 2, "k": 3}]}
    # "0" is empty to PHP, so that the pairs are merged here too instead of set at key 0
    assert hashpath.insert(tags, "Tag.{n}.0", "v") == {"Tag": [{"n": 1, "0": "v"}, {"n": 2, "0": "v"}]}
    assert hashpath.insert(tags, "Tag.{n}.0", {"k": 3}) == {"Tag": [{"n": 1, "k": 3}, {"n": 2, "k": 3}]}
    with pytest.raises(PhpCrash):
        hashpath.insert({"list": [1]}, "list.{n}.x", 1)
    with pytest.raises(PhpCrash):
        hashpath.insert({"list": [1]}, "list.{n}[a=1].x", 1)


def test_remove() -> None:
    assert hashpath.remove(EVENT, "Event.Tag.0.name")["Event"]["Tag"] == [{"n": 1}, {"name": "tlp:green", "n": 2}]
    assert hashpath.remove({"a": [1, 2, 3]}, "a.1") == {"a": {"0": 1, "2": 3}}
    assert hashpath.remove({"a": [1, 2]}, "a.{n}") == []
    assert hashpath.remove({"t": [{"n": 1}, {"n": 2}]}, "t.{n}[n=1]") == {"t": {"1": {"n": 2}}}
    assert hashpath.remove({"t": [{"n": 1, "x": 1}]}, "t.{n}.x") == {"t": [{"n": 1}]}
    assert hashpath.remove([{"b": "2"}, {"c": 1}], "{n}[b!=1]") == {"1": {"c": 1}}  # what is missing fulfils nothing
    assert hashpath.remove({"foo": "string"}, "foo.bar") == {"foo": "string"}
    assert hashpath.remove({"foo": 1}, "nothing.{n}") == {"foo": 1}


def test_what_is_untouched_is_shared_and_what_is_given_stays_as_it_was() -> None:
    before = copy.deepcopy(EVENT)
    changed = hashpath.insert(EVENT, "Event.Tag.{n}.seen", True)
    removed = hashpath.remove(EVENT, "Event.Tag.{n}.n")
    assert before == EVENT
    assert changed["Event"]["Attribute"] is EVENT["Event"]["Attribute"]
    assert removed["Event"]["Attribute"] is EVENT["Event"]["Attribute"]
    assert [tag["seen"] for tag in changed["Event"]["Tag"]] == [True, True]


def test_a_regular_expression_that_php_refuses_matches_nothing() -> None:
    assert hashpath.extract(EVENT, "Event.Tag.{n}[name=/(/].n") == []
    assert hashpath.extract(EVENT, "Event.Tag.{n}[name=/no end].n") == []
    assert hashpath.extract(EVENT, "Event.Tag.{n}[name=/red/Q].n") == []


def test_a_regular_expression_that_only_pcre_follows_is_said() -> None:
    assert hashpath.extract({"Tag": []}, "Tag.{n}[name=/(?R)/]") == []
    with pytest.raises(RunnerError, match="regular expression"):
        hashpath.extract(EVENT, "Event.Tag.{n}[name=/(a(?R)?b)/].n")


@pytest.mark.parametrize("rows", [[{"k": "B"}, ["z"], {"a": 1, "k": "A"}], [["z"], {"a": 1, "k": "A"}, {"k": "B"}]])
def test_a_condition_passes_what_cannot_have_the_attribute(rows: list[Any]) -> None:
    assert hashpath.extract(rows, "{n}[a=1].k") == ["A"]
    assert hashpath.extract([*rows, "text", None], "{n}[a=1].k") == ["A"]


def test_very_long_paths() -> None:
    assert hashpath.extract({"a": {}}, ".".join("a" * 50_000)) == []
    assert hashpath.insert({}, ".".join("a" * 5_000), 1)["a"]["a"]
    longest = ["{n}"] * hashpath.MAX_TOKENS
    assert hashpath.insert([[]], ".".join(longest), 1) == [[]]
    with pytest.raises((RunnerError, InputError), match="has more than 128 parts"):
        hashpath.insert([[]], ".".join([*longest, "{n}"]), 1)


@pytest.mark.parametrize(
    ("text", "name"),
    [("id", "id"), ("7", "7"), ("Event.id", None), ("Event.Tag.id", None), ("{n}", None), ("a[b]", None)],
)
def test_a_path_of_one_name_tells_it(text: str, name: str | None) -> None:
    assert hashpath.compile(text).name == name


def test_a_path_is_compiled_once() -> None:
    assert hashpath.compile("Event.{n}") is hashpath.compile("Event.{n}")
    assert repr(hashpath.compile("Event.{n}")) == "Path('Event.{n}')"


def test_remove_goes_on_behind_a_name_that_does_not_match() -> None:
    data = {"z": {"x": 1}, "0": {"x": 1, "y": 2}}
    assert hashpath.remove(data, "{n}.x") == {"z": {"x": 1}, "0": {"y": 2}}


def test_remove_below_what_is_equal_leaves_the_others() -> None:
    data = [{"t": "1", "x": "a"}, {"t": "2", "x": "b"}]
    assert hashpath.remove(data, "{n}[t=1].x") == [{"t": "1"}, {"t": "2", "x": "b"}]


@pytest.mark.parametrize(("use", "value"), [("extract", ()), ("get", ()), ("remove", ()), ("insert", (1,))])
def test_a_compiled_path_says_of_a_text_what_php_says(use: str, value: tuple[int, ...]) -> None:
    with pytest.raises(PhpCrash, match=rf"^[^(]*\bHash::{use}\(\): Argument #1 \(\$data\)"):
        getattr(hashpath.compile("a.b"), use)("a text", *value)
