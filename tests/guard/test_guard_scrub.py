"""Secrets do not survive, whatever they are nested in; what an analyst needs does."""

from __future__ import annotations

import copy
import importlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery.guard import HIDDEN, scrub, scrub_text
from misp_workflow.settings import is_secret_name

SECRET_NAMES = [
    "password",
    "confirm_password",
    "Password",
    "PASSWORD",
    "pass-word",
    "passwd",
    "pwd",
    "passphrase",
    "authkey",
    "auth_key",
    "AuthKey",
    "authkey_raw",
    "authkey_start",
    "external_auth_key",
    "api_key",
    "apikey",
    "API-Key",
    "a_p_i_key",
    "X-Api-Key",
    "x.api.key",
    "accessKey",
    "access_token",
    "botToken",
    "bot_token",
    "token",
    "tokens",
    "csrf_token",
    "refresh-token",
    "secret",
    "client_secret",
    "signing_secret",
    "secret_key",
    "private_key",
    "privateKey",
    "ssh_key",
    "encryption_key",
    "routing_key",
    "credentials",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "sessionid",
    "totp",
    "jwt",
    "salt",
    "bearer",
]
OPEN_NAMES = [
    "key",
    "keys",
    "value",
    "gpgkey",
    "certif_public",
    "public_key",
    "CryptographicKey",
    "key_data",
    "type",
    "comment",
    "info",
    "email",
    "regkey",
    "registry_key",
    "primary_key",
    "colour",
    "name",
    "uuid",
    "object_relation",
    "change_pw",
    "last_pw_change",
    "authors",
    "tag_name",
    "passenger-name-record-locator-number",
    "passport-number",
    "protected",
    "author",
    "monkeypox_cases",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert scrub({"User": [{name: "hunter2"}]}) == {"User": [{name: HIDDEN}]}


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_names_of_what_is_no_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_no_secret_means_no_copy() -> None:
    data = {"Event": {"Attribute": [{"value": "x", "Tag": []}], "info": "password reset campaign"}}
    assert scrub(data) is data


def test_only_what_changes_is_copied() -> None:
    data = {"a": {"b": [1, 2]}, "User": {"password": "x", "email": "e"}}
    before = copy.deepcopy(data)
    clean = scrub(data)
    assert clean == {"a": {"b": [1, 2]}, "User": {"password": HIDDEN, "email": "e"}}
    assert clean["a"] is data["a"]
    assert data == before


@pytest.mark.parametrize("value", ["", None, True, False, [], {}])
def test_what_says_that_there_is_no_secret_stays(value: Any) -> None:
    data = {"password": value}
    assert scrub(data) is data


@pytest.mark.parametrize("value", ["x", 4711, 1.5, ["x"], {"x": "y"}, [{"value": "x"}]])
def test_whatever_stands_under_the_name_is_hidden(value: Any) -> None:
    assert scrub({"api_key": value}) == {"api_key": HIDDEN}


def test_intelligence_about_passwords_stays() -> None:
    shared = {
        "Event": {
            "Object": [{"name": "credential", "Attribute": [{"object_relation": "password", "value": "123456"}]}],
            "Attribute": [{"type": "pgp-private-key", "value": "-----BEGIN"}, {"type": "cookie", "value": "sid=1"}],
            "CryptographicKey": [{"type": "pgp", "key_data": "-----BEGIN PGP PUBLIC KEY BLOCK-----"}],
        }
    }
    assert scrub(shared) is shared


def test_captured_users_lose_their_secrets(captures: dict[str, Any]) -> None:
    for trigger in ("user-before-save", "user-after-save"):
        data = captures[trigger]["data"]
        clean = scrub(data)
        for name in ("password", "confirm_password", "authkey"):
            if data.get(name):
                assert clean[name] == HIDDEN
                assert data[name] not in json.dumps(clean)
        assert clean["email"] == data["email"]


def test_other_captured_data_is_not_touched(captures: dict[str, Any]) -> None:
    for trigger, request in captures.items():
        if not trigger.startswith(("user", "log")):
            assert scrub(request["data"]) is request["data"], trigger


def test_log_entries_quote_what_changed() -> None:
    entry = {
        "model": "User",
        "action": "edit",
        "title": "User (3): ann@example.org",
        "change": "authkey (OLDKEYOLDKEY) => (NEWKEYNEWKEY), email (a@example.org) => (b@example.org), password () => (hash)",
    }
    assert scrub({"Log": entry})["Log"]["change"] == (
        "authkey (***) => (***), email (a@example.org) => (b@example.org), password () => (***)"
    )


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("nothing here", "nothing here"),
        ("the event's key = value table", "the event's key = value table"),
        ("password=hunter2&user=ann", "password=***&user=ann"),
        ("Authorization: Bearer abcdef123456", "Authorization: *** ***"),
        ("got a Bearer abcdef123456 from there", "got a Bearer *** from there"),
        ('{"authkey": "abc", "email": "e"}', '{"authkey": "***", "email": "e"}'),
        ('{"authkey": "a\\"b c", "email": "e"}', '{"authkey": "***", "email": "e"}'),
        ("amqp://misp:hunter2@mq.example.org/", "amqp://***@mq.example.org/"),
        ("/events/restSearch/authkey:abcdef/limit:5", "/events/restSearch/authkey:***/limit:5"),
        ("/authkey:abcdef/limit:5", "/authkey:***/limit:5"),
        ("token: 'a b' and more", "token: '***' and more"),
        ("Security.salt (abc) => (def)", "Security.salt (***) => (***)"),
        ('{"token": ""}', '{"token": ""}'),
        ("settings: api_key=hunter2 token: x", "settings: api_key=*** token: ***"),
        ("api_key=aGVs/bG8+d29y= and more", "api_key=*** and more"),
        ('cut off: password="hunter', 'cut off: password="***"'),
        ("cut off: authkey (OLD) => (NE", "cut off: authkey (***) => (***"),
        ("cut off: authkey (OL", "cut off: authkey (***"),
        ("password='' and token=abc", "password='' and token=***"),
        (r"{\"authkey\": \"abc\", \"email\": \"e\"}", r"{\"authkey\": \"***\", \"email\": \"e\"}"),
    ],
)
def test_sentences(text: str, left: str) -> None:
    assert scrub_text(text) == left


