"""Domains, networks and patterns as people write them into a gate; what nothing ever could be lets nothing pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).resolve().parents[2] / "misp_modules/modules/action_mod"
WRITTEN = ["example.org", "EXAMPLE.org.", "@example.org", ".example.org", "*.example.org", "*@example.org"]
WRITTEN += [
    "https://example.org/",
    "example.net, *.example.org",
    '["example.org"]',
    '"example.org"',
    "'example.net', 'example.org'",
]
NO_DOMAINS = ["example.org:443", "example.org/path", "exa mple.org/x", "example..org", "*", ".", "@", "a@example.org"]


def ask(action: str, data: dict[str, Any], **params: str) -> str:
    """Return why it does not pass, "" when it does."""
    request = {"module": action, "data": data, "params": params}
    answer = ActionFile.load(ACTIONS / f"{action}.py").module.handler(q=json.dumps(request))
    return answer.get("error", "")


def enrichment(value: str, kind: str = "domain") -> dict[str, Any]:
    row = {"uuid": "00000001-0000-4000-8000-000000000000", "type": kind, "value": value, "category": "Network activity"}
    uuid = "11111111-2222-4333-8444-555555555555"
    return {"Event": {"id": "7", "uuid": uuid, "info": "any", "Attribute": [row]}, "_module": "dns"}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_domain_is_ours_however_it_is_written(written: str) -> None:
    for ours in ("example.org", "mail.Example.org", "a.b.example.org."):
        assert "is our own" in ask("enrichment_guard", enrichment(ours), own_domains=written), ours
    for other in ("badexample.org", "example.org.evil.test", "example.com"):
        assert not ask("enrichment_guard", enrichment(other), own_domains=written), other


@pytest.mark.parametrize("written", ["bücher.example", "xn--bcher-kva.example", "*.BÜCHER.example"])
@pytest.mark.parametrize(("kind", "value"), [("domain", "{}"), ("url", "http://{}/x"), ("email-src", "a@{}")])
@pytest.mark.parametrize("name", ["bücher.example", "xn--bcher-kva.example", "Www.Bücher.example"])
def test_a_name_is_the_same_in_both_spellings(written: str, kind: str, value: str, name: str) -> None:
    data = enrichment(value.format(name), kind)
    assert "is our own" in ask("enrichment_guard", data, own_domains=written)


@pytest.mark.parametrize("ours", ["straße.example", "xn--strae-oqa.example"])
def test_a_name_is_not_the_one_it_was_before_2010(ours: str) -> None:
    """IDNA 2003 made two names of different owners one."""
    assert not ask("enrichment_guard", enrichment("strasse.example"), own_domains=ours)
    for name in ("straße.example", "xn--strae-oqa.example"):
        assert "is our own" in ask("enrichment_guard", enrichment(name), own_domains=ours)


@pytest.mark.parametrize("below", ["x" * 80, "a_b", "_dmarc", "-a"])
def test_a_name_below_ours_is_ours_whatever_it_is(below: str) -> None:
    assert "is our own" in ask("enrichment_guard", enrichment(f"{below}.bücher.example"), own_domains="bücher.example")


@pytest.mark.parametrize("written", WRITTEN)
def test_users_of_a_domain_may_come_however_it_is_written(written: str) -> None:
    for mail in ("a@example.org", "A@mail.EXAMPLE.org"):
        assert not ask("user_gate", {"email": mail}, allowed_domains=written), mail
    for mail in ("a@badexample.org", "a@example.org.evil.test", '"a@example.org"@evil.test', "a@", ""):
        assert "is not allowed" in ask("user_gate", {"email": mail}, allowed_domains=written), mail


@pytest.mark.parametrize("written", NO_DOMAINS)
def test_what_can_be_no_domain_is_said(written: str) -> None:
    for action, name, data in (
        ("enrichment_guard", "own_domains", enrichment("mail.example.org")),
        ("user_gate", "allowed_domains", {"email": "a@example.org"}),
        ("proposal_gate", "allowed_domains", {"Event": {"ShadowAttribute": [{"email": "a@example.org"}]}}),
    ):
        assert "is no domain, such as example.org" in ask(action, data, **{name: written}), action


@pytest.mark.parametrize(
    "written", ["10.0.0.0 255.0.0.0", "10.0.0.0/255.0.0.0 255.255.255.0", "10.*", "10.0.0.0-10.1.0.0"]
)
def test_what_can_be_no_network_is_said(written: str) -> None:
    assert "is no network" in ask("enrichment_guard", enrichment("10.1.2.3", "ip-dst"), own_networks=written)


EXPRESSIONS = ["tlp:.*", ".*red.*", "^tlp:red$", "/tlp:red/", "tlp:green\n.*red", '["tlp:.*"]']
EXPRESSIONS += ["acme:(hold|stop)", "acme:.+", "acme:hold$", r"acme:\w+", r"acme\.hold", "acme:[a-z]+", "acme:hold|x:y"]


@pytest.mark.parametrize("written", EXPRESSIONS)
@pytest.mark.parametrize("name", ["forbidden_tags", "required_objects"])
def test_a_regular_expression_is_no_pattern(name: str, written: str) -> None:
    data = {"Event": {"info": "any", "Tag": [{"name": "tlp:red"}], "Attribute": []}}
    assert "is a regular expression; here * stands for anything" in ask("publish_gate", data, **{name: written})


def test_a_regular_expression_is_no_type() -> None:
    assert "is a regular expression" in ask("publish_gate", {"Event": {"info": "any"}}, forbidden_types="ip-.*")


@pytest.mark.parametrize("name", ["[P1]", 'acme:note="[draft]"', "acme:[a-z]", 'misp-galaxy:tool="Foo (a|b)"'])
def test_a_tag_with_brackets_means_itself(name: str) -> None:
    """Brackets are a set of letters to a pattern: the tag itself went unseen."""
    data = {"Event": {"info": "any", "Tag": [{"name": name}], "Attribute": []}}
    assert "is forbidden" in ask("publish_gate", data, forbidden_tags=name.upper())
    assert not ask("publish_gate", data, required_tags=name)


def test_a_misspelt_type_forbids_nothing_together_and_is_said() -> None:
    data = {"Event": {"info": "any", "Tag": [{"name": "tlp:red"}], "Attribute": [{"type": "email", "value": "x"}]}}
    told = ask("publish_gate", data, forbidden_together="tlp:red emial*")
    assert "the rule 'tlp:red emial*' cannot be read: 'emial*' is no attribute type" in told


def test_one_warninglist_that_nobody_knows_is_said_beside_one_that_is_known() -> None:
    data = {"Event": {"info": "any", "Attribute": [{"type": "ip-dst", "value": "8.8.8.8", "to_ids": True}]}}
    told = ask("publish_gate", data, warninglists="List of known google domains\nLits of RFC *")
    assert told == "No warninglist is called Lits of RFC *."
