#!/usr/bin/env bash
# suricata-update 1.3.3: rules that reject at both ends or at the destination, and rules of "config", are left out.
#
# Suricata's own tool merges rule files into the one that Suricata reads. It does not know the actions rejectsrc,
# rejectdst, rejectboth ("Rules Format" in Suricata's documentation) and config ("Config Rules"), takes such lines for
# no rules, and writes the file without them. It counts what it loaded and names nothing, also with --verbose: what
# one's own rule was to reject goes through. (pyyaml is needed, and not installed along.)
#
# Seen:
#     alert tcp any any -> any any (msg:"one"; sid:1; rev:1;)
#     reject tcp any any -> any any (msg:"two"; sid:2; rev:1;)
#     of 6 rules 2 are left; lines of the log that name a lost one: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check suricata-update==1.3.3 pyyaml==6.0.2
cat >own.rules <<'RULES'
alert tcp any any -> any any (msg:"one"; sid:1; rev:1;)
reject tcp any any -> any any (msg:"two"; sid:2; rev:1;)
rejectsrc tcp any any -> any any (msg:"three"; sid:3; rev:1;)
rejectdst tcp any any -> any any (msg:"four"; sid:4; rev:1;)
rejectboth tcp any any -> any any (msg:"five"; sid:5; rev:1;)
config dns any any -> any any (dns.query; content:"x"; config: logging disable, type tx, scope tx; sid:6; rev:1;)
RULES
venv/bin/suricata-update --verbose --no-test --no-reload --suricata-version 7.0.0 --data-dir "$work/data" \
    --output "$work/out" --url "file://$work/own.rules" >log 2>&1
cat out/suricata.rules
left=$(grep -c . out/suricata.rules)
named=$(grep -cE 'rejectsrc|rejectdst|rejectboth|config dns' log || true)
echo "of 6 rules $left are left; lines of the log that name a lost one: $named"
[ "$left" = 2 ] && [ "$named" = 0 ]
