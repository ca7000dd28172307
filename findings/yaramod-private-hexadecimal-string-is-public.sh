#!/usr/bin/env bash
# yaramod 4.8.3: a hexadecimal string that is private is reported, once the rule has been written again.
#
# A private string takes part in the condition and is left out of what a scan reports (YARA, "Private strings"). Written
# by .text, texts keep the word and hexadecimal strings lose it: whoever reads the matches gets what was not to be
# shown. .text_formatted, which keeps the layout, keeps the word as well. (YARA-X 1.23.0 scans below.)
#
# Seen:
#     as it was: reports $shown
#     .text: reports $hidden $shown
#     .text_formatted: reports $shown
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check yaramod==4.8.3 yara-x==1.23.0
venv/bin/python -W ignore - <<'PYTHON'
import yara_x
import yaramod

rule = """
rule both {
    strings:
        $hidden = { 4D 5A } private
        $text = "MZ" private
        $shown = "PE"
    condition:
        all of them
}
"""
read = yaramod.Yaramod().parse_string(rule)
reported = {}
for name, source in (("as it was", rule), (".text", read.text), (".text_formatted", read.text_formatted)):
    (match,) = yara_x.compile(source).scan(b"MZ PE").matching_rules
    reported[name] = sorted(one.identifier for one in match.patterns)
    print(f"{name}: reports", *reported[name])
assert reported == {"as it was": ["$shown"], ".text": ["$hidden", "$shown"], ".text_formatted": ["$shown"]}
PYTHON
