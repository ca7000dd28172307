#!/usr/bin/env bash
# stix2-matcher 3.0.0: a pattern for a network of IPv6 cannot be matched.
#
# ISSUBSET and ISSUPERSET are for both kinds of addresses (STIX 2.1, 9.6), and stix2-patterns takes them so. The matcher
# reads every address of such a comparison as IPv4 and raises MatcherException at an observed IPv6 address: a loop over
# indicators or observations ends there unless each is guarded.
#
# Seen:
#     IPv4: True
#     IPv6: MatcherException: Invalid IPv4 address: 2001:db8::1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-matcher==3.0.0
venv/bin/python -W ignore - <<'PYTHON'
from stix2matcher.matcher import match

NUMBER = "5f1d8b8a-0000-4000-8000-000000000001"
TIMES = dict.fromkeys(("first_observed", "last_observed", "created", "modified"), "2026-01-02T00:00:00Z")


def matched(kind, network, address):
    """Tell whether the pattern matches what was observed, or what the matcher raised."""
    seen = {"type": "observed-data", "id": f"observed-data--{NUMBER}", "number_observed": 1} | TIMES
    try:
        return bool(match(
            f"[{kind}:value ISSUBSET '{network}']", [seen | {"objects": {"0": {"type": kind, "value": address}}}]
        ))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


old = matched("ipv4-addr", "198.51.100.0/24", "198.51.100.7")
new = matched("ipv6-addr", "2001:db8::/32", "2001:db8::1")
print("IPv4:", old)
print("IPv6:", new)
assert old is True and new == "MatcherException: Invalid IPv4 address: 2001:db8::1"
PYTHON
