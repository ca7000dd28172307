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
LARGE = {
    "rows": Post(label="event", url="https://hooks.example/x", json={"event": {"Attribute": ROWS}}),
    "one text": Post(label="text", url="https://hooks.example/x", body="all of it says the same; " * 50_000),
    "half a surrogate pair": Post(label="half", url="https://hooks.example/x", json={"rows": [*ROWS, "\ud800"]}),
}


@pytest.mark.parametrize("effect", LARGE.values(), ids=LARGE)
def test_what_is_large_and_says_things_again_and_again_is_kept_small(effect: Post) -> None:
    sealed = Seal(KEY).close(effect)
    assert len(sealed) < len(repr(effect)) / 5
    assert Seal(KEY).open(sealed) == effect


@pytest.mark.parametrize("place", [0, 1, 13, 40, -1])
@pytest.mark.parametrize("other", [1, 2, 3])
def test_whatever_of_a_large_one_is_altered_it_is_noticed(place: int, other: int) -> None:
    sealed = bytearray(Seal(KEY).close(LARGE["one text"]))
    sealed[place] ^= other
    with pytest.raises(SealError):
        Seal(KEY).open(bytes(sealed))


@pytest.mark.parametrize("first", [[], ROWS[:2000]], ids=["alone", "behind rows"])
def test_what_compressing_makes_little_less_of_is_kept_as_it_is(first: list[object]) -> None:
    attachment = base64.b64encode(random.Random(1).randbytes(3_000_000)).decode()
    effect = Post(label="sample", url="https://hooks.example/x", json={"rows": [*first, {"data": attachment}]})
    sealed = Seal(KEY).close(effect)
    assert len(sealed) > len(attachment)
    assert Seal(KEY).open(sealed) == effect
