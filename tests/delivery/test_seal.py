"""Effects at rest: sealed, opened with the same key only, and never sealed twice alike."""

from __future__ import annotations

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
