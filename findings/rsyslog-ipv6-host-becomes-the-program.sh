#!/usr/bin/env bash
# rsyslog 8.2302.0: a host that is an IPv6 address becomes the program, and the message begins in its middle.
#
# The host of a BSD record may be a name, an IPv4 or an IPv6 address (RFC 3164, 4.1.2). rsyslog takes the first colon
# for the end of the program: "2001" has written "db8::1 prog[42]: text", and the host is whoever handed the record on.
# Filters by host and program pass such records by. With IPv4, and in the newer syntax, all is right. Debian 12, apt-get
# update done.
#
# Seen:
#     192.0.2.9 | prog | text
#     localhost | 2001 |db8::1 prog[42]: text
#     2001:db8::1 | prog |text
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
template(name="fields" type="string" string="%hostname% | %programname% |%msg%\\n")
input(type="imtcp" port="$port" address="127.0.0.1" ruleset="all")
ruleset(name="all") { action(type="omfile" file="$work/out" template="fields") }
CONF
LD_LIBRARY_PATH=$library root/usr/sbin/rsyslogd -n -M "$modules" -f conf -i pid >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
python3 - "$port" <<'PYTHON'
import socket
import sys
import time

records = [
    "<165>Jan  2 03:04:05 192.0.2.9 prog[42]: text",
    "<165>Jan  2 03:04:05 2001:db8::1 prog[42]: text",
    "<165>1 2026-01-02T03:04:05Z 2001:db8::1 prog 42 - - text",
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
for _ in $(seq 200); do [ -f out ] && [ "$(wc -l <out)" = 3 ] && break; sleep 0.1; done
cat out
diff out - <<'SEEN'
192.0.2.9 | prog | text
localhost | 2001 |db8::1 prog[42]: text
2001:db8::1 | prog |text
SEEN
