"""What holds for any data and any path: nothing but our own errors, nothing changed, the same by another road."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from misp_workflow import hashpath, php
from misp_workflow.errors import WorkflowError
from misp_workflow.runner.data import conditions, coreformat, inflector, triggers

KEYS = st.sampled_from(
    ["Event", "Attribute", "Object", "Tag", "AttributeTag", "EventTag", "Galaxy", "GalaxyCluster", "meta", "SharingGroup",
     "Sighting", "ShadowAttribute", "Post", "Note", "errors", "_module", "id", "event_id", "object_id", "attribute_id",
     "name", "value", "0", "1", "2", "05", "-1", "1.5", "", "é", "a b", "{n}"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["1", "0", "", "1e1", "10", " 1", "0x1", "tlp:red", "42", "\ud800"]),
)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
TOKENS = st.one_of(
    st.sampled_from(
        ["{n}", "{s}", "{*}", "{n}[id]", "{n}[name=/t/i]", "{n}[value>1]", "{s}[id!=0][name]", "[a", "]", "{n}[x=/(/]"]
    ),
    KEYS,
    st.text(max_size=4),
)
PATHS = st.lists(TOKENS, max_size=5).map(".".join)
ANY_PATH = st.one_of(PATHS, DATA)
OPERATORS = st.sampled_from(
    ["equals", "not_equals", "in", "not_in", "in_or", "in_and", "not_in_or", "not_in_and", "any_value", "", None]
)


@given(data=DATA, path=ANY_PATH, value=DATA)
def test_hash_paths_raise_only_our_own_errors_and_change_nothing(data: Any, path: Any, value: Any) -> None:
    before = json.dumps(data)
    for call in (hashpath.extract, hashpath.get, hashpath.remove):
        with contextlib.suppress(WorkflowError):
            call(data, path)
    with contextlib.suppress(WorkflowError):
        hashpath.insert(data, path, value)
    assert json.dumps(data) == before


@given(data=DATA, operator=st.one_of(OPERATORS, DATA), value=DATA, path=ANY_PATH)
def test_conditions_raise_only_our_own_errors_and_change_nothing(
    data: Any, operator: Any, value: Any, path: Any
) -> None:
    before = json.dumps(data)
    assert isinstance(conditions.holds(data, operator, value), bool)
    with contextlib.suppress(WorkflowError):
        conditions.matching(data, value, operator, path)
    assert json.dumps(data) == before


ALIKE = [1, True, 1.0, "1", 0, False, "0", None, "a"]
"""Some of which Python takes for one and PHP does not."""
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(ALIKE)},
        optional={
            "value": st.sampled_from(ALIKE) | st.sampled_from(["a", "1", "1.0", "é"]) | SCALARS | DATA,
            "Tag": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["a", "b", "1"]) | SCALARS}), max_size=3)
            | DATA,
        },
    )
    | DATA,
    max_size=6,
)
WANTED = st.sampled_from(["a", "1", "", True, None, 1, ["a", "1"], ["b"], [True]]) | DATA
FEW_PATHS = st.sampled_from(["id", "value", "Tag", "Tag.{n}.name", "Tag.name", "Tag.0.name", "", "Tag.{n}", "0"])


def outcome(work: Any, *what: Any) -> Any:
    try:
        return work(*what)
    except WorkflowError:
        return WorkflowError


@settings(max_examples=400)
@given(items=ROWS, operator=OPERATORS, value=WANTED, path=FEW_PATHS | PATHS)
@example(items=[{"id": 1}, {"id": True}, {"id": 1.0}], operator="equals", value="a", path="id")
@example(items=[{"Tag": [{"name": 1}]}, {"Tag": [{"name": True}]}], operator="in", value="a", path="Tag.{n}.name")
def test_many_items_are_judged_as_each_by_itself(items: list[Any], operator: Any, value: Any, path: str) -> None:
    """Rows of one kind are asked about all at once, and values that are the same only once."""
    together = outcome(conditions.matching, items, value, operator, path)
    alone = [outcome(conditions.matching, [item], value, operator, path) for item in items]
    if WorkflowError in alone or together is WorkflowError:
        assert WorkflowError in alone and together is WorkflowError
        return
    assert [repr(item) for item in php.values(together)] == [repr(one[0]) for one in alone if one]


@settings(max_examples=400)
@given(
    items=ROWS,
    path=st.sampled_from(
        ["{n}.value", "{n}.Tag.{n}.name", "{n}[value=a].id", "{n}[value!=1].id", "{n}[value=1]", "{n}[id].value",
         "{n}[value=/a/].id", "{n}[value>0].id", "{n}.Tag.{n}[name=a].name", "{n}.Tag.{s}", "{n}.Tag.{*}.name"]
    ),
)  # fmt: skip
@example(items=[{"value": 1, "id": "x"}, {"value": True, "id": "y"}], path="{n}[value=true].id")
def test_many_items_hold_what_each_holds_by_itself(items: list[Any], path: str) -> None:
    together = outcome(hashpath.extract, items, path)
    alone = [outcome(hashpath.extract, [item], path) for item in items]
    if WorkflowError in alone or together is WorkflowError:
        assert WorkflowError in alone and together is WorkflowError
        return
    assert repr(together) == repr([entry for one in alone for entry in one])
    rest = path.removeprefix("{n}.")
    if "[" not in rest:
        assert repr(together) == repr(_plainly(items, path.split(".")))
        assert outcome(hashpath.compile(rest).each, items) == outcome(
            lambda: [hashpath.compile(rest).extract(item) for item in items]
        )


@given(data=DATA, scope=st.one_of(st.sampled_from([None, "event", "attribute", "object"]), DATA))
def test_converting_raises_only_our_own_errors_and_changes_nothing(data: Any, scope: Any) -> None:
    before = json.dumps(data)
    world = {"events": {"0": {"Event": {"id": "0"}}, "1": data}, "objects": {"1": data}, "attributes": {"1": data}}
    with contextlib.suppress(WorkflowError):
        converted = coreformat.convert(data, scope, world)
        assert isinstance(converted["Event"]["_AttributeFlattened"], list)
    for trigger in triggers.TRIGGERS:
        with contextlib.suppress(WorkflowError):
            triggers.normalize(trigger, data, world)
    assert json.dumps(data) == before


@given(name=st.text(max_size=12))
def test_any_name_can_be_inflected(name: str) -> None:
    assert "_" not in (inflector.param_id(name)[:1], inflector.param_id(name)[-1:])
    for make in (inflector.underscore, inflector.humanize, inflector.variable, inflector.module_id):
        assert isinstance(make(name), str)


def _plainly(data: Any, tokens: list[str]) -> list[Any]:
    """A path of patterns and names, read one item at a time."""
    found = [data]
    for token in tokens:
        found = [value for item in found for key, value in php.pairs(php.to_array(item)) if _matches(key, token)]
    return found


def _matches(key: str, token: str) -> bool:
    if token in ("{n}", "{s}", "{*}"):
        return {"{n}": php.is_numeric(key), "{s}": php.int_key(key) is None, "{*}": True}[token]
    if not php.is_numeric(token):
        return key == token
    return php.loose_equal(key if php.int_key(key) is None else php.int_key(key), token)


@given(
    data=DATA,
    tokens=st.lists(st.one_of(KEYS, st.sampled_from(["{n}", "{s}", "{*}", "07", " 1"])), min_size=1, max_size=5),
)
def test_the_compiled_path_finds_what_reading_it_plainly_finds(data: Any, tokens: list[str]) -> None:
    tokens = [part for token in tokens for part in token.split(".")]
    if php.is_array(data) and "{" in "".join(tokens):
        assert json.dumps(hashpath.extract(data, ".".join(tokens))) == json.dumps(_plainly(data, tokens))


@given(
    data=st.dictionaries(KEYS, DATA, max_size=4),
    names=st.lists(st.sampled_from("abc012"), min_size=1, max_size=4),
    value=DATA,
)
def test_what_is_inserted_is_found_again(data: Any, names: list[str], value: Any) -> None:
    path = ".".join(names)
    changed = hashpath.insert(data, path, value)
    assert json.dumps(hashpath.get(changed, path)) == json.dumps(value)
    assert hashpath.get(hashpath.remove(changed, path), path) is None


@given(left=DATA, right=DATA)
def test_comparing_either_way_round_agrees(left: Any, right: Any) -> None:
    equal = php.loose_equal(left, right)
    assert php.loose_equal(right, left) is equal
    assert php.equal_to(right)(left) is equal
    assert php.equal_to_any([right])(left) is equal
    assert php.compare(left, right) in (-1, 0, 1)
    if not php.is_array(left) and not php.is_array(right):
        assert (php.compare(left, right) == 0) is equal


@given(items=st.lists(DATA, max_size=6), value=DATA, operator=OPERATORS)
def test_filtering_keeps_what_holds_one_by_one(items: list[Any], value: Any, operator: Any) -> None:
    kept = conditions.matching(items, value, operator, "")
    alone = [bool(conditions.matching([item], value, operator, "")) for item in items]
    assert list(dict(php.pairs(kept))) == [str(place) for place, keeps in enumerate(alone) if keeps]
