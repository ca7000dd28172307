#!/usr/bin/env bash
# cloudevents 2.2.0: its two halves do not read each other's subject, if it has a percent sign or a letter beyond ASCII.
#
# In the binary mode of HTTP such characters of an attribute are percent-encoded in the header (CloudEvents HTTP binding
# 1.0.2, 3.1.3.2). cloudevents.core does that; cloudevents.v1, the interface of before that is kept for compatibility,
# neither writes nor reads it: the subject arrives encoded, or a literal "%20" of a URL is decoded that was never
# encoded.
#
# Seen:
#     sent: Grüße, 100%
#     by core, read by v1: Gr%C3%BC%C3%9Fe,%20100%25
#     sent: http://a.example/b%20c
#     by v1, read by core: http://a.example/b c
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cloudevents==2.2.0
venv/bin/python -W ignore - <<'PYTHON'
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent as CoreEvent
from cloudevents.v1.http import CloudEvent, from_http, to_binary

ATTRIBUTES = {"type": "misp.event", "source": "https://misp.example", "id": "1"}

said = "Grüße, 100%"
print("sent:", said)
message = to_binary_event(CoreEvent({**ATTRIBUTES, "specversion": "1.0", "subject": said}, data={"a": 1}))
headers = {"content-type": "application/json", **message.headers}
first = from_http(headers, message.body)["subject"]
print("by core, read by v1:", first)

link = "http://a.example/b%20c"
print("sent:", link)
headers, body = to_binary(CloudEvent({**ATTRIBUTES, "subject": link}, {"a": 1}))
second = from_binary_event(HTTPMessage(headers={"content-type": "application/json", **headers}, body=body)).get_subject()
print("by v1, read by core:", second)
assert first == "Gr%C3%BC%C3%9Fe,%20100%25" and second == "http://a.example/b c"
PYTHON
