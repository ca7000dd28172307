"""What stands in a list's file, format by format; and that no text of an event becomes a line of its own."""

from __future__ import annotations

import base64
import json
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery.lists.formats import FORMATS, Row, Written, text
from misp_workflow.delivery.lists.limits import refusal
from misp_workflow.delivery.lists.values import TYPES, Entry, UnfitError, read
from misp_workflow.settings.lists import HOLDS, ListRules, Lists

SINCE = 1_700_000_000.0
SHA256 = "b" * 64

FILES = {
    ("plain", ""): ([("domain", "a.example"), ("ip", "8.8.8.8")], "a.example\n8.8.8.8\n"),
    ("hosts", "domain"): ([("hostname", "a.example")], "0.0.0.0 a.example\n:: a.example\n"),
    ("dnsmasq", "domain"): ([("domain", "a.example")], "server=/a.example/\n"),
    ("unbound", "domain"): ([("domain", "a.example")], 'server:\n    local-zone: "a.example." always_nxdomain\n'),
    ("rpz", ""): (
        [
            ("domain", "a.example"),
            ("hostname", "a.example"),
            ("hostname", "x.a.example"),
            ("domain", "z.y.a.example"),
            ("hostname", "b.example"),
            ("ip", "192.0.2.0/24"),
            ("ip", "2001:db8::1"),
            ("ip", "2001:db8::/32"),
            ("ip", "2001:db8:1:2:3:4:5:6"),
        ],
        "$TTL 300\n@ IN SOA localhost. root.localhost. 7 3600 600 86400 300\n@ IN NS localhost.\n"
        "a.example CNAME .\n*.a.example CNAME .\nb.example CNAME .\n24.0.2.0.192.rpz-ip CNAME .\n"
        "128.1.zz.db8.2001.rpz-ip CNAME .\n32.zz.db8.2001.rpz-ip CNAME .\n128.6.5.4.3.2.1.db8.2001.rpz-ip CNAME .\n",
    ),
    ("panos", "url"): ([("url", "http://a.example/"), ("url", "https://a.example/")], "a.example/\n"),
    ("panos", "ip"): ([("ip", "8.8.8.0/24")], "8.8.8.0/24\n"),
    ("fortinet", "url"): ([("url", "http://a.example/x")], "http://a.example/x\n"),
    ("fortinet", "hash"): ([("sha256", SHA256)], f"{SHA256}\n"),
    ("squid", "domain"): (
        [("domain", "a.example"), ("domain", "x.a.example"), ("hostname", "a.example"), ("hostname", "b.example")],
        ".a.example\nb.example\n",
    ),
    ("haproxy", "url"): ([("url", "https://a.example:8080/x")], "a.example:8080/x\n"),
    ("nftables", "ip"): (
        [("ip", "8.8.8.0/24"), ("ip", "8.8.8.8"), ("ip", "2001:db8::1")],
        "add table inet misp\n"
        "add set inet misp misp_it_4 { type ipv4_addr; flags interval; auto-merge; }\nflush set inet misp misp_it_4\n"
        "add set inet misp misp_it_6 { type ipv6_addr; flags interval; auto-merge; }\nflush set inet misp misp_it_6\n"
        "add element inet misp misp_it_4 { 8.8.8.0/24 }\nadd element inet misp misp_it_6 { 2001:db8::1 }\n",
    ),
    ("suricata", "domain"): ([("domain", "a.example")], base64.b64encode(b"a.example").decode() + "\n"),
    ("suricata", "sha256"): ([("sha256", SHA256)], f"{SHA256}\n"),
    ("clamav", "hash"): ([("sha256", SHA256)], f"{SHA256}:*:MISP.bbbbbbbbbbbb:73\n"),
    ("zeek", ""): (
        [("ip", "8.8.8.0/24"), ("url", "http://a.example/x"), ("url", "https://a.example/x")],
        "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n"
        "8.8.8.0/24\tIntel::SUBNET\tMISP\te1\na.example/x\tIntel::URL\tMISP\te1\n",
    ),
    ("csv", ""): (
        [("domain", "a.example")],
        "value,type,since,until,events\na.example,domain,2023-11-14T22:13:20Z,,e1\n",
    ),
}


def written(entries: list[tuple[str, str]], kind: str, holds: str) -> bytes | None:
    rows = [Row(Entry(*entry), SINCE, 0.0, ("e1",)) for entry in entries]
    return text(Written(rows, "it", ListRules(format=kind, holds=holds), 7))