def test_what_names_a_model_or_an_action_is_no_entry_of_a_log() -> None:
    said = {"title": "token (a) => (b)"}
    apart = {"token": "x", "device": {"model": "P5", **said}, "rule": {"action": "block", **said}}
    assert scrub(apart) == {**apart, "token": HIDDEN}


def test_scrubbing_twice_changes_nothing_more() -> None:
    once = scrub({"a": [{"token": "x"}], "Log": {"model": "", "action": "", "change": "token (a) => (b)"}})
    assert scrub(once) is once


def test_as_deep_as_php_goes() -> None:
    data: Any = {"password": "planted"}
    for _ in range(255):
        data = [{"x": data}]
    assert "planted" not in json.dumps(scrub(data))


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        "a (" * 10**5,
        'a="' * 10**5,
        "a" + " " * 10**6,
        "bearer " * 10**5,
        "://" * 10**5,
        "a:" * 10**5,
        'token="' * 10**5,
    ],
)
def test_hostile_text_does_not_take_for_ever(text: str) -> None:
    scrub({"Log": {"model": "", "action": "", "change": text}})


def test_what_is_remembered_of_names_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    room = importlib.import_module(scrub.__module__)
    known: set[str] = set()
    monkeypatch.setattr(room, "_HARMLESS", known)
    monkeypatch.setattr(room, "MOST_KNOWN", 3)
    longest = "x" * room.LONGEST_KNOWN
    data = {"info": 1, "value": 2, longest: 3, f"{longest}x": 4}
    assert scrub(data) is data
    assert known == {"info", "value", longest}
    scrub({"date": 1, "password": "x"})
    assert known == {"info", "value", longest}


def test_a_name_of_a_megabyte() -> None:
    long = "x" * 10**6
    assert scrub({f"password_{long}": "s", f"{long}_token": "s", long: "open"}) == {
        f"password_{long}": HIDDEN,
        f"{long}_token": HIDDEN,
        long: "open",
    }


names = st.sampled_from(SECRET_NAMES)
planted = st.builds(lambda number: f"planted-{number}-secret", st.integers(0, 10**6))
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.builds(lambda n, s: {n: s}, names, planted),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(st.sampled_from([*OPEN_NAMES, "Event", "0", "3"]), below, max_size=4)
        | st.builds(lambda n, b: {n: b}, names, below)
        | st.builds(lambda n, s, b: {n: [s, {"x": b}], "y": b}, names, planted, below)
    ),
    max_leaves=20,
)


@given(trees)
def test_no_planted_secret_survives(data: Any) -> None:
    assert "planted" not in json.dumps(scrub(data))
