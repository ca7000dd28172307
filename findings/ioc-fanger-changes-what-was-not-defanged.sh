#!/usr/bin/env bash
# ioc-fanger 5.1.1: a Windows path with a folder .ssh in it is another path when a report is fanged.
#
# fang is run over whole reports before indicators are sought. A backslash before a dot counts as defanging wherever it
# stands, so C:\Users\a\.ssh\id_rsa is C:\Users\a.ssh\id_rsa afterwards: a file that nobody has, as an indicator of file
# paths. Regular expressions and rules in a report lose their backslashes the same way.
#
# Seen:
#     C:\Users\a\.ssh\id_rsa -> C:\Users\a.ssh\id_rsa
#     /evil\.example/ -> /evil.example/
#     evil[.]example -> evil.example
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check ioc-fanger==5.1.1
venv/bin/python - <<'PYTHON'
import ioc_fanger

made = {}
for text in (r"C:\Users\a\.ssh\id_rsa", r"/evil\.example/", r"evil[.]example"):
    made[text] = ioc_fanger.fang(text)
    print(text, "->", made[text])
assert list(made.values()) == [r"C:\Users\a.ssh\id_rsa", "/evil.example/", "evil.example"]
PYTHON
