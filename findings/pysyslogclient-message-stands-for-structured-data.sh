#!/usr/bin/env bash
# pysyslogclient 0.1.1: a record of RFC 5424 has no structured data, so the message stands where that should.
#
# Between MSGID and the message there is structured data, or "-" for none (RFC 5424, 6). SyslogClientRFC5424 writes
# neither. A strict reader refuses every record; where a message begins in brackets, what is in them becomes structured
# data, and is not in the message any more.
#
# Seen:
#     <14>1 2026-01-02T03:04:05Z host misp - - disk full
#     syslog-rfc5424-parser 0.3.2: refused
#     <14>1 2026-01-02T03:04:05Z host misp - - [error] disk full
#     syslog-rfc5424-parser 0.3.2: data {'error': {}}, message 'disk full'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pysyslogclient==0.1.1 syslog-rfc5424-parser==0.3.2
venv/bin/python -W ignore - <<'PYTHON'
import re
import socket

import pysyslogclient
from syslog_rfc5424_parser import ParseError, SyslogMessage

listening = socket.socket(type=socket.SOCK_DGRAM)
listening.bind(("127.0.0.1", 0))
listening.settimeout(10)
client = pysyslogclient.SyslogClientRFC5424("127.0.0.1", listening.getsockname()[1])
seen = []
for message in ("disk full", "[error] disk full"):
    client.log(message, hostname="host", program="misp")
    record = re.sub(r"(?<=1 )\d\S+Z", "2026-01-02T03:04:05Z", listening.recv(2000).decode().strip())
    print(record)
    try:
        read = SyslogMessage.parse(record)
        seen.append((read.sd, read.msg))
        print(f"syslog-rfc5424-parser 0.3.2: data {read.sd}, message {read.msg!r}")
    except ParseError:
        seen.append("refused")
        print("syslog-rfc5424-parser 0.3.2: refused")
    assert record == f"<14>1 2026-01-02T03:04:05Z host misp - - {message}"
assert seen == ["refused", ({"error": {}}, "disk full")]
PYTHON
