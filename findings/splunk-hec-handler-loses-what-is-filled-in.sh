#!/usr/bin/env bash
# splunk-hec-handler 1.2.0: what is to be filled into a message stays at home, and so does the error.
#
# Python's logging fills a message with its arguments when a handler asks for it (LogRecord.getMessage). This handler
# takes the message as it was before: Splunk gets "blocked %s for %s", whatever was blocked. Of log.exception() the
# traceback is left out as well. A formatter that is set on the handler is not asked either. Each event is accepted.
#
# Seen:
#     {'log_level': 'INFO', 'message': 'blocked %s for %s'}
#     {'log_level': 'ERROR', 'message': 'failed'}
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
log.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
log.info("blocked %s for %s", "198.51.100.7", "a day")
try:
    raise ValueError("no such list")
except ValueError:
    log.exception("failed")
print(*got, sep="\n")
assert [event["message"] for event in got] == ["blocked %s for %s", "failed"]
assert all(set(event) == {"log_level", "message"} for event in got)
PYTHON
