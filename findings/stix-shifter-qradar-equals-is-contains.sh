#!/usr/bin/env bash
# stix-shifter 8.1.3: a domain name that is to be equal is, for QRadar's events, one that is contained.
#
# [domain-name:value = 'pay.example'] becomes dnsdomainname LIKE '%pay.example%', which notpay.example and
# pay.example.attacker.test fulfil, too. LIKE of a pattern, which has its own wildcards, gets more of them: '%.example',
# at the end, becomes anywhere. For flows, the other half of the same translation, = stays =.
#
# Seen:
#     [domain-name:value = 'pay.example'] of flows -> dnsdomainname = 'pay.example'
#     [domain-name:value = 'pay.example'] of events -> (dnsdomainname LIKE '%pay.example%' OR UrlHost LIKE '%pay.example%')
#     [domain-name:value LIKE '%.example'] of flows -> dnsdomainname LIKE '%%.example%'
#     [domain-name:value LIKE '%.example'] of events -> (dnsdomainname LIKE '%%.example%' OR UrlHost LIKE '%%.example%')
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix-shifter==8.1.3 stix-shifter-utils==8.1.3 \
    stix-shifter-modules-qradar==8.1.3 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import logging
import re

logging.disable(logging.CRITICAL)
from stix_shifter.stix_translation.stix_translation import StixTranslation

made = {}
for pattern in ("[domain-name:value = 'pay.example']", "[domain-name:value LIKE '%.example']"):
    for query in StixTranslation().translate("qradar", "query", "{}", pattern, {})["queries"]:
        place, asked = re.search(r"FROM (\w+) WHERE (.*) limit", query).groups()
        made[pattern, place] = asked
        print(pattern, "of", place, "->", asked)
assert made["[domain-name:value = 'pay.example']", "flows"] == "dnsdomainname = 'pay.example'"
assert "dnsdomainname LIKE '%pay.example%'" in made["[domain-name:value = 'pay.example']", "events"]
assert "dnsdomainname LIKE '%%.example%'" in made["[domain-name:value LIKE '%.example']", "events"]
PYTHON
