#!/usr/bin/env bash
# syslog-ng 3.38.1: json-parser() makes other numbers of large ones and of small ones.
#
# JSON sets no bounds (RFC 8259, 6), and identifiers and counters of 64 bits reach beyond 9223372036854775807: this is
# what all of them become, one and the same number. Fractions are cut at six digits, so that 0.0000001 is zero and two
# records a few nanoseconds apart are of one time. Only the text of a string is safe. Nothing is logged. Debian 12,
# apt-get update done.
#
# Seen:
#     {"id":12345678901234567890,"low":0.0000001,"time":1767225600.123456789}
#     9223372036854775807 0.000000 1767225600.123457
#     {"id":"12345678901234567890","low":"0.0000001","time":"1767225600.123456789"}
#     12345678901234567890 0.0000001 1767225600.123456789
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download syslog-ng-core=3.38.1-5+deb12u1 libivykis0 libnet1 libjson-c5 libwrap0 libpcre3
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(find "$work/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
cat >in <<'JSON'
{"id":12345678901234567890,"low":0.0000001,"time":1767225600.123456789}
{"id":"12345678901234567890","low":"0.0000001","time":"1767225600.123456789"}
JSON
cat >conf <<CONF
@version: 3.38
source in { file("$work/in" flags(no-parse)); };
parser json { json-parser(prefix("j.")); };
destination out { file("$work/out" template("\${j.id} \${j.low} \${j.time}\n")); };
log { source(in); parser(json); destination(out); };
CONF
LD_LIBRARY_PATH=$library root/usr/sbin/syslog-ng -F -f conf -R state -p "$work/pid" -c "$work/control" --no-caps \
    --module-path "$(dirname "$(find "$work/root" -name libjson-plugin.so)")" >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
for _ in $(seq 200); do [ -f out ] && [ "$(wc -l <out)" = 2 ] && break; sleep 0.1; done
paste -d '\n' in out | tee said
diff out - <<'SEEN'
9223372036854775807 0.000000 1767225600.123457
12345678901234567890 0.0000001 1767225600.123456789
SEEN
