#!/usr/bin/env bash
# PyMISP 2.5.34.4: SSHAuthorizedKeysObject passes over keys with options and keys of security tokens.
#
# A line of authorized_keys may begin with options (from="…", command="…"), and key types beginning with "sk-" are for
# tokens (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Of the four keys below one becomes an attribute: the object of a
# compromised account lacks the attacker's key, if he restricted it.
#
# Seen:
#     1 of 4: ['AAAAplain']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4
venv/bin/python -W ignore - <<'PYTHON'
import io

from pymisp.tools import SSHAuthorizedKeysObject

LINES = """ssh-ed25519 AAAAplain a@a.example
from="192.0.2.1" ssh-ed25519 AAAAfrom b@a.example
restrict,command="/bin/true" ssh-rsa AAAAcommand c@a.example
sk-ssh-ed25519@openssh.com AAAAtoken d@a.example
"""
made = SSHAuthorizedKeysObject(authorized_keys_pseudofile=io.StringIO(LINES))
found = [one.value for one in made.attributes]
print(len(found), "of", f"{len(LINES.splitlines())}:", found)
assert found == ["AAAAplain"]
PYTHON
