#!/usr/bin/env bash
# stix-shifter 8.1.3: for Elastic, an expression for what a value begins with becomes one for the whole value.
#
# MATCHES searches: '^http' is every URL that begins so, 'evil' every one with that in it. An expression of Elastic is
# about the whole value and knows neither ^ nor $ (Elastic, regular expression syntax). The translation takes both away
# and adds no ".*" anywhere: /http/ is the URL "http" alone, and finds nothing. For Splunk the same expressions search,
# as they should.
#
# Seen:
#     ^http -> match(url, "^http") url.original : /http/
#     evil -> match(url, "evil") url.original : /evil/
#     evil$ -> match(url, "evil$") url.original : /evil/
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix-shifter==8.1.3 stix-shifter-utils==8.1.3 \
    stix-shifter-modules-splunk==8.1.3 \
    stix-shifter-modules-elastic-ecs==8.1.3 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import logging
import re

logging.disable(logging.CRITICAL)
from stix_shifter.stix_translation.stix_translation import StixTranslation

made = []
for expression in ("^http", "evil", "evil$"):
    for product, place in (("splunk", r"match\(.*?\)"), ("elastic_ecs", "url.original : /.*?/")):
        pattern = f"[url:value MATCHES '{expression}']"
        (query,) = StixTranslation().translate(product, "query", "{}", pattern, {})["queries"]
        made.append(re.search(place, query)[0])
    print(expression, "->", *made[-2:])
assert made == [
    'match(url, "^http")', "url.original : /http/", 'match(url, "evil")', "url.original : /evil/",
    'match(url, "evil$")', "url.original : /evil/",
]
PYTHON
