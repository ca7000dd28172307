#!/usr/bin/env bash
# rt 3.8.1 (Python): a search by a custom field, as its documentation shows it, has a quotation mark too many.
#
# search(CF_Domain="a.example") of the REST 2 client asks RT for CF.{Domain}'='a.example': the mark before the name is
# missing and the one after it is there, so that no reader finds the end. An apostrophe in a value ends it as well, for
# no backslash is put before it. raw_query is left as it is. The client of REST 1 in the same package writes both marks.
#
# Seen:
#     CF_Domain: (CF.{Domain}'='a.example')
#     Subject: (Subject='it's blocked')
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check rt==3.8.1
venv/bin/python -W ignore - <<'PYTHON'
import http.server
import json
import threading
import urllib.parse

from rt.rest2 import Rt

asked = []


class Tracker(http.server.BaseHTTPRequestHandler):
    """Finds nothing, and keeps what it was asked."""

    def do_GET(self):
        asked.append(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0])
        body = json.dumps({"count": 0, "items": [], "page": 1, "pages": 0, "per_page": 20, "total": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Tracker)
threading.Thread(target=server.serve_forever, daemon=True).start()
tracker = Rt(f"http://127.0.0.1:{server.server_port}/REST/2.0/", token="token")
for name, value in {"CF_Domain": "a.example", "Subject": "it's blocked"}.items():
    assert list(tracker.search(**{name: value})) == []
    print(f"{name}: {asked[-1]}")
assert asked == ["(CF.{Domain}'='a.example')", "(Subject='it's blocked')"]
PYTHON
