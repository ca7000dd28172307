#!/usr/bin/env bash
# taxii2-client 2.3.0: the status of an upload is true when every object of it was refused.
#
# The truth of a Status is whether it is "complete", and complete is also what is over and failed (TAXII 2.1, 4.3.1).
# "if collection.add_objects(…):" reads as if it asked whether they were added; only failure_count tells. The server
# below answers as the specification has it for two objects that it refuses.
#
# Seen:
#     refused: 2 added: 0 true: True
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check taxii2-client==2.3.0
venv/bin/python -W ignore - <<'PYTHON'
import http.server
import json
import threading

from taxii2client.v21 import Collection

STATUS = {
    "id": "5f1d8b8a-0000-4000-8000-000000000001", "status": "complete", "total_count": 2, "success_count": 0,
    "failure_count": 2, "pending_count": 0,
}


class Taxii(http.server.BaseHTTPRequestHandler):
    """Answers as a TAXII server that takes none of the objects."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Type", "application/taxii+json;version=2.1")
        self.end_headers()
        self.wfile.write(json.dumps(STATUS).encode())

    def log_message(self, *said):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taxii)
threading.Thread(target=server.serve_forever, daemon=True).start()
collection = Collection(
    f"http://127.0.0.1:{server.server_port}/root/collections/5f1d8b8a-0000-4000-8000-000000000002/",
    collection_info={
        "id": "5f1d8b8a-0000-4000-8000-000000000002", "title": "test", "can_read": True, "can_write": True,
    },
)
status = collection.add_objects({"objects": [{"type": "indicator"}, {"type": "indicator"}]})
server.shutdown()
print("refused:", status.failure_count, "added:", status.success_count, "true:", bool(status))
assert status.failure_count == 2 and status.success_count == 0 and status
PYTHON
