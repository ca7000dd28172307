"""Where connections may not go, in every spelling."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery.guard import connection_refusal
from misp_workflow.delivery.guard.networks import METADATA, read_address, readings
from misp_workflow.settings import Networks

OPEN = Networks()

METADATA_SPELLINGS = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0XA9FEA9FE",
    "025177524776",
    "169.254.43518",
    "169.16689662",
    "0xa9.254.0251.0xfe",
    "169.254.169.254.",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "[::ffff:a9fe:a9fe]",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "FD00:0EC2:0:0:0:0:0:254",
    "100.100.100.200",
    "::ffff:100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    # RFC 6052, 6145, 8215, 5214: translated, with prefixes of every length, the network's own ones among them
    "::ffff:0:169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:1a9:00fe:a9fe::",
    "64:ff9b:1:2:a9:fea9:fe00::",
    "2001:db8:a9fe:a9fe::",
    "2001:db8:1a9:fea9:fe::",
    "2001:db8:122:a9fe:a9:fe00::",
    "2001:db8:122:3a9:fe:a9fe::",
    "2001:db8:122:344:a9:fea9:fe00::",
    "2001:db8:122:344::169.254.169.254",
    "2001:db8::5efe:169.254.169.254",
    "2001:db8::200:5efe:100.100.100.200",
]


@pytest.mark.parametrize(
    "address", ["64:ff9b:1::192.0.2.33", "64:ff9b::8.8.8.8", "2001:4860:4860::8888", "2620:fe::fe"]
)
def test_what_is_translated_to_nothing_special_is_allowed(address: str) -> None:
    assert not connection_refusal(address, OPEN)


@pytest.mark.parametrize("address", METADATA_SPELLINGS)
def test_metadata_services(address: str) -> None:
    assert connection_refusal(address, OPEN)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "febf::1",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",
        "0",
        "::",
        "::2",
        "::169.254.0.1",
        "2001:db8::5efe:224.0.0.1",
        "255.255.255.255",
    ],
)
def test_addresses_that_are_nobodys_server(address: str) -> None:
    assert "not allowed" in connection_refusal(address, OPEN)


@pytest.mark.parametrize(
    "address", ["", "example.org", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "0x", "1..2", "-1", "4294967296"]
)
def test_what_is_no_address_is_never_an_open_door(address: str) -> None:
    found = read_address(address)
    assert (found is None) == ("is not an IP address" in connection_refusal(address, OPEN))
    if found is not None:
        assert found == ipaddress.ip_address(socket.inet_ntoa(socket.inet_aton(address.strip())))


@pytest.mark.parametrize(
    "address",
    [
        "127.1",
        "1.2.772",
        "1.131844",
        "010.0.0.1",
        "0377.0.0.255",
        "255.255.255.254",
        "0xff.0XFE.1.255",
        "017700000001",
        "8.8.8.8.",
        "4294967295",
        "0" * 63 + "1",
    ],
)
def test_every_spelling_is_the_address_that_a_resolver_reads(address: str) -> None:
    assert read_address(address) == ipaddress.ip_address(socket.inet_aton(address.rstrip(".")))
    assert next(readings(address)) == read_address(address)


@pytest.mark.parametrize("address", ["1.2.3.4.0", "08.8.8.8", "1.2.3.256", ".1.2.3.4", "256.1", "0" * 65, "0x"])
def test_what_a_resolver_reads_as_no_address_is_none(address: str) -> None:
    assert read_address(address) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("010.0.0.1", ["8.0.0.1", "10.0.0.1"]),
        ("08.0.0.255", ["8.0.0.255"]),
        ("08.0.0.256", []),
        ("010.0.0.1.", ["8.0.0.1", "10.0.0.1"]),
        ("010.1", ["8.0.0.1"]),
        ("[010.0.0.1]", ["8.0.0.1", "10.0.0.1"]),
        ("010.0.0.1%eth0", ["8.0.0.1", "10.0.0.1"]),
        ("X8.8.8.8", []),
        ("0" * 63 + "8.0.0.1", ["8.0.0.1"]),
        ("0" * 64 + "8.0.0.1", []),
        (" [2001:db8::1%eth0] ", ["2001:db8::1"]),
        ("::ffff:010.0.0.1", ["::ffff:8.0.0.1", "::ffff:10.0.0.1"]),
        ("2001:db8::x", []),
        ("2001:db8::08.0.0.256", []),
        ("8.8.8.8", ["8.8.8.8"]),
        ("٨.8.8.8", []),
        ("name", []),
    ],
)
def test_all_that_somebody_may_read_in_a_text(text: str, read: list[str]) -> None:
    assert list(readings(text)) == [ipaddress.ip_address(one) for one in read]


def test_brackets_and_a_zone_are_no_part_of_an_address() -> None:
    assert not connection_refusal("[2606:4700::1111]", OPEN)
    assert not connection_refusal("2606:4700::1111%eth0", OPEN)
    assert read_address("[fe80::1%eth0]") == ipaddress.ip_address("fe80::1")
    assert read_address("X1.2.3.4X") is None


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "172.31.255.255", "fd12::9", "8.8.8.8", "2001:db8::1"]
)
def test_the_own_network_is_open_unless_denied(address: str) -> None:
    assert not connection_refusal(address, OPEN)


@pytest.mark.parametrize(
    ("address", "deny", "allow", "open_"),
    [
        ("127.0.0.1", ("loopback",), (), False),
        ("127.9.9.9", ("loopback",), (), False),
        ("::127.0.0.1", ("loopback",), (), False),
        ("64:ff9b::10.0.0.1", ("10.0.0.1/32",), (), False),
        ("64:ff9b::10.0.0.0", ("10.0.0.1/32",), (), True),
        ("2001:db8::5efe:127.0.0.1", ("loopback",), (), False),
        ("2001:db8::200:5efe:127.0.0.1", ("loopback",), (), False),
        ("2001:db8::5eff:127.0.0.1", ("loopback",), (), True),
        ("::1:127.0.0.1", ("loopback",), (), True),
        ("::1", ("loopback",), (), False),
        ("::ffff:127.0.0.1", ("loopback",), (), False),
        ("2130706433", ("loopback",), (), False),
        ("017700000001", ("loopback",), (), False),
        ("10.1.2.3", ("loopback",), (), True),
        ("10.1.2.3", ("private",), (), False),
        ("100.64.0.1", ("private",), (), False),
        ("fd12::9", ("private",), (), False),
        ("2002:0a01:0203::1", ("private",), (), False),
        ("64:ff9b::10.1.2.3", ("private",), (), False),
        ("10.1.2.3", ("private",), ("10.1.2.3",), True),
        ("10.1.2.4", ("private",), ("10.1.2.3",), False),
        ("203.0.113.9", ("203.0.113.0/24",), (), False),
        ("203.0.114.9", ("203.0.113.0/24",), (), True),
        ("::ffff:203.0.113.9", ("203.0.113.0/24",), (), False),
        ("2001:db8::1", ("2001:db8::/32",), (), False),
        ("169.254.169.254", (), ("169.254.0.0/16",), False),
        ("127.0.0.1", ("0.0.0.0/0", "::/0"), ("loopback",), True),
    ],
)
def test_what_the_settings_deny(address: str, deny: tuple[str, ...], allow: tuple[str, ...], open_: bool) -> None:
    assert (connection_refusal(address, Networks(deny=deny, allow=allow)) == "") is open_


def test_the_sentence_says_which_rule() -> None:
    said = "connections to 169.254.169.254 are not allowed: it is a cloud provider's metadata service"
    assert connection_refusal("169.254.169.254", OPEN) == said
    assert "networks.deny" in connection_refusal("10.0.0.1", Networks(deny=("private",)))


@given(st.ip_addresses(v=4))
def test_mapped_addresses_are_judged_as_what_they_stand_for(address: ipaddress.IPv4Address) -> None:
    for networks in (OPEN, Networks(deny=("private", "loopback"))):
        plain = not connection_refusal(str(address), networks)
        assert (not connection_refusal(f"::ffff:{address}", networks)) == plain
        assert (not connection_refusal(str(int(address)), networks)) == plain
        assert (not connection_refusal(hex(int(address)), networks)) == plain


@given(st.lists(st.integers(0, 2**33), min_size=1, max_size=5), st.sampled_from(["{}", "0{:o}", "0x{:x}", "0X{:X}"]))
def test_odd_spellings_are_read_as_the_system_reads_them(numbers: list[int], form: str) -> None:
    text = ".".join(form.format(number) for number in numbers)
    try:
        expected = socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        expected = None
    found = read_address(text)
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize("address", METADATA)
def test_allowing_everything_opens_no_metadata_service(address: str) -> None:
    assert connection_refusal(address, Networks(allow=("0.0.0.0/0", "::/0", "loopback", "private")))
