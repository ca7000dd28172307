"""Which hosts and networks an attribute speaks of, by its type and in every spelling."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from misp_workflow.delivery.guard.addresses import LONGEST_HOST, Ranges, hosts, networks

BOTH = "8.0.0.1/32 10.0.0.1/32"
"""What 010.0.0.1 is: to a resolver, and to people."""


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("ip-dst", "8.8.8.8", "8.8.8.8/32"),
        ("ip-src", "192.168.0.5/16", "192.168.0.0/16"),
        ("ip-dst", "2001:db8::1", "2001:db8::1/128"),
        ("ip-dst", "fe80::1%eth0", "fe80::1/128"),
        ("ip-dst", "::ffff:10.0.0.1", "10.0.0.1/32"),  # IPv4 in IPv6's clothes
        ("ip-dst", "64:ff9b::a00:1", "10.0.0.1/32"),
        ("ip-src", "::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("ip-dst", "2002:a00:1::1", "2002:a00:1::1/128 10.0.0.1/32"),  # an address that carries one
        ("ip-src", "2002:a00:1::/48", "2002:a00:1::/48"),
        ("ip-src", "2002:a00:1::/127", "2002:a00:1::/127"),
        ("ip-dst|port", "10.0.0.1|80", "10.0.0.1/32"),
        ("domain|ip", "evil.example|10.0.0.1", "10.0.0.1/32"),
        ("filename|ip-dst", "10.0.0.1|10.0.0.2", ""),
        ("url", "http://10.0.0.1:8080/x", "10.0.0.1/32"),
        ("url", "http://[::1]/", "::1/128"),
        ("url", "http://user@2130706433/", "127.0.0.1/32"),
        ("url", "http://%31%32%37.0.0.1/", "127.0.0.1/32"),
        ("url", "http://10.0.0\n.1/", "10.0.0.1/32"),
        ("text", "http://2130706433/", "127.0.0.1/32"),
        ("text", "2130706433", ""),  # a number alone, where nothing says that an address stands there
        ("ip-dst", "2130706433", "127.0.0.1/32"),
        ("text", "10.0.0.1", "10.0.0.1/32"),
        ("text", "010.0.0.1", BOTH),
        ("text", "010.0.0.1:80", BOTH),
        ("text", "010.0.1", ""),
        ("text", "[fe80::1]:80", "fe80::1/128"),
        ("url", "http://[fe80::1%25eth0]/", "fe80::1/128"),
        ("ip-dst", "010.0.1", "8.0.0.1/32"),
        ("text", "010.0.0.1.5", ""),
        ("ip-dst", "10.0.0.1.", "10.0.0.1/32"),
        ("ip-src", "010.0.0.0/08", "8.0.0.0/8 10.0.0.0/8"),
        ("ip-src", "010.0.0.0/20", "8.0.0.0/20 10.0.0.0/20"),
        ("ip-src", "010.0.0.0/0", "0.0.0.0/0"),
        ("text", "::ffff:010.0.0.1", BOTH),
        ("text", "::010.0.0.1", "::800:1/128 8.0.0.1/32 ::a00:1/128 10.0.0.1/32"),
        ("text", "https://10.0.0.1/8", "10.0.0.1/32"),
        ("email-src", "user@[IPv6:2001:db8::1]", "2001:db8::1/128"),
        ("regkey", "\\\\10.0.0.1\\share", "10.0.0.1/32"),
        ("ip-dst", "10\u30020\u30020\u30021", "10.0.0.1/32"),  # the dots of a Japanese keyboard
        ("ip-dst", "１０.0.0.1", "10.0.0.1/32"),
        ("ip-dst", "1\u200b0.0.0.1\u00ad", "10.0.0.1/32"),
        ("url", "http://10.0.0\u2060.1/", "10.0.0.1/32"),
        ("ip-dst", "10[.]0(dot)0{.}1", "10.0.0.1/32"),
        ("ip-dst", "evil.example", ""),
    ],
)
def test_networks(kind: str, value: str, found: str) -> None:
    assert networks({"type": kind, "value": value}) == [ip_network(one) for one in found.split()]


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("url", "HTTPS://User@Evil.Example.:8443/x", "evil.example"),
        ("url", "https://[2001:DB8::1]/", "2001:db8::1"),
        ("url", "https://[fe80::1%eth0]/", "fe80::1"),
        ("url", "https://%65vil.example/", "evil.example"),
        ("url", "https://evil[.]example/", "evil.example"),
        ("domain", "XEVIL.EXAMPLEX", "xevil.examplex"),
        ("domain", ".evil.example", ".evil.example"),
        ("domain|ip", "evil.example|10.0.0.1", "evil.example 10.0.0.1"),
        ("hostname|port", "evil.example|80", "evil.example"),
        ("domain|ip", "10.0.0.1|10.0.0.1", "10.0.0.1"),
        ("text", "two words", ""),
        ("domain", "x" * LONGEST_HOST, "x" * LONGEST_HOST),
        ("domain", "x" * (LONGEST_HOST + 1), ""),
    ],
)
def test_hosts(kind: str, value: str, found: str) -> None:
    assert hosts({"type": kind, "value": value}) == found.split()


@pytest.mark.parametrize(
    ("network", "meets"),
    [
        ("10.0.0.1", True),
        ("11.255.255.255", True),
        ("9.255.255.255", False),
        ("12.0.0.0", False),
        ("0.0.0.0", False),
        ("192.0.2.128/25", True),
        ("192.0.0.0/16", True),
        ("192.0.3.0/24", False),
        ("203.0.113.1", False),  # between two that are there
        ("203.0.113.2", True),
        ("2001:db8::1", True),
        ("2001:db9::", False),
    ],
)
def test_what_meets_one_of_many_networks(network: str, meets: bool) -> None:
    given = "192.0.2.0/24 10.0.0.0/8 2001:db8::/32 11.0.0.0/8 10.1.0.0/16 203.0.113.0/32 203.0.113.2/32"
    assert Ranges(map(ip_network, given.split())).meets(ip_network(network)) is meets


def test_of_another_version_nothing_meets() -> None:
    assert not Ranges([ip_network("0.0.0.0/0")]).meets(ip_network("::/0"))
    assert not Ranges([]).meets(ip_network("::1"))
