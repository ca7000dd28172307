"""The quick look at a value tells the same as taking it apart: a gate must not be talked past by a spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery.guard.addresses import Ranges, hosts, networks, reserved

TYPES = ("ip-dst", "domain", "url", "hostname", "sha256", "text", "email-src", "filename")
PIECES = (
    "10", "0", "192", "255", "256", ".", ".", ".", ":", "/", "//", "@", "?", "#", "%31", "[", "]", "[.]", "|", "\\",
    "localhost", "LOCALHOST", ".localhost", "a", "g", "x", "0x7f", "f", "http://", "https://", "ftp://", "\n", "-", "_",
    "127.0.0.1", "10.1.2.3", "8.8.8.8", "0.0.0.0", "example", "org", "::1", "::ffff:", "１", "．", "\u200b", "ſ", "K", " ", ":80",
    "user:pw@",
)  # fmt: skip


def thorough(kind: str, value: str) -> bool:
    """Whether the value of a type that is no pair speaks of a reserved address, by what reads networks and hosts."""
    attribute = {"type": kind, "value": value}
    return any(map(Ranges.of_reserved().meets, networks(attribute))) or (
        kind != "filename" and any(f".{host}".endswith(".localhost") for host in hosts(attribute))
    )


@given(kind=st.sampled_from(TYPES), pieces=st.lists(st.sampled_from(PIECES), max_size=7))
def test_it_sees_what_a_thorough_look_sees(kind: str, pieces: list[str]) -> None:
    value = "".join(pieces)
    assert bool(reserved({"type": kind, "value": value})) is thorough(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("ip-dst", "0.0.0.0", ["0.0.0.0"]),
        ("ip-dst", "8.8.8.8", []),
        ("ip-dst", "255.255.255.255", ["255.255.255.255"]),
        ("ip-dst", "10.0.0.300", []),
        ("ip-dst", "10.0.0.256", []),
        ("ip-src", "192.168.0.5/16", ["192.168.0.5/16"]),
        ("ip-src", "8.8.8.9/24", []),
        ("ip-dst", "010.0.0.1", ["010.0.0.1"]),
        ("ip-dst", "2130706433", ["2130706433"]),
        ("text", "2130706433", []),
        ("filename", "10.0.0.1", []),
        ("sha256", "0" * 64, []),
        ("domain|ip", "g.example|10.0.0.1", ["10.0.0.1"]),
        ("url", "https://g.example/x|10.0.0.1", []),
        ("url", "https://g.example:80@10.0.0.1/", ["https://g.example:80@10.0.0.1/"]),
        ("url", "https://LOCALHOST/x", ["https://LOCALHOST/x"]),
        ("hostname", "localhosts.example", []),
        ("hostname", "mail.LocalHost", ["mail.LocalHost"]),
    ],
)
def test_at_the_edges(kind: str, value: str, found: list[str]) -> None:
    assert reserved({"type": kind, "value": value}) == found
