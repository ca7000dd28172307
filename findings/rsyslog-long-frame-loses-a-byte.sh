#!/usr/bin/env bash
# rsyslog 8.2302.0: a frame of more than 8,096 bytes becomes two records, and a byte between them is gone.
#
# RFC 5424 lets a receiver cut a long message; that rsyslog takes the rest for a message of its own is documented for
# the framing by line breaks (imtcp, discardTruncatedMsg). With octet counting it does so too, and drops the byte
# between: the first words of the rest, less a letter or a digit, become host and program. The sender hears nothing.
# Debian 12, apt-get update done.
#
# Seen:
#     host|misp|aaaaaaaaaa … aaa and gateway|proxy| the rest
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download rsyslog=8.2302.0-1+deb12u2 libestr0 libfastjson4
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(dirname "$(find "$work/root" -name 'libfastjson.so.4' | head -n 1)")
modules=$(dirname "$(find "$work/root" -name 'imtcp.so' | head -n 1)")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >conf <<CONF
module(load="imtcp")
template(name="raw" type="string" string="%hostname%|%programname%|%msg:::drop-last-lf%\n")
input(type="imtcp" port="$port" address="127.0.0.1")
action(type="omfile" file="$work/out" template="raw")
CONF
LD_LIBRARY_PATH=$library root/usr/sbin/rsyslogd -n -M "$modules" -f conf -i pid >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
PORT=$port python3 - <<'PYTHON'
import os
import socket
import time

head = b"<134>1 2026-11-28T10:00:00Z host misp - - - "
frame = head + b"a" * (8096 - len(head)) + b"X" + b"gateway proxy: the rest"
for _ in range(100):
    try:
        connection = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
        break
    except OSError:
        time.sleep(0.1)
connection.sendall(b"%d %s" % (len(frame), frame))
connection.close()
lines = []
for _ in range(100):
    lines = open("out").read().splitlines() if os.path.exists("out") else []
    lines = [line for line in lines if "misp|" in line or "proxy|" in line or "gateway" in line]
    if len(lines) > 1:
        break
    time.sleep(0.1)
first, second = lines
print(first[:20], "…", first[-3:], "and", second)
assert first.startswith("host|misp|") and first.endswith("a") and "X" not in first
assert second.startswith("gateway|proxy|") and "the rest" in second and "X" not in second
PYTHON
