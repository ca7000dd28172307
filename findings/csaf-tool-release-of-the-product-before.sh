#!/usr/bin/env bash
# csaf-tool 0.3.2: a product without a version is shown with the version of the product before it.
#
# In a product tree (CSAF 2.0, 3.2.2) a product may have a version, a range of versions or none. What is read of one
# branch is kept for the next: B, affected below 2.0, is shown as affected in release 1.0, the release of A, and so is
# C, which is affected in all. Only a version of its own replaces it; a range never does.
#
# Seen:
#     tree: {'P1': ('A', '1.0'), 'P2': ('B', 'vers:generic/<2.0'), 'P3': ('C', None)}
#     shown: {'P1': ('A', '1.0'), 'P2': ('B', '1.0'), 'P3': ('C', '1.0')}
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
   {"category": "product_version", "name": "1.0", "product": {"product_id": "P1", "name": "V A 1.0"}}]},
  {"category": "product_name", "name": "B", "branches": [
   {"category": "product_version_range", "name": "vers:generic/<2.0", "product": {"product_id": "P2", "name": "V B"}}]},
  {"category": "product_name", "name": "C", "product": {"product_id": "P3", "name": "V C"}}]}]},
 "vulnerabilities": [{"cve": "CVE-2026-0001",
  "product_status": {"known_affected": ["P2", "P3"], "known_not_affected": ["P1"]}}]}
JSON
COLUMNS=120 venv/bin/csaf-tool -i advisory.json >shown.txt
venv/bin/python - <<'PYTHON'
import re

print("tree:", {"P1": ("A", "1.0"), "P2": ("B", "vers:generic/<2.0"), "P3": ("C", None)})
rows = re.findall(r"│ (P\d) +│ +│ (\w) +│ V +│ (\S+) +│", open("shown.txt").read())
shown = {row[0]: row[1:] for row in rows}
print("shown:", shown)
assert shown == {"P1": ("A", "1.0"), "P2": ("B", "1.0"), "P3": ("C", "1.0")}
PYTHON
