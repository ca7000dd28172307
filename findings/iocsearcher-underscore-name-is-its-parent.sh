#!/usr/bin/env bash
# iocsearcher 3.1.0: of a host name with an underscore, the domain above it is found.
#
# login_evil.example.com gives example.com: blocked, it takes all that a hoster has below its domain along. DNS knows
# underscores (RFC 2181, section 11: any label). Of a URL on that host, the host becomes what follows the underscore.
#
# Seen:
#     login_evil.example.com: [('fqdn', 'example.com')]
#     http://login_evil.example.com/x: [('fqdn', 'example.com'), ('url', 'evil.example.com/x')]
#     login-evil.example.com: [('fqdn', 'login-evil.example.com')]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check iocsearcher==3.1.0
venv/bin/python -W ignore - <<'PYTHON'
from iocsearcher.searcher import Searcher

seen = []
for name in ("login_evil.example.com", "http://login_evil.example.com/x", "login-evil.example.com"):
    seen.append(sorted((one.name, one.value) for one in Searcher().search_data(f"Contacted {name} twice.")))
    print(f"{name}: {seen[-1]}")
assert seen[0] == [("fqdn", "example.com")] and ("url", "evil.example.com/x") in seen[1]
assert seen[2] == [("fqdn", "login-evil.example.com")]
PYTHON
