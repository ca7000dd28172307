#!/usr/bin/env bash
# suricataparser 1.0.0: rules with some of Suricata's actions are left out without a word.
#
# Suricata knows the actions rejectsrc, rejectdst and rejectboth ("Rules Format" in its documentation) and config ("Config
# Rules") besides alert, pass, drop and reject. parse_rules, which makes rules of a file's text, answers with those it
# knows, and skips the others as it skips comments: a rule set that is read, changed and written is shorter.
#
# Seen:
#     {'alert': 1, 'reject': 1, 'rejectboth': 0, 'rejectdst': 0, 'config': 0}
#     of 5 rules in one text: [1, 2]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check suricataparser==1.0.0
venv/bin/python - <<'PYTHON'
from suricataparser import parse_rules

RULES = {
    "alert": 'alert tcp any any -> any any (msg:"a"; sid:1; rev:1;)',
    "reject": 'reject tcp any any -> any any (msg:"b"; sid:2; rev:1;)',
    "rejectboth": 'rejectboth tcp any any -> any any (msg:"c"; sid:3; rev:1;)',
    "rejectdst": 'rejectdst tcp any any -> any any (msg:"d"; sid:4; rev:1;)',
    "config": 'config dns any any -> any any (dns.query; content:"x"; config: logging disable, type tx; sid:5; rev:1;)',
}
kept = {name: len(parse_rules(rule)) for name, rule in RULES.items()}
print(kept)
print("of", len(RULES), "rules in one text:", [rule.sid for rule in parse_rules("\n".join(RULES.values()))])
assert [name for name, number in kept.items() if not number] == ["rejectboth", "rejectdst", "config"]
PYTHON
