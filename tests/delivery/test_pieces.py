"""JSON in pieces is the JSON that it is in one, and no piece is large because the whole is."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.effects.pieces import LONG, fingerprint, holds_long, pieces

NAMES = st.text(max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8)
LONG_LISTS = st.builds(
    lambda items, length: (items * (length // len(items) + 1))[:length],
    st.lists(SCALARS | st.dictionaries(NAMES, SCALARS, max_size=3), min_size=1, max_size=5),
    st.sampled_from((LONG, LONG + 1, 2 * LONG, 2 * LONG + 1)),
)
VALUES = st.recursive(
    SCALARS | LONG_LISTS | LONG_LISTS.map(tuple),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)


@given(VALUES, st.sampled_from((0, orjson.OPT_SORT_KEYS)))
def test_the_pieces_are_the_whole(value: Any, option: int) -> None:
    assert b"".join(pieces(value, option)) == orjson.dumps(value, option=option)


@given(st.lists(NAMES, min_size=1, max_size=2), VALUES)
def test_a_fingerprint_is_that_of_the_whole(about: list[str], value: Any) -> None:
    whole = orjson.dumps([*about, value], option=orjson.OPT_SORT_KEYS)
    assert fingerprint(about, value) == hashlib.sha256(whole).hexdigest()[:32]


@pytest.mark.parametrize("wrong", [{1: 2}, {"half \ud800": 1}, {"a": 2**70}], ids=["no text", "half a pair", "large"])
def test_what_cannot_be_written_cannot_be_in_pieces_either(wrong: Any) -> None:
    for value in ([wrong] * 1000, {**wrong, "rows": [0] * 1000}):
        with pytest.raises(TypeError):
            list(pieces(value))


def test_no_piece_of_a_large_event_is_large() -> None:
    effect = {"kind": "post", "json": {"event": {"info": "large", "Attribute": [{"value": "x" * 90}] * 20_000}}}
    assert max(map(len, pieces(effect))) < len(orjson.dumps(effect)) / 50


def test_nothing_is_looked_for_without_end() -> None:
    value: Any = [0] * 1000
    for _ in range(100):
        value = {"inner": value}
    assert not holds_long(value)
    assert b"".join(pieces(value)) == orjson.dumps(value)
