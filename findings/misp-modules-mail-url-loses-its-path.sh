#!/usr/bin/env bash
# misp-modules 3.1.1: the import of a plain-text mail keeps the host of a URL and throws the rest away.
#
# With extract_urls, email_import makes an object of each URL in the mail. In a text mail it stops at the first "/": of
# the page on a file-sharing site that holds the malware remains the site, for detection, and not what was sent. In an
# HTML mail the same link stays whole.
#
# Seen:
#     text/plain: ['https://files.example']
#     text/html: ['https://files.example/shared/a.php?id=5']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1 'pymisp[email,url]==2.5.34.4'
venv/bin/python -W ignore - <<'PYTHON'
import base64

from misp_modules.modules.import_mod import email_import

URL = "https://files.example/shared/a.php?id=5"
seen = {}
for kind, body in (("text/plain", f"Open {URL} now"), ("text/html", f'<a href="{URL}">Open</a>')):
    mail = f"From: a@a.example\nSubject: Hello\nMIME-Version: 1.0\nContent-Type: {kind}\n\n{body}\n".encode()
    answer = email_import.dict_handler({"data": base64.b64encode(mail).decode(), "config": {"extract_urls": "yes"}})
    rows = [row for found in answer["results"]["Object"] if found["name"] == "url" for row in found["Attribute"]]
    seen[kind] = [row["value"] for row in rows if row["object_relation"] == "url"]
    print(f"{kind}: {seen[kind]}")
assert seen == {"text/plain": ["https://files.example"], "text/html": [URL]}
PYTHON
