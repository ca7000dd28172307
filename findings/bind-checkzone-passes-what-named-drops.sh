#!/usr/bin/env bash
# BIND 9.18: named-checkzone calls a policy zone fine in which named will not use a rule.
#
# The owner 24.5.2.0.192.rpz-ip (a /24 with a bit set beyond the prefix) is an ordinary name to named-checkzone: OK,
# exit 0. named loads the zone, logs "invalid rpz IP address", and drops that rule: the list has a hole that no check
# shows. Debian 12, apt-get update done.
#
# Seen:
#     zone rpz.test/IN: loaded serial 1
#     OK
#     zone rpz.test/IN: loaded serial 1
#     rpz: rpz.test: reload start
#     invalid rpz IP address "24.5.2.0.192.rpz-ip.rpz.test"; too small prefix length of 24
#     rpz: rpz.test: reload done: success
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download bind9=1:9.18.49-1~deb12u3 bind9-utils=1:9.18.49-1~deb12u3 bind9-libs=1:9.18.49-1~deb12u3 \
    libuv1 libjemalloc2 libmaxminddb0 liblmdb0 libnghttp2-14 libprotobuf-c1 libfstrm0
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(find "$work/root" -type d -path '*usr/lib/*-linux-gnu' | head -n 1)
export LD_LIBRARY_PATH=$library
cat >zone <<'ZONE'
$TTL 300
@ IN SOA localhost. root.localhost. 1 3600 600 86400 300
@ IN NS localhost.
24.5.2.0.192.rpz-ip CNAME .
24.0.100.51.198.rpz-ip CNAME .
ZONE
root/usr/bin/named-checkzone rpz.test zone
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >conf <<CONF
options { directory "$work"; listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
  session-keyfile none; dnssec-validation no; response-policy { zone "rpz.test"; }; };
controls { };
zone "rpz.test" { type primary; file "$work/zone"; };
CONF
root/usr/sbin/named -g -c conf >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do grep -q 'rpz.test: .*reload done\|invalid rpz' server.log && break; sleep 0.1; done
sed -n '/rpz\.test/s/^[^ ]* [^ ]* //p' server.log  # without the times
grep -q 'invalid rpz IP address "24.5.2.0.192.rpz-ip' server.log
grep -q 'rpz.test/IN: loaded serial 1' server.log
