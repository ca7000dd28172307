#!/usr/bin/env bash
# splunk-hec-handler 1.2.0: a text that happens to be Python is sent as what it means there.
#
# Every message is tried as a Python literal first. Version "1.10" is the number 1.1, the bytes "0x4d5a" are 19802,
# "1_000" is a thousand, a name in quotes loses them, "5, 7" is a list, and None is null. Nothing tells; a search in
# Splunk for what was logged finds nothing. Only a dictionary is sent as it is.
#
# Seen:
#     '1.10' -> 1.1
#     '0x4d5a' -> 19802
#     '1_000' -> 1000
#     '"cmd.exe"' -> 'cmd.exe'
#     '5, 7' -> [5, 7]
#     'None' -> None
#     '198.51.100.7' -> '198.51.100.7'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check splunk-hec-handler==1.2.0
venv/bin/python -W ignore - <<'PYTHON'
import http.server
import json
import logging
import threading

from splunk_hec_handler import SplunkHecHandler

got = []


class Collector(http.server.BaseHTTPRequestHandler):
    """A collector that keeps the events which it is sent."""

    def do_POST(self):
        got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["event"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
log = logging.getLogger("misp")
log.propagate = False
log.setLevel(logging.INFO)
log.addHandler(SplunkHecHandler("127.0.0.1", "token", port=server.server_port, proto="http"))
texts = ["1.10", "0x4d5a", "1_000", '"cmd.exe"', "5, 7", "None", "198.51.100.7"]
for text in texts:
    log.info(text)
    print(f"{text!r} -> {got[-1]['message']!r}")
assert [event["message"] for event in got] == [1.1, 19802, 1000, "cmd.exe", [5, 7], None, "198.51.100.7"]
PYTHON
