"""JSON as PHP writes and reads it."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.errors import InputError
from misp_workflow.runner.data import wire


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, b"[]"),
        ([], b"[]"),
        ({"meta": {}, "n": [{}]}, b'{"meta":[],"n":[[]]}'),
        ("{}", b'"{}"'),
        (1.0, b"1"),
        ([10.0, 1.5, {"a": -2.0}], b'[10,1.5,{"a":-2}]'),
        ("1.0, 2.0]", b'"1.0, 2.0]"'),
        ("a/b é \u2028\u2029", '"a/b é \\u2028\\u2029"'.encode()),
        ('\x01\n"\\', b'"\\u0001\\n\\"\\\\"'),
        ({"0": 1, "3": 2}, b'{"0":1,"3":2}'),
        (
            {"a": 1.0, "b": "é\u2028", "c": [1], "d": {}, "e": {"f": 2.0}},
            '{"a":1,"b":"é\\u2028","c":[1],"d":[],"e":{"f":2}}'.encode(),
        ),
        ({"a": {"b": [], "c": None, "d": 1.0}, "e": 2.0}, b'{"a":{"b":[],"c":null,"d":1},"e":2}'),
        (
            {"a": [], "b": {"c": {"d": {"e": {"f": {"g": 1.0}, "h": 2**70}}}}},
            b'{"a":[],"b":{"c":{"d":{"e":{"f":{"g":1},"h":1180591620717411303424}}}}}',
        ),
        (2**70, str(2**70).encode()),
        (None, b"null"),
    ],
)
def test_as_php_writes_it(value: Any, text: bytes) -> None:
    assert wire.encode(value) == text
    assert bytes(wire.Encoder().encode(value)) == text


def test_five_hundred_and_twelve_levels_and_no_more() -> None:
    for levels in (10, 300, 512):
        assert wire.encode(nested(levels)) == b"[" * levels + b"1" + b"]" * levels
        assert wire.decode(wire.encode(nested(levels))) == nested(levels)
    for levels in (513, 5000):
        with pytest.raises(wire.EncodingError, match="depth"):
            wire.encode(nested(levels))
    for inside in (b"1", b""):
        with pytest.raises(InputError, match="512"):
            wire.decode(b"[" * 513 + inside + b"]" * 513)


def test_what_cannot_be_written() -> None:
    with pytest.raises(wire.EncodingError, match="UTF-8"):
        wire.encode({"a": "\ud800"})
    with pytest.raises(wire.EncodingError):
        wire.encode({"a": object()})


@pytest.mark.parametrize("text", [b"", b"<html>", b"{'a': 1}", b"[1,]", b"NaN", b"\xff", b'"\xed\xa0\x80"', b"[1] 2"])
def test_what_php_does_not_read(text: bytes) -> None:
    with pytest.raises(InputError):
        wire.decode(text)


def test_arrays_from_outside() -> None:
    assert wire.as_php({"a": {"0": "x", "1": "y"}, "b": {"1": "x"}, "c": {}}) == {
        "a": ["x", "y"],
        "b": {"1": "x"},
        "c": [],
    }
    plain = {"Event": {"Attribute": [{"id": "1"}]}}
    assert wire.as_php(plain) is plain


def test_only_what_changes_is_copied() -> None:
    value = {"a": [{"x": 1}], "b": {"c": {}}}
    read = wire.as_php(value)
    assert read == {"a": [{"x": 1}], "b": {"c": []}} and read["a"] is value["a"] and value["b"] == {"c": {}}


@pytest.mark.parametrize(("value", "plain"), [("été 漢字", True), ("a\u2028", False), ("\u2029", False), (1.0, False)])
def test_letters_of_any_language_need_no_second_look(value: Any, plain: bool) -> None:
    assert wire.read({"Event": {"Attribute": [{"id": "1", "comment": value}]}})[1] is plain


def test_big_parts_are_written_once_and_shared() -> None:
    attributes = [{"id": str(number), "value": "é" * number} for number in range(100)]
    more = [*attributes, {"id": "x"}, {"id": {}}]
    other = {str(number): attributes[number] for number in range(0, 100, 3)} | {str(n): {} for n in range(200, 300)}
    encoder = wire.Encoder()
    for value in (attributes, more, {"a": more, "b": attributes}, {"Event": {"all": more, "some": other}}, more):
        assert bytes(encoder.encode({"data": value})) == wire.encode({"data": value})


def test_a_text_in_pieces_stays_what_it_is() -> None:
    encoder = wire.Encoder()
    many = [f"number {number}" for number in range(1000)]
    first = encoder.encode({"a": many, "b": 1, "c": [*many, 2]})
    whole = wire.encode({"a": many, "b": 1, "c": [*many, 2]})
    assert len(first) == len(whole) and b"".join(first) == whole and 1 < len(list(first)) < 9
    encoder.encode([1] * 1000)
    assert bytes(first) == whole
