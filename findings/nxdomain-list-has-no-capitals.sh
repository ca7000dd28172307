#!/usr/bin/env bash
# nxdomain 1.0.2: names in capitals, and all but the first name of a line, are left out of a block list.
#
# A line of hosts(5), which nxdomain says it reads, is an address and any number of names, and names are the same in
# capitals (RFC 1035, 2.3.3). Of each line the first name in small letters is taken; a mixed name gives nothing, or what
# follows its last capital, which is another. "Block list has … domains" is all that is said: the zone lacks them.
#
# Seen:
#     listed: one.example two.example three.example FOUR.example Five.six.example
#     in the zone: one.example six.example
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check nxdomain==1.0.2 dnspython==2.7.0
printf '%s\n' '# a list' '0.0.0.0 one.example two.example three.example' '0.0.0.0 FOUR.example' \
    '0.0.0.0 Five.six.example' >hosts
venv/bin/nxdomain --format bind --out zone --hosts hosts 2>log
{
    echo "listed: $(sed '/^#/d; s/^0.0.0.0 //' hosts | paste -sd' ')"
    echo "in the zone: $(sed -n 's/ .* CNAME \.$//p' zone | paste -sd' ')"
} | tee said
diff said - <<'SEEN'
listed: one.example two.example three.example FOUR.example Five.six.example
in the zone: one.example six.example
SEEN
