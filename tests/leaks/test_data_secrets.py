"""Secrets in what MISP sends: they arrive nowhere, and stand in no file, log or answer."""

from __future__ import annotations

import base64
import html
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from leaks_kit import World, Written, ask, kept, logged, settle, shown, variants, written
from planted_secrets import CORE, is_in, leaks, with_secrets

from misp_workflow.testing import answer
from misp_workflow.testing.contract import ActionFile, trouble_with

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.upper().encode(),
        lambda text: quote(text).encode(),
        lambda text: "".join(f"%{ord(letter):02X}" for letter in text).encode(),
        lambda text: base64.b64encode(text.encode()),
        lambda text: base64.urlsafe_b64encode(text.encode()),
        lambda text: base64.encodebytes((text * 3).encode()),
        lambda text: base64.b64encode(text.encode("utf-16")),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: html.escape(text).encode(),
        lambda text: "".join(f"&#{ord(letter)};" for letter in text).encode(),
        lambda text: "".join(f"&#x{ord(letter):X};" for letter in text).encode(),
        lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text).encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le").hex().encode(),
        lambda text: "=\r\n".join([text[:12], text[12:]]).encode(),
    ],
)
def test_the_secret_is_found_in_every_encoding(encode: Callable[[str], bytes]):
    """Or the tests below would look for nothing."""
    for before in ("", "a", "ab", "abc"):
        assert is_in(b"xyz " + encode(f"{before}{CORE}17") + b" xyz")
    assert not is_in(encode("nothing of that sort, only words"))


@pytest.fixture(scope="session")  # one of the module begins anew with each action
def planted(captures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {trigger: with_secrets(body) for trigger, body in captures.items()}


@pytest.fixture(scope="session")
def bodies(planted: dict[str, dict[str, Any]]) -> dict[str, Written]:
    return {trigger: written(body) for trigger, body in planted.items()}


def test_secrets_are_planted_at_every_depth(planted: dict[str, dict[str, Any]]):
    text = json.dumps(planted["event-publish"])
    assert text.count(CORE) > 500
    event = planted["event-publish"]["data"]["Event"]
    assert CORE in json.dumps(event["Attribute"][0]["Tag"][0]) and CORE in json.dumps(
        event["Object"][0]["Attribute"][0]
    )
    assert CORE in json.dumps(planted["variant-filter-second-only"]["filteredItems"])


def different(bodies: dict[str, Written]) -> dict[str, Written]:
    """Return one body for each trigger, without what MISP sends the same for another node."""
    return {trigger: body for trigger, body in bodies.items() if not trigger.startswith("variant-")}


LATER = answer("come again", 429, {"Content-Type": "text/plain"})


def test_no_secret_of_the_data_arrives_anywhere(
    action: ActionFile, world: World, bodies: dict[str, Written], caplog: pytest.LogCaptureFixture
):
    answers = []
    with caplog.at_level(logging.DEBUG):
        for number, more in enumerate(variants(action)):
            params, some = world.params(action, **more), bodies if number == 0 else different(bodies)
            answers += [(trigger, ask(action, body, params)) for trigger, body in some.items()]
        settle()
    check_answers(answers)
    arrived = list(world.arrived())
    assert leaks([*arrived, *logged(caplog), *kept().items()]) == []
    if not action.module.version()["config"]["blocking"]:
        assert arrived, "nothing arrived: say in World.known_values what this action's parameters need"


def test_no_secret_of_the_data_is_kept(
    action: ActionFile, world: World, bodies: dict[str, Written], caplog: pytest.LogCaptureFixture
):
    """Everybody says "later": what waits, why it waits, and what the log says of it."""
    world.clear(LATER, mail="451 come again")
    params = world.params(action, **list(variants(action))[-1])
    with caplog.at_level(logging.DEBUG):
        check_answers([(trigger, ask(action, body, params)) for trigger, body in different(bodies).items()])
        settle()
    assert leaks([*logged(caplog), *kept().items(), *shown()]) == []


def check_answers(answers: list[tuple[str, Any]]) -> None:
    """Check that MISP can read each answer, and that none tells a secret."""
    assert [trouble for _, said in answers if (trouble := trouble_with(said))] == []
    assert leaks((f"answer to {trigger}", json.dumps(said).encode()) for trigger, said in answers) == []
