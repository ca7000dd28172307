#!/usr/bin/env bash
# stix2-validator 3.3.2: an IPv6 address whose last part is written as IPv4 is called invalid.
#
# RFC 4291 (2.2) has that form, and inet_ntop and Python from 3.13 on write mapped addresses so. The schema that comes
# with the validator wants something else in its place: a bundle with such an address, valid by STIX 2.1, is refused by
# whoever asks the validator first. Written in hexadecimal the same address is valid.
#
# Seen:
#     ::ffff:198.51.100.7 False
#     64:ff9b::198.51.100.7 False
#     ::ffff:c633:6407 True
#     2001:db8::1 True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2-validator==3.3.2
venv/bin/python -W ignore - <<'PYTHON'
import ipaddress

from stix2validator import ValidationOptions, validate_instance

valid = {}
for address in ("::ffff:198.51.100.7", "64:ff9b::198.51.100.7", "::ffff:c633:6407", "2001:db8::1"):
    ipaddress.IPv6Address(address)
    thing = {
        "type": "ipv6-addr", "spec_version": "2.1", "id": "ipv6-addr--28bb3599-77cd-5a82-a950-b5bcfd3edfea",
        "value": address,
    }
    valid[address] = validate_instance(thing, ValidationOptions(version="2.1")).is_valid
    print(address, valid[address])
assert list(valid.values()) == [False, False, True, True]
PYTHON
