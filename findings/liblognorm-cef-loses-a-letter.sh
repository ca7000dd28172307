#!/usr/bin/env bash
# liblognorm 2.0.6: the first key of a CEF extension loses its first letter when no space stands before it.
#
# CEF joins header and extension by a bare "|". The parser "cef" (of rsyslog's mmnormalize too) takes |5|src=… for the
# key "rc"; with a space after the last "|" it is whole. An empty value at the end makes it refuse the record
# altogether. Debian 12, apt-get update done.
#
# Seen:
#     |5|src=198.51.100.7 act=blocked -> { "rc": "198.51.100.7", "act": "blocked" }
#     |5| src=198.51.100.7 act=blocked -> { "src": "198.51.100.7", "act": "blocked" }
#     |5| src=198.51.100.7 act= -> refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download liblognorm-utils=2.0.6-4 liblognorm5=2.0.6-4 libestr0 libfastjson4
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(dirname "$(find "$work/root" -name 'liblognorm.so.5' | head -n 1)")
normalizer=$(find root -type f -name 'lognormalizer' | head -n 1)
printf 'version=2\nrule=:%%f:cef%%\n' >rules
for extension in 'src=198.51.100.7 act=blocked' ' src=198.51.100.7 act=blocked' ' src=198.51.100.7 act='; do
    read=$(LD_LIBRARY_PATH="$library" "$normalizer" -r rules -e json <<<"CEF:0|MISP|MISP|2.5|1|Attribute|5|$extension")
    found=$(sed -n 's/.*"Extensions": \({[^}]*}\).*/\1/p' <<<"$read")
    [[ $read == *unparsed-data* ]] && found=refused
    echo "|5|$extension -> $found"
done | tee said
diff said - <<'SEEN'
|5|src=198.51.100.7 act=blocked -> { "rc": "198.51.100.7", "act": "blocked" }
|5| src=198.51.100.7 act=blocked -> { "src": "198.51.100.7", "act": "blocked" }
|5| src=198.51.100.7 act= -> refused
SEEN
