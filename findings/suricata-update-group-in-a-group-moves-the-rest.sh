#!/usr/bin/env bash
# idstools 0.6.5 and suricata-update 1.3.3: a group within a group moves the rest of a rule's header by one.
#
# Groups of addresses and ports may hold groups (Suricata, "Rules Format": [1:80,![2,4]]). Both parsers, of which one
# comes from the other, end a group at its first closing bracket: what is left of it becomes the port, "any" the
# direction and the arrow the destination. The rule is kept as text, so only who asks for its parts notices.
#
# Seen:
#     idstools: source_port ']', direction 'any', dest_addr '->', dest_port '$EXTERNAL_NET'
#     suricata-update: source_port ']', direction 'any', dest_addr '->', dest_port '$EXTERNAL_NET'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check idstools==0.6.5 suricata-update==1.3.3
venv/bin/python -W ignore - <<'PYTHON'
import idstools.rule
import suricata.update.rule

rule = (
    'alert http [$HOME_NET,![192.0.2.0/24,198.51.100.0/24]] any -> $EXTERNAL_NET 80 '
    '(msg:"text"; flow:established,to_server; sid:1; rev:1;)'
)
names = ("source_port", "direction", "dest_addr", "dest_port")
for kind, parser in (("idstools", idstools.rule), ("suricata-update", suricata.update.rule)):
    read = parser.parse(rule)
    print(f"{kind}:", ", ".join(f"{name} {read[name]!r}" for name in names))
    assert [read[name] for name in names] == ["]", "any", "->", "$EXTERNAL_NET"] and read["raw"] == rule
PYTHON
