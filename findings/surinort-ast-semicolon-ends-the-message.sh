#!/usr/bin/env bash
# surinort-ast 4.0.0: a rule that is read and written again has a message that ends at its semicolon.
#
# In msg a semicolon is written with a backslash before it (Suricata, "Rules Format"), for a bare one ends the option.
# print_rule writes it bare. Any other reader sees the message cut and an option that Suricata does not know. In content
# it is written in hexadecimal, and right. (Python 3.11 or newer.)
#
# Seen:
#     read:    alert tcp any any -> any any (msg:"found\; blocked"; content:"a\;b"; sid:1; rev:1;)
#     written: alert tcp any any -> any any (msg:"found; blocked"; content:"a|3B|b"; sid:1; rev:1;)
#     options of what is written: ['msg', 'blocked"', 'content', 'sid', 'rev']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check surinort-ast==4.0.0 suricataparser==1.0.0
venv/bin/python - <<'PYTHON'
from surinort_ast import parse_rule, print_rule
from suricataparser import parse_rule as another

rule = r'alert tcp any any -> any any (msg:"found\; blocked"; content:"a\;b"; sid:1; rev:1;)'
written = print_rule(parse_rule(rule))
print("read:   ", rule)
print("written:", written)
print("options of what is written:", [option.name for option in another(written).options])
assert 'msg:"found; blocked"' in written
assert [option.name for option in another(rule).options] == ["msg", "content", "sid", "rev"]
PYTHON
