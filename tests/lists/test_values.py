"""What an attribute means to a list, and what may never stand in one."""

from __future__ import annotations

import pytest

from misp_workflow.delivery.lists.limits import refusal
from misp_workflow.delivery.lists.values import Entry, UnfitError, read
from misp_workflow.settings.lists import ListRules, Lists

MEANS = {
    ("ip-src", "8.8.8.8"): [("ip", "8.8.8.8")],
    ("ip-dst", " 8[.]8[.]8[.]8 "): [("ip", "8.8.8.8")],
    ("ip-dst", "8.8.8.8/32"): [("ip", "8.8.8.8")],
    ("ip-dst", "8.8.8.9/24"): [("ip", "8.8.8.0/24")],
    ("ip-dst", "2001:DB8:0:0::1"): [("ip", "2001:db8::1")],
    ("ip-dst", "::ffff:8.8.8.8"): [("ip", "8.8.8.8")],
    ("ip-dst|port", "[2001:db8::1]|443"): [("ip", "2001:db8::1")],
    ("ip-src|port", "8.8.8.8|53"): [("ip", "8.8.8.8")],
    ("domain", "Evil.Example."): [("domain", "evil.example")],
    ("domain", "*.evil.example"): [("domain", "evil.example")],
    ("domain", "evil[.]example"): [("domain", "evil.example")],
    ("domain", "bücher.example"): [("domain", "xn--bcher-kva.example")],
    ("hostname", "WWW.evil.example"): [("hostname", "www.evil.example")],
    ("hostname|port", "www.evil.example|80"): [("hostname", "www.evil.example")],
    ("domain|ip", "evil.example|8.8.8.8"): [("domain", "evil.example"), ("ip", "8.8.8.8")],
    ("url", "hxxps[:]//Evil[.]example:443/A?b=1#c"): [("url", "https://evil.example/A?b=1")],
    ("url", "evil.example/a b"): [("url", "http://evil.example/a%20b")],
    ("url", "http://8.8.8.8:8080"): [("url", "http://8.8.8.8:8080/")],
    ("url", "http://[2001:DB8::1]/x"): [("url", "http://[2001:db8::1]/x")],
    ("md5", "D41D8CD98F00B204E9800998ECF8427E"): [("md5", "d41d8cd98f00b204e9800998ecf8427e")],
    ("filename|sha1", f"a|b.exe|{'A' * 40}"): [("sha1", "a" * 40)],
    ("malware-sample", f"a.exe|{'b' * 32}"): [("md5", "b" * 32)],
    ("email-src", "Joe@Evil.Example"): [("email", "joe@evil.example")],
    ("comment", "evil.example"): [],
}

UNFIT = [
    ("ip-dst", "8.8.8.010"),
    ("ip-dst", "8.8.8"),
    ("ip-dst", "1.2.3.4-1.2.3.9"),
    ("ip-dst", "localhost"),
    ("ip-dst", "fe80::1%eth0"),
    ("domain", "8.8.8.8"),
    ("domain", "a..b"),
    ("domain", "two words.example"),
    ("domain", "a.example\nb.example"),
    ("domain", "a.example\x00"),
    ("domain", f"{'a' * 64}.example"),
    ("domain", ".".join(["a" * 60] * 5)),
    ("domain", "evil.example/path"),
    ("hostname", "-a.example"),
    ("url", "http:///x"),
    ("url", "http://user:secret@evil.example/"),
    ("url", "javascript://evil.example/x"),
    ("url", "http://evil.example:99999/"),
    ("md5", "d" * 31),
    ("sha256", "z" * 64),
    ("email-src", "nobody"),
    ("user-agent", "a\tb"),
    ("filename", ""),
]


@pytest.mark.parametrize(("given", "meant"), MEANS.items(), ids=str)
def test_means(given: tuple[str, str], meant: list[tuple[str, str]]) -> None:
    assert read(*given) == meant


@pytest.mark.parametrize("given", UNFIT, ids=str)
def test_unfit(given: tuple[str, str]) -> None:
    with pytest.raises(UnfitError):
        read(*given)


HOUSE = Lists(own_networks=("93.184.0.0/16",), own_domains=("acme.com",))
RULES = ListRules(format="plain", allow=("partner.net", "1.1.1.0/24"))

KEPT_OUT = {
    ("ip", "10.1.2.3"): "private",
    ("ip", "192.0.2.1"): "private, reserved",
    ("ip", "8.0.0.0/7"): "wider than /8",
    ("ip", "2001:4000::/18"): "wider than /19",
    ("ip", "8.0.0.0/8"): "",
    ("ip", "100.64.1.0/24"): "private",
    ("ip", "172.0.0.0/8"): "private",
    ("ip", "2001:db8::1"): "documentation",
    ("ip", "64:ff9b::808:808"): "private",
    ("ip", "93.184.216.34"): "our own",
    ("ip", "93.0.0.0/8"): "our own",
    ("ip", "2002:5db8:d822::/48"): "our own",
    ("ip", "64:ff9b::5db8:d822"): "our own",
    ("ip", "::5db8:d822"): "our own",
    ("ip", "1.1.1.1"): "allow-list",
    ("ip", "9.9.9.9"): "",
    ("domain", "com"): "top-level",
    ("domain", "co.uk"): "public suffix",
    ("domain", "github.io"): "public suffix",
    ("hostname", "printer"): "without a domain",
    ("domain", "mail.acme.com"): "our own",
    ("hostname", "partner.net"): "allow-list",
    ("domain", "evil.net"): "",
    ("hostname", "notacme.com"): "",
    ("url", "http://192.168.1.1/x"): "private",
    ("url", "http://www.acme.com/x"): "our own",
    ("url", "http://[::1]/"): "private",
    ("url", "http://0x5d.0xb8.0xd8.0x22/"): "our own",
    ("url", "http://[64:ff9b::5db8:d822]/"): "our own",
    ("url", "https://someone.github.io/x"): "",
    ("email", "joe@acme.com"): "our own",
    ("md5", "d" * 32): "",
}


@pytest.mark.parametrize(("entry", "why"), KEPT_OUT.items(), ids=str)
def test_what_is_kept_out(entry: tuple[str, str], why: str) -> None:
    said = refusal(Entry(*entry), RULES, HOUSE)
    assert (why in said) if why else said == ""


def test_a_domain_above_an_allowed_name_would_block_it_too() -> None:
    rules = ListRules(format="plain", allow=("www.partner.net",))
    assert refusal(Entry("domain", "partner.net"), rules, HOUSE)
    assert not refusal(Entry("hostname", "partner.net"), rules, HOUSE)


@pytest.mark.parametrize("letter", "\n\r\t\x00\x1b\x7f\x85\u2028\u2029")
@pytest.mark.parametrize("kind", ["filename", "url", "domain", "user-agent"])
def test_nothing_begins_a_new_line_for_any_reader(kind: str, letter: str) -> None:
    with pytest.raises(UnfitError, match="line breaks"):
        read(kind, f"http://evil.example/a{letter}http://fine.example/b")
