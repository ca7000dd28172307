"""Effects at rest: sealed, opened with the same key only, and never sealed twice alike."""

from __future__ import annotations

import base64
import random

import orjson
import pytest
from cryptography.fernet import Fernet

from misp_workflow.delivery.outbox.seal import Seal, SealError
from misp_workflow.effects import Post, to_json

KEY = Fernet.generate_key().decode()
EFFECT = Post(
    label="Slack message",
    url="https://hooks.example/services/T0/B0/hush",
    json={"text": "grüße", "numbers": [1, 2**70], "half": "\ud800"},
    secrets=("T0/B0/hush",),
)


@pytest.mark.parametrize("key", [KEY, "a pass phrase that nobody guesses"], ids=["key", "pass phrase"])
def test_what_is_sealed_is_opened_whole_and_shows_nothing(key: str) -> None:
    sealed = Seal(key).close(EFFECT)
    assert Seal(key).open(sealed) == EFFECT
    assert b"hush" not in sealed
    assert b"text" not in sealed


def test_no_two_are_sealed_alike() -> None:
    seal = Seal(KEY)
    assert len({seal.close(EFFECT) for _ in range(1000)}) == 1000


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealError, match="another key"):
        Seal(Fernet.generate_key().decode()).open(Seal(KEY).close(EFFECT))


@pytest.mark.parametrize("place", [0, 1, 12, 13, 40, -1])
def test_whatever_byte_is_altered_it_is_noticed(place: int) -> None:
    sealed = bytearray(Seal(KEY).close(EFFECT))
    sealed[place] ^= 1
    with pytest.raises(SealError):
        Seal(KEY).open(bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 5, 13, 20])
def test_what_was_cut_off_is_noticed(length: int) -> None:
    with pytest.raises(SealError):
        Seal(KEY).open(Seal(KEY).close(EFFECT)[:length])


def test_what_the_first_versions_sealed_is_still_opened() -> None:
    plain = Post(label="old", url="https://hooks.example/x", json={"text": "before"})
    assert Seal(KEY).open(Fernet(KEY).encrypt(orjson.dumps(to_json(plain)))) == plain


ROWS = [{"uuid": f"{number:032x}", "type": "domain", "Tag": [{"name": "tlp:green"}]} for number in range(20_000)]


def large(rows: list[object], secret: str = "hush") -> Post:
    event = {"info": "large", "Attribute": rows, "Object": []}
    return Post(label="event", url=f"https://hooks.example/{secret}", json={"event": event}, secrets=(secret,))


def test_what_says_things_again_in_every_row_is_kept_small() -> None:
    sealed = Seal(KEY).close(large(ROWS))
    assert len(sealed) < len(orjson.dumps(ROWS)) / 5
    assert Seal(KEY).open(sealed) == large(ROWS)


@pytest.mark.parametrize("rows", [[*ROWS, "\ud800"], [2**70] * 1000, ROWS[:300], [[]] * 257], ids=range(4))
def test_long_lists_are_opened_whole_whatever_is_in_them(rows: list[object]) -> None:
    assert Seal(KEY).open(Seal(KEY).close(large(rows))) == large(rows)


@pytest.mark.parametrize("place", [0, 1, 13, 40, -1])
@pytest.mark.parametrize("other", [1, 2, 3])
def test_whatever_of_a_large_one_is_altered_it_is_noticed(place: int, other: int) -> None:
    sealed = bytearray(Seal(KEY).close(large(ROWS)))
    sealed[place] ^= other
    with pytest.raises(SealError):
        Seal(KEY).open(bytes(sealed))


def test_the_size_does_not_tell_whether_a_row_is_like_the_secret() -> None:
    guess = "token-7f3a9c41d2"
    rows = [{"value": f"https://hooks.example/{guess}"}, *ROWS[:1000]]
    assert len(Seal(KEY).close(large(rows, guess))) == len(Seal(KEY).close(large(rows, "other-0b8e6d5f17")))


@pytest.mark.parametrize("first", [[], ROWS[:600]], ids=["alone", "behind rows"])
def test_what_compressing_makes_little_less_of_is_kept_as_it_is(first: list[object]) -> None:
    draw = random.Random(1)
    attachments = [{"data": base64.b64encode(draw.randbytes(9_000)).decode()} for _ in range(300)]
    sealed = Seal(KEY).close(large([*first, *attachments]))
    assert len(sealed) > len(orjson.dumps(attachments))
    assert Seal(KEY).open(sealed) == large([*first, *attachments])
