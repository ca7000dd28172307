#!/usr/bin/env bash
# publicsuffixlist 1.1.2.20261023 and publicsuffix2 2.20191221: an address has a domain, which it shares with others.
#
# The host of a URL may be an address, and a list of public suffixes is about names. Asked for the domain of an IPv4
# address, both take its numbers for labels: 192.0.2.1 belongs to "2.1" or to "1", as do addresses at the other end of
# the net. Counted, grouped or permitted by domain, they are one. tldextract 5.4.0 gives none.
#
# Seen:
#     192.0.2.1: publicsuffixlist 2.1, publicsuffix2 1, tldextract ''
#     198.51.2.1: publicsuffixlist 2.1, publicsuffix2 1, tldextract ''
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    publicsuffixlist==1.1.2.20261023 publicsuffix2==2.20191221 tldextract==5.4.0
venv/bin/python -W ignore - <<'PYTHON'
import publicsuffix2
from publicsuffixlist import PublicSuffixList
from tldextract import TLDExtract

suffixes = PublicSuffixList()
extract = TLDExtract(suffix_list_urls=(), cache_dir=None)
for address in ("192.0.2.1", "198.51.2.1"):
    named = extract(address).top_domain_under_public_suffix
    told = suffixes.privatesuffix(address), publicsuffix2.get_sld(address), named
    print(f"{address}: publicsuffixlist {told[0]}, publicsuffix2 {told[1]}, tldextract {told[2]!r}")
    assert told == ("2.1", "1", "")
PYTHON
