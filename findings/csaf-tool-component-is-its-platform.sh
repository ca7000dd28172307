#!/usr/bin/env bash
# csaf-tool 0.3.2: what an advisory says of a component in a product is shown as said of the product, twice over.
#
# A relationship (CSAF 2.0, 3.2.2.4) makes "A as a component of G" a product of its own. The tool puts G in the place of
# both this and A itself: the table of products has no A, the list of the affected says "G", and so does that of the
# unaffected. Advisories of distributions consist of such products.
#
# Seen:
#     said:  affected: A as a component of G; not affected: A
#     shown: affected: [('G', '6')]; not affected: [('G', '6')]
#     products shown: ['G']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check csaf-tool==0.3.2
cat >advisory.json <<'JSON'
{"document": {"category": "csaf_security_advisory", "csaf_version": "2.0", "title": "T",
  "publisher": {"category": "vendor", "name": "V", "namespace": "https://v.example"},
  "tracking": {"id": "V-1", "status": "final", "version": "1", "current_release_date": "2026-01-01T00:00:00Z",
   "initial_release_date": "2026-01-01T00:00:00Z",
   "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "first"}]}},
 "product_tree": {"branches": [{"category": "vendor", "name": "V", "branches": [
  {"category": "product_name", "name": "A", "branches": [
   {"category": "product_version", "name": "1.0", "product": {"product_id": "A", "name": "V A 1.0"}}]},
  {"category": "product_name", "name": "G", "branches": [
   {"category": "product_version", "name": "6", "product": {"product_id": "G", "name": "V G 6"}}]}]}],
  "relationships": [{"category": "default_component_of", "product_reference": "A", "relates_to_product_reference": "G",
   "full_product_name": {"product_id": "G:A", "name": "A as a component of G"}}]},
 "vulnerabilities": [{"cve": "CVE-2026-0001",
  "product_status": {"known_affected": ["G:A"], "known_not_affected": ["A"]}}]}
JSON
COLUMNS=120 venv/bin/csaf-tool -i advisory.json >shown.txt
venv/bin/python - <<'PYTHON'
import re

print("said:  affected: A as a component of G; not affected: A")
shown = open("shown.txt").read()
affected, unaffected = (
    re.findall(r"│ (\w) +│ (\d\S*) +│", part) for part in re.split("KNOWN_(?:NOT_)?AFFECTED", shown)[1:]
)
print(f"shown: affected: {affected}; not affected: {unaffected}")
products = re.findall(r"│ \S+ +│ +│ (\w) +│ V +│", shown)
print("products shown:", products)
assert affected == unaffected == [("G", "6")] and products == ["G"]
PYTHON
