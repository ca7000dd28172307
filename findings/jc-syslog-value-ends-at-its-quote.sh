#!/usr/bin/env bash
# jc 1.26.1 and syslog-rfc5424-parser 0.3.2: one cuts a value at a quotation mark, the other keeps its backslashes.
#
# In structured data a quotation mark, a backslash and a closing bracket are written with a backslash before them (RFC
# 5424, 6.3.3). jc ends the value at the first quotation mark, escaped or not, and the rest is nowhere;
# syslog-rfc5424-parser finds its end and leaves the escapes in. The same value compared with what MISP has is another
# in both.
#
# Seen:
#     sent: say "hi" now
#     jc: 'say '
#     syslog-rfc5424-parser: 'say \\"hi\\" now'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check jc==1.26.1 syslog-rfc5424-parser==0.3.2
venv/bin/python -W ignore - <<'PYTHON'
import jc
from syslog_rfc5424_parser import SyslogMessage

sent = 'say "hi" now'
print("sent:", sent)
escaped = sent.replace('"', '\\"')
line = f'<165>1 2026-01-02T03:04:05Z host misp 42 ID47 [ex@32473 info="{escaped}" tlp="red"] text'
((first,),) = [one["structured_data"] for one in jc.parse("syslog", line, quiet=True)]
second = SyslogMessage.parse(line).as_dict()["sd"]["ex@32473"]
print("jc:", repr(first["parameters"]["info"]))
print("syslog-rfc5424-parser:", repr(second["info"]))
assert first["parameters"]["info"] == "say " and second["info"] == escaped
assert first["parameters"]["tlp"] == second["tlp"] == "red"
PYTHON