@pytest.mark.parametrize("of", FILES, ids=" ".join)
def test_file(of: tuple[str, str]) -> None:
    entries, content = FILES[of]
    found = written(entries, *of)
    assert found is not None and found.decode() == content


def test_a_set_is_filled_beside_the_one_in_force() -> None:
    content = written([("ip", "8.8.8.8")], "ipset", "ip").decode().splitlines()
    assert content[:5] == [
        "create misp_it-4 hash:net family inet maxelem 100000 -exist",
        "create misp_it-4-new hash:net family inet maxelem 100000 -exist",
        "flush misp_it-4-new",
        "add misp_it-4-new 8.8.8.8",
        "swap misp_it-4-new misp_it-4",
    ]
    assert max(len(line.split()[1]) for line in content) <= 31  # the kernel's limit


def test_check_point_gets_one_record_each_with_a_name_of_its_own() -> None:
    found = written([("ip", "8.8.8.0/24"), ("url", "http://a.example/x,y"), ("email", "a@b.example")], "checkpoint", "")
    header, *records = found.decode().splitlines()
    assert header == "#UNIQ-NAME,VALUE,TYPE,CONFIDENCE,SEVERITY,PRODUCT,COMMENT"
    assert [record.partition(",")[2] for record in records] == [
        "8.8.8.0-8.8.8.255,IP Range,high,high,AB,e1",
        '"a.example/x,y",URL,high,high,AB,e1',
        "a@b.example,Mail-from,high,high,AV,e1",
    ]
    assert len({record.partition(",")[0] for record in records}) == 3


def test_jsonl_is_json_line_by_line() -> None:
    (line,) = written([("domain", "a.example")], "jsonl", "").decode().splitlines()
    assert json.loads(line) == {
        "value": "a.example", "type": "domain", "since": "2023-11-14T22:13:20Z", "events": ["e1"],
    }  # fmt: skip


def test_empty_lists_are_what_each_consumer_wants_for_empty() -> None:
    assert written([], "clamav", "hash") is None  # an empty file stops every scan
    assert written([], "squid", "domain") == b""
    assert b"add element" not in written([], "nftables", "ip")  # an empty { } is refused
    assert written([], "rpz", "").count(b"\n") == 3


def test_every_format_of_the_settings_can_be_written() -> None:
    assert FORMATS.keys() == HOLDS.keys()
    for name, one in FORMATS.items():
        for holds in HOLDS[name] or ("",):
            assert one.kinds(ListRules(format=name, holds=holds)), (name, holds)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.ascii_letters + ".-_*@/:|#;,\"'$(){}[] \t\r\n\0=%\\", max_size=60),
    st.sampled_from(["evil.example", "8.8.8.8", "http://evil.example/", "a" * 32, "b" * 64]).flatmap(
        lambda good: st.text(alphabet=" \t\r\n#;,|.*\x00\x85\u2028", max_size=4).map(lambda bad: good + bad + good)
    ),
)
EXPECTED = {"hosts": 2, "unbound": 1, "rpz": 2}
BREAKS = {"Cc", "Zl", "Zp"}
"""Unicode's categories of control characters, line and paragraph separators."""


@given(kind=st.sampled_from(TYPES), value=HOSTILE, name=st.sampled_from(sorted(FORMATS)), data=st.data())
def test_whatever_an_event_says_stays_one_entry(kind: str, value: str, name: str, data: st.DataObject) -> None:
    """Each entry makes the lines of one entry, without a character that a reader takes for more.

    What Unicode has not assigned, or says to turn the writing, may be in it: a file's name may have that, too.
    """
    holds = data.draw(st.sampled_from(HOLDS[name] or ("",)))
    rules = ListRules(format=name, holds=holds, reserved=True)
    try:
        entries = read(kind, value)
    except UnfitError:
        return
    form = FORMATS[name]
    kept = [
        one
        for one in entries
        if one.kind in form.kinds(rules) and not form.unfit(one, rules) and not refusal(one, rules, Lists())
    ]
    before, after = written([], name, holds) or b"", written(kept, name, holds) or b""
    grown = len(after.decode().split("\n")) - len(before.decode().split("\n"))
    assert grown <= EXPECTED.get(name, 1) * max(len(kept), 1)
    added = set(after.decode().split("\n")) - set(before.decode().split("\n"))
    assert name == "zeek" or {unicodedata.category(sign) for line in added for sign in line}.isdisjoint(BREAKS)
    if name not in ("plain", "csv", "jsonl", "zeek", "suricata", "fortinet", "checkpoint"):
        assert all(line.isascii() and "#" not in line for line in added)
