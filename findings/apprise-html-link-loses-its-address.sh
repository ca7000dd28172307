#!/usr/bin/env bash
# Apprise 2.3.0: an HTML message for a service of plain text keeps the words of a link and loses where it leads.
#
# With body_format="html" Apprise converts for services such as ntfy, and of <a href="…">the event</a> "the event" is
# left. notify() answers that it was a success. The alert that calls somebody at night says "see here" and no more. A
# message in Markdown keeps the address on the way to the same service.
#
# Seen:
#     html True Look at the event now
#     markdown True Look at [the event](https://misp.example/events/view/5) now
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check apprise==2.3.0
venv/bin/python -W ignore - <<'PYTHON'
import http.server
import json
import threading

import apprise

heard = []


class Service(http.server.BaseHTTPRequestHandler):
    """Takes what an ntfy server takes."""

    def do_POST(self):
        heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *said):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
for kind, body in (
    ("html", 'Look at <a href="https://misp.example/events/view/5">the event</a> now'),
    ("markdown", "Look at [the event](https://misp.example/events/view/5) now"),
):
    sender = apprise.Apprise()
    sender.add(f"ntfy://127.0.0.1:{server.server_port}/alerts")
    done = bool(sender.notify(body=body, body_format=kind))
    print(kind, done, heard[-1]["message"])
server.shutdown()
assert "misp.example" not in heard[0]["message"] and "misp.example" in heard[1]["message"]
PYTHON
