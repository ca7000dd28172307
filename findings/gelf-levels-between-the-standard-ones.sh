#!/usr/bin/env bash
# graypy 2.1.0, pygelf 0.4.3, logging-gelf 0.0.32: a level of one's own becomes 25, an alert, or no message.
#
# Python's logging has levels by number, and many programs add their own, such as NOTICE (25) and TRACE (5). A GELF
# level is one of syslog's, 0 to 7. graypy sends 25 as it is, beyond what there is; logging-gelf sends 1, "action must
# be taken immediately", for both; pygelf sends nothing at all, and tells standard error only. The standard levels are
# right in all.
#
# Seen:
#     graypy {20: 6, 25: 25, 5: 5}
#     pygelf {20: 6, 25: None, 5: None}
#     logging-gelf {20: 6, 25: 1, 5: 1}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check graypy==2.1.0 pygelf==0.4.3 logging-gelf==0.0.32 \
    setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import json
import logging
import socket
import zlib

import graypy
import pygelf
from logging_gelf.formatters import GELFFormatter
from logging_gelf.handlers import GELFUDPSocketHandler

logging.raiseExceptions = False
graylog = socket.socket(type=socket.SOCK_DGRAM)
graylog.bind(("127.0.0.1", 0))
graylog.settimeout(0.5)
port = graylog.getsockname()[1]
other = GELFUDPSocketHandler(host="127.0.0.1", port=port)
other.setFormatter(GELFFormatter(null_character=False))
handlers = {
    "graypy": graypy.GELFUDPHandler("127.0.0.1", port), "pygelf": pygelf.GelfUdpHandler("127.0.0.1", port),
    "logging-gelf": other,
}


def sent(handler, level):
    """Return the level that Graylog is told, or None when it hears nothing."""
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.log(level, "message")
    try:
        told = graylog.recv(65536)
    except TimeoutError:
        return None
    return json.loads(zlib.decompress(told) if told[:1] == b"x" else told)["level"]


levels = {name: {level: sent(handler, level) for level in (20, 25, 5)} for name, handler in handlers.items()}
for name, told in levels.items():
    print(name, told)
assert levels == {
    "graypy": {20: 6, 25: 25, 5: 5}, "pygelf": {20: 6, 25: None, 5: None}, "logging-gelf": {20: 6, 25: 1, 5: 1},
}
PYTHON
