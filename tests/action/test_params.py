"""MISP's strings become typed values, or one sentence that names every parameter in trouble."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from misp_workflow.action import params
from misp_workflow.errors import ParameterError

TABLE: params.Table = {
    "channel": {"description": "Where to", "required": True},
    "token": {"description": "Secret", "secret": True},
    "count": {"description": "How many", "format": "integer", "default": 3, "minimum": 1, "maximum": 9},
    "share": {"description": "Part", "format": "number", "default": 0.5},
    "loud": {"description": "Loud", "format": "boolean", "default": False},
    "server": {"description": "Server", "format": "url", "default": "https://chat.example"},
    "tags": {"description": "Tags", "format": "list"},
    "levels": {"description": "Levels", "format": "list", "choices": ["0", "1"]},
    "mode": {"description": "Mode", "format": "choice", "choices": ["wait", "queue"], "default": "wait"},
    "text": {"description": "Text", "type": "large_string"},
}


def read(**given: Any) -> params.Params:
    return params.read(TABLE, {"channel": "#soc", **given}, {})


def test_empty_text_is_not_set_and_takes_the_default() -> None:
    values = read(**dict.fromkeys(set(TABLE) - {"channel"}, ""))
    assert (values.count, values.share, values.loud, values.mode) == (3, 0.5, False, "wait")
    assert (values.server, values.tags, values.text, values.token) == ("https://chat.example", (), "", "")


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("count", "7", 7),
        ("count", 7, 7),
        ("count", " 7 ", 7),
        ("share", "0.25", 0.25),
        ("loud", "TRUE", True),
        ("loud", "1", True),
        ("loud", True, True),
        ("loud", "no", False),
        ("server", "http://10.0.0.1:8065/", "http://10.0.0.1:8065"),
        ("server", "https://h/base/", "https://h/base/"),
        ("tags", "tlp:*, PAP:RED", ("tlp:*", "PAP:RED")),
        ("tags", 'galaxy="a, b"\ntlp:red\n', ('galaxy="a, b"', "tlp:red")),
        ("levels", "0,1", ("0", "1")),
        ("mode", "QUEUE", "queue"),
        ("text", " keeps its spaces\n", " keeps its spaces\n"),
        ("token", None, ""),
    ],
)
def test_values(name: str, given: Any, value: Any) -> None:
    assert getattr(read(**{name: given}), name) == value


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("count", "seven", "must be a whole number"),
        ("count", "10", "at least 1 and at most 9"),
        ("share", "half", "must be a number"),
        ("share", "nan", None),
        ("loud", "maybe", "true or false"),
        ("server", "chat.example", "https://"),
        ("server", "file:///etc/passwd", "https://"),
        ("server", "https://", "https://"),
        ("server", "https://h:99999/", "https://"),
        ("server", "https://h/\r\nX: 1", "https://"),
        ("levels", "0,7", "'7' is none"),
        ("mode", "later", "one of: wait, queue"),
        ("tags", {"a": 1}, "must be text"),
        ("channel", "  ", "'channel' is not set: Where to"),
        ("channel", [1], "must be text"),
    ],
)
def test_troubles(name: str, given: Any, sentence: str | None) -> None:
    if sentence is None:
        read(**{name: given})
        return
    with pytest.raises(ParameterError, match=sentence.replace("(", r"\(")):
        read(**{name: given})


def test_all_troubles_at_once() -> None:
    with pytest.raises(ParameterError) as caught:
        params.read(TABLE, {"count": "x", "loud": "x"}, {})
    assert all(f"'{name}'" in str(caught.value) for name in ("channel", "count", "loud"))


def test_php_says_no_parameters_with_an_empty_list() -> None:
    assert params.read({"text": {"description": "Text"}}, [], {}).text == ""
    with pytest.raises(ParameterError, match="object"):
        params.read(TABLE, ["a"], {})


def test_unknown_parameters_are_ignored_and_logged_by_name_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        read(old_token="hunter2hunter2")
    assert "old_token" in caplog.text and "hunter2" not in caplog.text


def test_the_destination_wins() -> None:
    assert params.read(TABLE, {"channel": "#node"}, {"channel": "#fixed"}).channel == "#fixed"


def test_nothing_secret_in_a_repr() -> None:
    values = read(token="hunter2hunter2")
    assert "hunter2" not in repr(values)
    assert params.secrets_of(TABLE, values, ["short", "long-enough-secret"]) == ("long-enough-secret", "hunter2hunter2")


def test_parts_of_a_secret_that_would_do_on_their_own() -> None:
    table = {
        "url": {"description": "U", "secret": True, "template": True, "format": "url"},
        "headers": {"description": "H", "secret": True, "type": "large_string"},
    }
    url = "https://hooks.example.org/services/{{ event_information }}/q7TnbYuHlRzX?token=abcdefghijkl"
    headers = "Authorization: Bearer 0123456789abcdef\nAccept: text/plain"
    found = params.secrets_of(table, params.read(table, {"url": url, "headers": headers}, {}))
    assert {"q7TnbYuHlRzX", "abcdefghijkl", "0123456789abcdef"} <= set(found)
    assert not {"hooks.example.org", "services", "event_information", "Bearer", "Authorization"} & set(found)


def test_placeholders_never_lie() -> None:
    table: params.Table = {
        "a": {"description": "A", "default": True, "jinja_supported": True},
        "b": {"description": "B", "default": ["x", "y"]},
        "c": {"description": "C"},
    }
    params.declare(table)
    assert [spec["value"] for spec in table.values()] == ["true", "x, y", ""]
    assert all(spec["type"] == "string" and "jinja_supported" not in spec for spec in table.values())


def test_a_node_cannot_send_the_destinations_secret_elsewhere() -> None:
    values = params.read(TABLE, {"channel": "#x", "server": "https://evil.example"}, {"token": "the-real-token"})
    assert (values.token, values.server) == ("the-real-token", "https://chat.example"), "the action's own address"
    fixed = {"token": "the-real-token", "server": "https://ours.example"}
    assert (
        params.read(TABLE, {"channel": "#x", "server": "https://evil.example"}, fixed).server == "https://ours.example"
    )
