#!/usr/bin/env bash
# suricata-update 1.3.3: drop.conf turns a pass rule into one that drops.
#
# drop.conf names the rules whose matches shall be dropped, by number, group, expression or metadata; a group is often
# named as a whole. A pass rule in it is an exception from the others, whose traffic is let through. It becomes "drop"
# like the alert rules around it, with the same number and message, and what was excepted is the first to be blocked.
# The log counts it among the "Dropped"; rules that say noalert are spared. (pyyaml is needed, and not installed along.)
#
# Seen:
#     drop tcp any any -> any 25 (msg:"MAIL from anywhere"; sid:1; rev:1;)
#     drop tcp 192.0.2.25 any -> any 25 (msg:"MAIL from our server"; sid:2; rev:1;)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check suricata-update==1.3.3 pyyaml==6.0.2
cat >own.rules <<'RULES'
alert tcp any any -> any 25 (msg:"MAIL from anywhere"; sid:1; rev:1;)
pass tcp 192.0.2.25 any -> any 25 (msg:"MAIL from our server"; sid:2; rev:1;)
RULES
echo 're:MAIL' >drop.conf
venv/bin/suricata-update --no-test --no-reload --suricata-version 7.0.0 --data-dir "$work/data" \
    --output "$work/out" --url "file://$work/own.rules" --drop-conf drop.conf >log 2>&1
tee said <out/suricata.rules
diff said - <<'SEEN'
drop tcp any any -> any 25 (msg:"MAIL from anywhere"; sid:1; rev:1;)
drop tcp 192.0.2.25 any -> any 25 (msg:"MAIL from our server"; sid:2; rev:1;)
SEEN
