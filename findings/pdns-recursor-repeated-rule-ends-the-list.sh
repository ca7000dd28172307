#!/usr/bin/env bash
# PowerDNS Recursor 4.8.8: a policy zone in which one rule stands twice is not in force at all, and the server runs.
#
# A record that is in a zone twice is there once (RFC 2181, 5), and BIND reads such a policy zone so. The recursor logs
# an exception at the second, starts, and answers as if there were no list: the rules before and after pass too. The
# repetition may differ in capitals, as when two feeds name one domain. No exit status tells; only asking for a listed
# name does. (Later versions have ignoreDuplicates, off by default.) Debian 12, apt-get update done.
#
# Seen:
#     each rule once: one.example 3, last.example 3
#     one of them twice: one.example 2, last.example 2
#     (3 is NXDOMAIN, by the list; 2 is SERVFAIL: asked upstream, where nobody is)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download pdns-recursor=4.8.8-1+deb12u1 libboost-context1.74.0 libluajit2-5.1-2 libsnmp40 libsodium23 libfstrm0
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(find "$work/root" -type d -path '*usr/lib/*-linux-gnu' | head -n 1)
read -r port nobody < <(python3 -c 'import socket
sockets = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)]
print(*[s.bind(("127.0.0.1", 0)) or s.getsockname()[1] for s in sockets])')
echo "rpzFile('$work/zone', {policyName='list'})" >conf.lua
answers() {
    printf '%s\n' '$TTL 300' '@ IN SOA localhost. root.localhost. 1 3600 600 86400 300' '@ IN NS localhost.' "$@" >zone
    : >server.log
    LD_LIBRARY_PATH=$library root/usr/sbin/pdns_recursor --config-dir="$work" --socket-dir="$work" --daemon=no --threads=1 \
        --local-address=127.0.0.1 --local-port="$port" --lua-config-file=conf.lua --forward-zones=.=127.0.0.1:"$nobody" \
        --dnssec=off --hint-file=no --public-suffix-list-file= --loglevel=6 >server.log 2>&1 &
    server=$!
    trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
    for _ in $(seq 200); do grep -q 'Enabled multiplexer' server.log && break; sleep 0.1; done
    python3 - "$port" <<'PYTHON'
import socket
import sys

told = []
for name in ("one.example", "last.example"):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(30)
        asking.connect(("127.0.0.1", int(sys.argv[1])))
        asking.send(b"\0\1\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1")
        told.append(f"{name} {asking.recv(512)[3] & 15}")
print(", ".join(told))
PYTHON
    kill $server
    wait $server || true
    trap 'rm -rf "$work"' EXIT
}
answers 'one.example CNAME .' 'two.example CNAME .' 'last.example CNAME .' >once
echo "each rule once: $(cat once)"
answers 'one.example CNAME .' 'two.example CNAME .' 'TWO.example CNAME .' 'last.example CNAME .' >twice
echo "one of them twice: $(cat twice)"
grep -q 'Exception while loading RPZ zone from file' server.log
[ "$(cat once)" = 'one.example 3, last.example 3' ]
[ "$(cat twice)" = 'one.example 2, last.example 2' ]
