"""The search in the warninglists finds what their own package finds, and a call that cannot wait is told so."""

from __future__ import annotations

import json
import random
import threading

import pytest

from misp_workflow.delivery import warninglists
from misp_workflow.errors import InputError

package = pytest.importorskip("pymispwarninglists", reason="pymispwarninglists, the extra [warninglists], is missing")

SOME = (
    "List of RFC *",
    "List of known Cloudflare IP ranges",
    "List of known Office 365 *",
    "University domains",
    "*EICAR*",
)
VALUES = (
    ("ip-dst", "10.2.3.4"),
    ("ip-dst", "104.16.0.9"),
    ("ip-src", "8.8.8.8"),
    ("ip-dst", "fe80::1"),
    ("ip-dst", "2001:db8::1"),
    ("domain", "localhost"),
    ("domain", "sub.example.invalid"),
    ("domain", "mit.edu"),
    ("hostname", "www.mit.edu"),
    ("url", "https://www.office.com/x"),
    ("domain", "outlook.office365.com"),
    ("md5", "44d88612fea8a8f36de82e1278abb02f"),
    ("domain", "nothing-of-the-kind.example-1234.xyz"),
)

ADDRESS = {"type": "ip-dst", "value": "10.0.0.1"}


@pytest.mark.parametrize("pattern", SOME)
def test_it_finds_what_the_package_finds(pattern):
    described = [warninglists._described(file) for file in warninglists._folder().glob("*/list.json")]
    chosen = [one for one in described if warninglists.matching([one.name], pattern)]
    theirs = package.WarningLists(slow_search=True, lists=[json.loads(one.file.read_text()) for one in chosen])
    drawn = random.Random(1)
    more = [("ip-dst", f"{drawn.randrange(1, 224)}.{drawn.randrange(256)}.0.1") for _ in range(60)]
    for kind, value in (*VALUES, *more):
        wanted = {one.name for one in theirs.search(value) if kind in one.matching_attributes}
        assert set(warninglists.lists_with({"type": kind, "value": value}, (pattern,))) == wanted, value


def test_both_halves_of_a_composite_value_are_looked_at_and_no_port():
    rfc = ("List of RFC 1918*",)
    assert warninglists.lists_with({"type": "domain|ip", "value": "x.example|10.0.0.1"}, rfc)
    assert warninglists.lists_with({"type": "ip-dst|port", "value": "10.0.0.1|443"}, rfc)
    assert not warninglists.lists_with({"type": "ip-dst|port", "value": "8.8.8.8|10.0.0.1"}, rfc)


@pytest.mark.parametrize(
    ("kind", "value", "listed"),
    [
        ("ip-dst", "10.1.0.0/16", True),  # lies in the listed network
        ("ip-dst", "0.0.0.0/0", True),  # contains it
        ("ip-dst", "8.0.0.0/6", True),
        ("ip-dst", "8.8.8.0/24", False),
        ("ip-dst", "::ffff:10.0.0.1", True),
        ("url", "http://192.168.1.1/x", True),
        ("url", "http://8.8.8.8@192.168.1.1/x", True),
        ("url", "http://8.8.8.8/192.168.1.1", False),
        ("hostname|port", "10.0.0.1|80", True),
        ("uri", "//10.2.3.4/share", True),
        ("text", r"\\10.2.3.4\share", True),
        ("email-src", "root@[10.2.3.4]", True),
        ("comment", "10.0.0.1", True),
        ("comment", "version 10.0.0.1", False),
    ],
)
def test_addresses_and_networks_are_found_whatever_the_type(kind, value, listed):
    found = warninglists.lists_with({"type": kind, "value": value}, ("List of RFC 1918*",))
    assert found == (["List of RFC 1918 CIDR blocks"] if listed else [])


def test_an_address_in_a_url_is_found_on_lists_that_name_addresses_one_by_one():
    lists = ("List of known IPv4 public DNS resolvers",)
    assert warninglists.lists_with({"type": "url", "value": "http://8.8.8.8/x"}, lists) == list(lists)
    assert warninglists.lists_with({"type": "url", "value": "http://example.org/8.8.8.8"}, lists) == []


def test_a_list_that_nobody_has_is_said():
    with pytest.raises(InputError, match="No warninglist is called List of nothing"):
        warninglists.lists_with({"type": "domain", "value": "x"}, ("List of nothing",))


def test_whoever_cannot_wait_is_told_and_the_next_one_finds_it_read(monkeypatch):
    library, gate = warninglists._Library(), threading.Event()
    read = warninglists._described

    def slowly(file):
        gate.wait(20)
        return read(file)

    monkeypatch.setattr(warninglists, "_described", slowly)
    with pytest.raises(InputError, match="still being read"):
        library.shelf(("List of RFC 1918*",), 0.01)
    gate.set()
    assert library.shelf(("List of RFC 1918*",), 30).lists_with(ADDRESS) == ["List of RFC 1918 CIDR blocks"]


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(warninglists, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'misp-workflow-actions\[warninglists\]'"):
        warninglists._Library().shelf(("x",), 0.1)
