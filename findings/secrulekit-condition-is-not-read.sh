#!/usr/bin/env bash
# secrulekit 1.2.0: whatever the condition of a Sigma rule says, the converted query wants all of its selections.
#
# A condition joins the selections of a rule by and, or and not. None of it reaches the query for Splunk: what is
# excepted is required, of two alternatives both are, and a selection that is not in use is in force. Modifiers go as
# well: an end is the whole value, and "|re" becomes part of the field's name. No error and no warning.
#
# Seen:
#     one and not two: index=wineventlog f="x" AND g="y"
#     one or two: index=wineventlog f="x" AND g="y"
#     not one: index=wineventlog f="x" AND g="y"
#     f|endswith: x: index=wineventlog f="x"
#     f|re: a.b: index=wineventlog f|re="a.b"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check secrulekit==1.2.0
converted() {
    printf '%s\n' 'title: test' 'logsource: {category: process_creation, product: windows}' "detection: $1" >rule.yml
    COLUMNS=200 venv/bin/secrulekit convert --to splunk rule.yml | sed -n 's/| `comment.*//p'
}
for condition in 'one and not two' 'one or two' 'not one'; do
    echo "$condition: $(converted "{one: {f: x}, two: {g: y}, condition: $condition}")"
done >said
for selection in 'f|endswith: x' 'f|re: a.b'; do
    echo "$selection: $(converted "{one: {$selection}, condition: one}")"
done >>said
cat said
diff said - <<'SEEN'
one and not two: index=wineventlog f="x" AND g="y"
one or two: index=wineventlog f="x" AND g="y"
not one: index=wineventlog f="x" AND g="y"
f|endswith: x: index=wineventlog f="x"
f|re: a.b: index=wineventlog f|re="a.b"
SEEN
