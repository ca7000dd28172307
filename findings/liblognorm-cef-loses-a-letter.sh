#!/usr/bin/env bash
# liblognorm 2.0.6: the first key of a CEF extension loses its first letter when no space stands before it.
#
# CEF joins header and extension by a bare "|". The parser "cef" (of rsyslog's mmnormalize too) takes |5|src=… for the key
# "rc"; with a space after the last "|" it is whole. An empty value at the end makes it refuse the record altogether.
# Debian 12, apt-get update done.
#
# Seen:
#     { "f": { "DeviceVendor": "MISP", "DeviceProduct": "MISP", "DeviceVersion": "2.5", "SignatureID": "1", "Name": "Attribute", "Severity": "5", "Extension
#     { "f": { "DeviceVendor": "MISP", "DeviceProduct": "MISP", "DeviceVersion": "2.5", "SignatureID": "1", "Name": "Attribute", "Severity": "5", "Extension
#     { "originalmsg": "CEF:0|MISP|MISP|2.5|1|Attribute|5| src=198.51.100.7 act=", "unparsed-data": "CEF:0|MISP|MISP|2.5|1|Attribute|5| src=198.51.100.7 act
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download liblognorm-utils=2.0.6-4 liblognorm5=2.0.6-4 libestr0 libfastjson4
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(dirname "$(find "$work/root" -name 'liblognorm.so.5' | head -n 1)")
normalizer=$(find root -type f -name 'lognormalizer' | head -n 1)
printf 'version=2\nrule=:%%f:cef%%\n' >rules
read_one() { printf '%s\n' "$1" | LD_LIBRARY_PATH="$library" "$normalizer" -r rules -e json; }
bare=$(read_one 'CEF:0|MISP|MISP|2.5|1|Attribute|5|src=198.51.100.7 act=blocked')
spaced=$(read_one 'CEF:0|MISP|MISP|2.5|1|Attribute|5| src=198.51.100.7 act=blocked')
empty=$(read_one 'CEF:0|MISP|MISP|2.5|1|Attribute|5| src=198.51.100.7 act=')
printf '%s\n' "$bare" "$spaced" "$empty"
grep -q '"rc": *"198.51.100.7"' <<<"$bare"
grep -q '"src": *"198.51.100.7"' <<<"$spaced"
grep -q 'unparsed-data' <<<"$empty"
