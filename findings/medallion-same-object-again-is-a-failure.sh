#!/usr/bin/env bash
# medallion 3.0.0: an object that is there already counts as a failure in a TAXII status.
#
# TAXII 2.1 lets a client send what the server has: adding the same version again shall change nothing. medallion
# answers 202, and the status says success_count 0, failure_count 1 with the message "Unable to process object". A
# client that repeats a request after a lost answer cannot tell this from a refusal.
#
# Seen:
#     (202, 1, 0) []
#     (202, 0, 1) [{'id': 'indicator--5f1d8b8a-0000-4000-8000-000000000002', 'message': 'Unable to process object', 'version': '2026-01-01T00:00:00.000Z'}]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check medallion==3.0.0 Flask==3.1.3 Werkzeug==3.1.9
cat >data.json <<'JSON'
{"/discovery": {"title": "t", "default": "http://127.0.0.1/api/"},
 "api": {"information": {"title": "api", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 100000},
  "status": [], "collections": [{"id": "5f1d8b8a-0000-4000-8000-000000000001", "title": "c", "can_read": true,
   "can_write": true, "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": []}]}}
JSON
venv/bin/python - <<'PYTHON'
import base64
import json

from medallion import application_instance, register_blueprints, set_config

config = {
    "users": {"u": "p"}, "taxii": {"max_page_size": 100},
    "backend": {
        "module": "medallion.backends.memory_backend", "module_class": "MemoryBackend", "filename": "data.json",
    },
}
for part in ("users", "taxii", "backend"):
    set_config(application_instance, part, config)
register_blueprints(application_instance)
media = "application/taxii+json;version=2.1"
indicator = {
    "type": "indicator", "spec_version": "2.1", "id": "indicator--5f1d8b8a-0000-4000-8000-000000000002",
    "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix",
    "pattern": "[ipv4-addr:value = '198.51.100.7']", "valid_from": "2026-01-01T00:00:00Z",
}
counted = []
for _ in range(2):
    answer = application_instance.test_client().post(
        "/api/collections/5f1d8b8a-0000-4000-8000-000000000001/objects/", data=json.dumps({"objects": [indicator]}),
        headers={
            "Authorization": "Basic " + base64.b64encode(b"u:p").decode(), "Accept": media, "Content-Type": media,
        },
    )
    status = answer.get_json(force=True)
    counted.append((answer.status_code, status["success_count"], status["failure_count"]))
    print(counted[-1], status.get("failures", []))
assert counted == [(202, 1, 0), (202, 0, 1)]
PYTHON
