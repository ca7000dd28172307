#!/usr/bin/env bash
# rsyslog 8.2302.0: of a parameter that a record has twice, mmpstrucdata keeps the last.
#
# A sender with several addresses names each with an "ip" of its own: that is how RFC 5424 (7.2.1) describes it. In what
# mmpstrucdata makes of structured data there is one of them, under the name of all; the text that came is whole.
# Debian 12, apt-get update done.
#
# Seen:
#     [origin ip="192.0.2.1" ip="192.0.2.129"] -> { "ip": "192.0.2.129" }
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
module(load="mmpstrucdata")
template(name="fields" type="string" string="%structured-data% -> %\$!rfc5424-sd!origin%\\n")
input(type="imtcp" port="$port" address="127.0.0.1" ruleset="all")
ruleset(name="all") {
    action(type="mmpstrucdata")
    action(type="omfile" file="$work/out" template="fields")
}
CONF
LD_LIBRARY_PATH=$library root/usr/sbin/rsyslogd -n -M "$modules" -f conf -i pid >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
python3 - "$port" <<'PYTHON'
import socket
import sys
import time

records = [
    '<165>1 2026-01-02T03:04:05Z host app 1 - [origin ip="192.0.2.1" ip="192.0.2.129"] text',
]
for _ in range(200):
    try:
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except OSError:
        time.sleep(0.1)
connection.sendall("".join(record + "\n" for record in records).encode())
connection.close()
PYTHON
for _ in $(seq 200); do [ -f out ] && [ "$(wc -l <out)" = 1 ] && break; sleep 0.1; done
cat out
diff out - <<'SEEN'
[origin ip="192.0.2.1" ip="192.0.2.129"] -> { "ip": "192.0.2.129" }
SEEN
