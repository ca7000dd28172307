#!/usr/bin/env bash
# iprange 1.0.4: an IPv6 network in a list becomes an IPv4 address, and the exit status is 0.
#
# iprange joins and subtracts lists for firewalls (FireHOL), and is for IPv4. Of 2001:db8::/32 it takes the digits
# before the colon for an address written as one number, warns of "text after hostname", and writes 0.0.7.209;
# 64:ff9b::/96 gives 0.0.0.64. Feeds mix both families: the list made of one holds addresses that nobody listed. Debian
# 12, apt-get update done.
#
# Seen:
#     listed: 192.0.2.1 2001:db8::/32 64:ff9b::/96
#     written: 0.0.0.64 0.0.7.209 192.0.2.1
#     exit status 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download iprange=1.0.4+ds-2
dpkg -x iprange_*.deb root
printf '%s\n' 192.0.2.1 2001:db8::/32 64:ff9b::/96 >list
status=0
root/usr/bin/iprange list >written 2>warnings || status=$?
{
    echo "listed: $(paste -sd' ' list)"
    echo "written: $(paste -sd' ' written)"
    echo "exit status $status"
} | tee said
diff said - <<'SEEN'
listed: 192.0.2.1 2001:db8::/32 64:ff9b::/96
written: 0.0.0.64 0.0.7.209 192.0.2.1
exit status 0
SEEN
