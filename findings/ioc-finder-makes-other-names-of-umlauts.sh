#!/usr/bin/env bash
# ioc-finder 9.4.1 and iocsearcher 3.1.0: of a name with a letter beyond ASCII, what follows that letter is found.
#
# http://bücher.example.com/x gives the URL cher.example.com/x, and jürgen@example.com the address rgen@example.com: names
# that are not in the text and belong to others, with nothing to tell them from the rest. Letters beyond ASCII are allowed
# in names (RFC 5890) and addresses (RFC 6531); a reader that does not know them should find nothing there.
#
# Seen:
#     ioc-finder http://bücher.example.com/x ['cher.example.com/x']
#     ioc-finder jürgen@example.com ['rgen@example.com']
#     iocsearcher http://bücher.example.com/x ['cher.example.com/x', 'example.com']
#     iocsearcher jürgen@example.com ['example.com', 'rgen@example.com']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ioc-finder==9.4.1 iocsearcher==3.1.0
venv/bin/python -W ignore - <<'PYTHON'
from ioc_finder import find_iocs
from iocsearcher.searcher import Searcher

searcher = Searcher()
seen = []
for text in ("http://bücher.example.com/x", "jürgen@example.com"):
    found = find_iocs(text, parse_domain_from_url=False, parse_domain_from_email_address=False)
    seen.append(("ioc-finder", text, sorted(one for kind in found.values() for one in kind)))
    seen.append(("iocsearcher", text, sorted(one.value for one in searcher.search_data(text))))
for one in sorted(seen):
    print(*one)
assert all("cher.example.com/x" in found or "rgen@example.com" in found for _, _, found in seen)
PYTHON
