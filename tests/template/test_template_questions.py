"""Questions about values, and times in zones."""

from __future__ import annotations

import datetime
import re

import pytest

from misp_workflow import local_time
from misp_workflow.errors import TemplateError
from misp_workflow.template import condition, render


def holds(expression: str, **names: object) -> bool:
    return condition(expression, names)


@pytest.mark.parametrize(
    ("value", "network", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.0.0/16", "10.0.0.0/8", True),
        ("10.0.0.0/8", "10.1.0.0/16", False),
        ("198.51.100.7|443", "198.51.100.0/24", True),
        ("evil.example|198.51.100.7", "198.51.100.0/24", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "10.0.0.0/8", False),
        ("evil.example", "0.0.0.0/0", False),
        ("", "0.0.0.0/0", False),
        ("10.1.2.3", "10.1.2.3", True),
        ({"type": "ip-dst", "value": "10.1.2.3"}, "10.0.0.0/8", True),
    ],
)
def test_addresses_in_networks(value: object, network: str, inside: bool) -> None:
    assert holds("v is in_network(n)", v=value, n=network) is inside
    assert holds("v|in_network(n)", v=value, n=network) is inside
    assert holds("v is in_networks(['192.0.2.0/24', n])", v=value, n=network) is inside
    assert holds("v is in_networks('192.0.2.0/24, ' ~ n)", v=value, n=network) is inside


def test_what_is_no_network_is_an_error() -> None:
    with pytest.raises(TemplateError, match="'nowhere' is no network"):
        holds("'10.1.2.3' is in_networks(['10.0.0.0/8', 'nowhere'])")


@pytest.mark.parametrize(
    "value", ["10.0.0.1", "127.0.0.1", "169.254.1.1", "100.64.0.1", "192.0.2.1", "fe80::1", "fd00::1"]
)
def test_private(value: str) -> None:
    assert holds("v is private and v is is_private and v|is_private", v=value)


@pytest.mark.parametrize("value", ["8.8.8.8", "2606:4700::1111", "evil.example", "10.0.0.1.evil.example"])
def test_not_private(value: str) -> None:
    assert not holds("v is private", v=value)


def test_regular_expressions() -> None:
    assert holds("v is matches('^ev[io]l') and v is matches('EVIL', ignore_case=true)", v="evil.example")
    assert not holds("v is matches('^vil')", v="evil.example")
    assert (
        render(r"{{ v|regex_replace('(\\w+)@(\\w+)', '\\2 at \\1') }}", {"v": "a@b, c@d"}, "text") == "b at a, d at c"
    )
    assert render("{{ v|regex_replace('[0-9]', '#', count=2) }}", {"v": "1234"}, "text") == "##34"
    assert render("{{ v|regex_replace('X', '', ignore_case=true) }}", {"v": "axbX"}, "text") == "ab"
    rows = [{"type": "domain", "value": "evil.example"}, {"type": "domain", "value": "good.example"}]
    assert render("{{ a|selectattr('value', 'matches', '^evil')|list|length }}", {"a": rows}) == "1"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("{{ v is matches('(') }}", "is no regular expression"),
        ("{{ v is matches(3) }}", "is a text of up to 500 characters"),
        ("{{ v is matches('a' * 501) }}", "is a text of up to 500 characters"),
        (r"{{ v|regex_replace('a', '\\7') }}", "it names a group that is not there"),
        ("{{ v is matches('(a|aa)+$') }}", "takes too long on this text"),
        (
            r"{% for i in range(9) %}{% set r = v|regex_replace('(.+)', '\\1' * 150) %}{% endfor %}",
            "characters of text",
        ),
    ],
)
def test_regular_expressions_are_bounded(source: str, sentence: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(sentence)):
        render(source, {"v": "a" * 50_000 + "b"})


@pytest.mark.parametrize(
    ("value", "domain", "registrable"),
    [
        ("https://user@Login.Evil.co.uk:8443/a?b=c", "login.evil.co.uk", "evil.co.uk"),
        ("someone@mail.evil.example", "mail.evil.example", "evil.example"),
        ("evil.example.", "evil.example", "evil.example"),
        ("evil.example|198.51.100.7", "evil.example", "evil.example"),
        ("evil.example:8080", "evil.example", "evil.example"),
        ("https://198.51.100.7/a", "", ""),
        ("198.51.100.7", "", ""),
        ("http://[::1", "", ""),
        ("localhost", "", ""),
        ("no domain.at all", "", ""),
        ("co.uk", "co.uk", ""),
    ],
)
def test_domains(value: str, domain: str, registrable: str) -> None:
    names = {"v": value}
    assert render("{{ v|domain_of|refang }}", names) == domain
    assert render("{{ v|registrable_domain|refang }}", names) == registrable


def test_a_domain_stays_dead_where_people_read() -> None:
    names = {"v": "https://login.evil.example/a"}
    assert (
        render("{{ v|domain_of }} {{ v|registrable_domain }}", names, "slack")
        == "login[.]evil[.]example evil[.]example"
    )


# --- times ------------------------------------------------------------------------------------------------------------

SUMMER, WINTER = "1782900000", "1795292380"  # 2026-07-01 10:00 and 2026-11-21 20:19 UTC


def test_times_in_zones() -> None:
    assert (
        render("{{ s|date }}, {{ w|date }}", {"s": SUMMER, "w": WINTER}) == "2026-07-01 10:00 UTC, 2026-11-21 20:19 UTC"
    )
    names = {"s": SUMMER, "w": WINTER, "z": "Europe/Berlin"}
    assert render("{{ s|date('%H:%M %Z', z) }}, {{ w|date('%H:%M %Z', z) }}", names) == "12:00 CEST, 21:19 CET"
    with local_time.told_in("America/New_York"):
        assert render("{{ s|date }}, {{ s|date('%H:%M', 'UTC') }}", names) == "2026-07-01 06:00 EDT, 10:00"
        assert render("{{ '2026-07-01'|date('%Y-%m-%d') }}", {}) == "2026-07-01", "a day is that day everywhere"
        assert render("{{ '2026-07-01 10:00:00'|date }}", {}) == "2026-07-01 06:00 EDT"
        assert render("{{ now() }}", {})[-6:] in ("-05:00", "-04:00")
    assert render("{{ s|date }}", names) == "2026-07-01 10:00 UTC"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "a" * 1000, "/etc/localtime"])
def test_what_is_no_zone(zone: str) -> None:
    with pytest.raises(TemplateError, match="is no time zone such as Europe/Berlin"):
        render("{{ 0|date('%H', z) }}", {"z": zone})


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (1, "1 second ago"),
        (3599, "59 minutes ago"),
        (7200, "2 hours ago"),
        (-90_000, "in 1 day"),
        (40 * 86_400, "1 month ago"),
        (800 * 86_400, "2 years ago"),
    ],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    names = {"then": int(WINTER) - seconds, "w": WINTER}
    assert render("{{ then|ago(w) }}", names) == words


def test_now_is_now() -> None:
    assert render("{{ now()|ago }}", {}) in ("just now", "1 second ago")
    said = datetime.datetime.fromisoformat(render("{{ now() }}", {}, "text"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - said).total_seconds()) < 600
    assert render("{{ 'soon'|ago }}", {}) == ""
