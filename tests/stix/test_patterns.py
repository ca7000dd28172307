"""An indicator finds what its own attribute observed, by a matcher that is none of ours."""

from __future__ import annotations

from typing import Any

import pytest
from stix_kit import attribute, event, file_object, uid

from misp_workflow.delivery import stix

matcher = pytest.importorskip("stix2matcher.matcher", reason="stix2-matcher is not installed")
pytestmark = pytest.mark.usefixtures("misp_stix")

HASHES = {
    "sha224": ("SHA-224", 56),
    "sha384": ("SHA-384", 96),
    "sha512/224": ("SHA-512-224", 56),
    "sha512/256": ("SHA-512-256", 64),
    "sha3-224": ("SHA3-224", 56),
    "sha3-384": ("SHA3-384", 96),
    "sha256": ("SHA-256", 64),
}
PAYLOAD = {"category": "Payload delivery"}


def finds(made: stix.Converted, pattern: str) -> bool:
    return bool(matcher.match(pattern, [made.bundle], stix_version="2.1"))


def pattern_of(made: stix.Converted, number: int = 1) -> str:
    found = made.indicator(uid(number))
    assert found is not None, made.left_out
    return str(found["pattern"])


@pytest.mark.parametrize(
    ("kind", "value", "pattern", "more"),
    [
        ("AS", "AS64500", "[autonomous-system:number = 64500]", {}),
        (
            "ip-dst|port",
            "198.51.100.7|443",
            "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7'"
            " AND network-traffic:dst_port = 443]",
            {},
        ),
        (
            "hostname|port",
            "h.example|8080",
            "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'h.example'"
            " AND network-traffic:dst_port = 8080]",
            {},
        ),
        (
            "regkey|value",
            "HKLM\\Software\\x|v's",
            "[windows-registry-key:key = 'HKLM\\\\Software\\\\x' AND windows-registry-key:values[*].data = 'v\\'s']",
            {"category": "Persistence mechanism"},
        ),
        ("email-header", "X: y = 'z'", "[email-message:received_lines[*] = 'X: y = \\'z\\'']", PAYLOAD),
        (
            "email-reply-to",
            "a@b.example",
            "[email-message:additional_header_fields.'Reply-To' = 'a@b.example']",
            PAYLOAD,
        ),
        ("email-x-mailer", "m", "[email-message:additional_header_fields.'X-Mailer' = 'm']", PAYLOAD),
        ("email-subject", "file:size = '12'", "[email-message:subject = 'file:size = \\'12\\'']", PAYLOAD),
    ],
)
def test_a_pattern_finds_its_own_attribute(kind: str, value: str, pattern: str, more: dict[str, Any]) -> None:
    made = stix.convert(event(attribute(1, kind, value, **more)))
    assert pattern_of(made) == pattern
    assert finds(made, pattern)


@pytest.mark.parametrize("kind", HASHES)
@pytest.mark.parametrize("named", [False, True])
def test_a_hash_bears_its_own_name(kind: str, named: bool) -> None:
    name, length = HASHES[kind]
    value = "a1" * (length // 2)
    row = attribute(1, f"filename|{kind}" if named else kind, f"x.exe|{value}" if named else value, **PAYLOAD)
    made = stix.convert(event(row))
    assert f"file:hashes.'{name}' = '{value}'" in pattern_of(made)
    assert [one["hashes"] for one in made.objects if one["type"] == "file"] == [{name: value}]
    assert finds(made, pattern_of(made))


@pytest.mark.parametrize("kind", ["tlsh", "filename|tlsh"])
def test_a_tlsh_with_its_version_is_kept(kind: str) -> None:
    value = f"T1{'A1' * 35}"
    made = stix.convert(event(attribute(1, kind, f"T1.exe|{value}" if "|" in kind else value, **PAYLOAD)))
    assert f"file:hashes.TLSH = '{'a1' * 35}'" in pattern_of(made)


def test_hashes_of_one_length_stand_beside_each_other() -> None:
    rows = [
        attribute(n, kind, letter * 64, object_relation=kind, **PAYLOAD)
        for n, (kind, letter) in enumerate([("sha256", "a"), ("sha512/256", "b")], 1)
    ]
    made = stix.convert(event(Object=[file_object(*rows)]))
    found = pattern_of(made, 900)
    assert f"'SHA-256' = '{'a' * 64}'" in found and f"'SHA-512-256' = '{'b' * 64}'" in found


def test_literals_of_an_object_are_of_the_members_own_kind() -> None:
    rows = [
        attribute(1, "filename", "x.exe", object_relation="filename", **PAYLOAD),
        attribute(2, "size-in-bytes", "12", object_relation="size-in-bytes", category="Other"),
        attribute(3, "datetime", "2026-01-01T02:00:00+02:00", object_relation="creation-time", category="Other"),
    ]
    made = stix.convert(event(Object=[file_object(*rows)]))
    found = pattern_of(made, 900)
    assert "file:size = 12" in found and "file:ctime = t'2026-01-01T00:00:00Z'" in found
    assert finds(made, found)


@pytest.mark.parametrize("kind", ["yara", "sigma", "snort"])
def test_a_rule_is_the_rule(kind: str) -> None:
    rule = "rule x { strings: $a = { [4-6] 00 } condition: $a }"
    assert pattern_of(stix.convert(event(attribute(1, kind, rule, **PAYLOAD)))) == rule
