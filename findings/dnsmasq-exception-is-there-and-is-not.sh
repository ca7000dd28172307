#!/usr/bin/env bash
# dnsmasq 2.90: a name that has an address is said not to exist, when the name above it is blocked.
#
# address=/over.example/ answers that no such name exists, and address=/sub.over.example/192.0.2.4 makes an exception.
# Asked for its IPv4 address dnsmasq gives it; asked for IPv6, or for a text, it says NXDOMAIN, which is of the name and
# all its types (RFC 2308, 5; RFC 8020). Who asks for IPv6 first and believes it does not ask again: the sinkhole or the
# permitted host is found by some clients and not by others. An empty answer was due. Debian 12, apt-get update done.
#
# Seen:
#     sub.over.example A: code 0, answers 1
#     sub.over.example AAAA: code 3, answers 0
#     sub.over.example TXT: code 3, answers 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download dnsmasq-base=2.90-4~deb12u2 libnftables1 libnetfilter-conntrack3 libdbus-1-3 libnftnl11 libmnl0 \
    libnfnetlink0 libxtables12 libjansson4 libedit2
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(find "$work/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
port=$(python3 -c 'import socket
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
LD_LIBRARY_PATH=$library root/usr/sbin/dnsmasq --conf-file=/dev/null --keep-in-foreground --no-resolv --no-hosts --pid-file= \
    --user="$(id -un)" --port="$port" --listen-address=127.0.0.1 --bind-interfaces --address=/over.example/ \
    --address=/sub.over.example/192.0.2.4 >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
python3 - "$port" <<'PYTHON' | tee said
import socket
import struct
import sys
import time

name = "sub.over.example"
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
for kind, number in (("A", 1), ("AAAA", 28), ("TXT", 16)):
    for _ in range(200):
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            asking.settimeout(10)
            asking.connect(("127.0.0.1", int(sys.argv[1])))
            try:
                asking.send(b"\0\1\1\0\0\1\0\0\0\0\0\0" + labels + struct.pack(">BHH", 0, number, 1))
                answer = asking.recv(512)
                break
            except ConnectionRefusedError:  # the server is not up yet
                time.sleep(0.1)
    print(f"{name} {kind}: code {answer[3] & 15}, answers {struct.unpack('>H', answer[6:8])[0]}")
PYTHON
diff said - <<'SEEN'
sub.over.example A: code 0, answers 1
sub.over.example AAAA: code 3, answers 0
sub.over.example TXT: code 3, answers 0
SEEN
