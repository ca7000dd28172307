#!/usr/bin/env bash
# iocextract 1.16.1: sftp, ftps and tcp become http when a URL is refanged, and a network becomes a URL.
#
# With refang=True, sftp://evil[.]example/a gives http://evil.example/a: another service at another port, so that
# neither a proxy's log nor a rule made of it meets what was reported. 192.0.2[.]0/24, a network, gives
# http://192.0.2.0/24, a URL that nobody wrote. http, https and ftp stay. (requests is needed, and not installed along:
# see the other finding.)
#
# Seen:
#     hxxps://evil[.]example/a -> https://evil.example/a
#     sftp://evil[.]example/a -> http://evil.example/a
#     ftps://evil[.]example/a -> http://evil.example/a
#     tcp://evil[.]example:80 -> http://evil.example:80
#     192.0.2[.]0/24 -> http://192.0.2.0/24
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check iocextract==1.16.1 requests==2.32.3
venv/bin/python - <<'PYTHON'
import iocextract

found = {}
for text in (
    "hxxps://evil[.]example/a", "sftp://evil[.]example/a", "ftps://evil[.]example/a", "tcp://evil[.]example:80",
    "192.0.2[.]0/24",
):
    found[text] = sorted(set(iocextract.extract_urls(text, refang=True)))
    print(text, "->", *found[text])
assert list(found.values()) == [
    ["https://evil.example/a"], ["http://evil.example/a"], ["http://evil.example/a"], ["http://evil.example:80"],
    ["http://192.0.2.0/24"],
]
PYTHON
