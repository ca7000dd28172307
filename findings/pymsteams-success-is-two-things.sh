#!/usr/bin/env bash
# pymsteams 0.2.5: the same answer of Teams is a success for a card and a failure for an asynchronous one.
#
# A connector may answer 200 and say in the body that nothing was delivered (Microsoft, "Create Incoming Webhooks", rate
# limiting). connectorcard takes that for a success; async_connectorcard, which wants the body "1", raises. A webhook of
# Workflows, which has replaced connectors, answers 202 without a body: a delivery for the one, a failure for the other,
# and whoever tries again after it posts the card twice.
#
# Seen:
#     200 "Webhook message delivery failed …": connectorcard True, async_connectorcard raises
#     202 "": connectorcard True, async_connectorcard raises
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymsteams==0.2.5 httpx==0.28.1
venv/bin/python -W ignore - <<'PYTHON'
import asyncio
import http.server
import threading

import pymsteams

refusal = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId 1."
answers = {"/connector": (200, "1"), "/limited": (200, refusal), "/workflow": (202, "")}


class Teams(http.server.BaseHTTPRequestHandler):
    """Answers as the documentation says."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = answers[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Teams)
threading.Thread(target=server.serve_forever, daemon=True).start()


def sent(kind, path):
    """Return what sending a card came to."""
    card = kind(f"http://127.0.0.1:{server.server_port}{path}")
    card.text("a.example is blocked")
    try:
        return asyncio.run(card.send()) if kind is pymsteams.async_connectorcard else card.send()
    except pymsteams.TeamsWebhookException:
        return "raises"


kinds = (pymsteams.connectorcard, pymsteams.async_connectorcard)
assert [sent(kind, "/connector") for kind in kinds] == [True, True]
for path in ("/limited", "/workflow"):
    seen = [sent(kind, path) for kind in kinds]
    status, body = answers[path]
    print(f'{status} "{body[:31]}{" …" * bool(body)}": connectorcard {seen[0]}, async_connectorcard {seen[1]}')
    assert seen == [True, "raises"]
PYTHON
