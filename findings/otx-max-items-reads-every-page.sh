#!/usr/bin/env bash
# OTXv2 1.5.12: getall(max_items=1) gives one pulse, after it has asked for every page there is.
#
# max_items ends the reading of a page, and the next page is asked for all the same, until there is none. For somebody
# with many subscriptions a look at the newest pulse takes as long, and counts as much against the limits of the
# service, as reading all of them. max_page ends it. (The package needs six and does not bring it.)
#
# Seen:
#     pulses: 1 pages asked for: 3
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check OTXv2==1.5.12 six==1.17.0
venv/bin/python -W ignore - <<'PYTHON'
import http.server
import json
import threading

from OTXv2 import OTXv2

asked = []


class Otx(http.server.BaseHTTPRequestHandler):
    """Answers with three pages of one pulse each, as OTX pages its pulses."""

    def do_GET(self):
        asked.append(self.path)
        page = int(self.path.rpartition("page=")[2]) if "page=" in self.path else 1
        pulse = {"id": str(page), "indicators": [{"type": "domain", "indicator": "a.example"}]}
        after = f"http://{self.headers['Host']}/api/v1/pulses/subscribed?page={page + 1}" if page < 3 else None
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"results": [pulse], "next": after}).encode())

    def log_message(self, *said):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Otx)
threading.Thread(target=server.serve_forever, daemon=True).start()
otx = OTXv2("key", server=f"http://127.0.0.1:{server.server_port}")

pulses = otx.getall(max_items=1, limit=1)
server.shutdown()
print("pulses:", len(pulses), "pages asked for:", len(asked))
assert len(pulses) == 1 and len(asked) == 3
PYTHON
