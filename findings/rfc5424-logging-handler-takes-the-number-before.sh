#!/usr/bin/env bash
# rfc5424-logging-handler 1.4.3: structured data of one's own gets the enterprise number of the element before it.
#
# An element is named NAME@NUMBER, and the number says whose name it is (RFC 5424, 6.3.2). One without a number gets the
# enterprise_id of the handler; but where an element with another number stands before it, it gets that one. The order
# of the elements decides whose data they are, and a receiver that looks for its own finds none.
#
# Seen:
#     event, partner@99999 -> [event@32473 id="5"][partner@99999 id="7"]
#     partner@99999, event -> [partner@99999 id="7"][event@99999 id="5"]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check rfc5424-logging-handler==1.4.3
venv/bin/python -W ignore - <<'PYTHON'
import io
import logging
import re

from rfc5424logging import Rfc5424SysLogHandler

written = io.BytesIO()
log = logging.getLogger("misp")
log.addHandler(Rfc5424SysLogHandler(stream=written, enterprise_id="32473", hostname="host", appname="misp", procid="1"))
data = {"event": {"id": "5"}, "partner@99999": {"id": "7"}}
for order in (("event", "partner@99999"), ("partner@99999", "event")):
    log.warning("text", extra={"structured_data": {name: data[name] for name in order}})
    print(", ".join(order), "->", re.findall(r"\[.*\]", written.getvalue().decode())[-1])
seen = re.findall(r"\[.*\]", written.getvalue().decode())
assert seen == ['[event@32473 id="5"][partner@99999 id="7"]', '[partner@99999 id="7"][event@99999 id="5"]']
PYTHON
