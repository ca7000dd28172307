#!/usr/bin/env bash
# glpi-api 0.7.0: get_all_items gives the first fifty items, and nothing tells that there are more.
#
# GLPI answers with the items 0 to 49 unless it is asked for a range, with the status 206 and the whole number in
# Content-Range (GLPI REST API, "Get all items"). The library takes 206 for 200 and returns the list alone: a search for
# the ticket of an event among "all" of them finds none, and opens another. range="0-9999" has to be said by the caller.
#
# Seen:
#     there are 120 tickets: get_all_items gives 50
#     with range="0-119": 120
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check glpi-api==0.7.0
venv/bin/python -W ignore - <<'PYTHON'
import http.server
import json
import threading
import urllib.parse

import glpi_api

tickets = [{"id": number, "name": f"event {number}"} for number in range(120)]


class Glpi(http.server.BaseHTTPRequestHandler):
    """Answers as GLPI's documentation says."""

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        status, answer, headers = 200, {"session_token": "session"}, {}
        if address.path.endswith("/Ticket"):
            asked = urllib.parse.parse_qs(address.query).get("range", ["0-49"])[0]
            first, last = map(int, asked.split("-"))
            answer = tickets[first : last + 1]
            status = 200 if len(answer) == len(tickets) else 206
            headers = {"Content-Range": f"{asked}/{len(tickets)}", "Accept-Range": "Ticket 1000"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Glpi)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = glpi_api.GLPI(url=f"http://127.0.0.1:{server.server_port}/apirest.php", apptoken="app", auth="user")
default, asked = client.get_all_items("Ticket"), client.get_all_items("Ticket", range="0-119")
print(f"there are {len(tickets)} tickets: get_all_items gives {len(default)}")
print(f'with range="0-119": {len(asked)}')
assert default == tickets[:50] and asked == tickets
PYTHON
