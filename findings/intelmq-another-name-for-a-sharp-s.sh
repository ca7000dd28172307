#!/usr/bin/env bash
# IntelMQ 3.5.0: the domain straße.example becomes strasse.example, which is another's.
#
# Since IDNA 2008 (RFC 5891; RFC 5894, 7.2) ß and the final sigma are letters of their own: the registries hand out both
# names, to different holders, and browsers look up xn--strae-oqa.example. The harmonization of source.fqdn follows
# IDNA 2003, which made "ss" of it: abuse reports and blocklists meet the wrong one. ü is right.
#
# Seen:
#     straße.example IntelMQ: strasse.example IDNA 2008: xn--strae-oqa.example
#     bücher.example IntelMQ: xn--bcher-kva.example IDNA 2008: xn--bcher-kva.example
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0 idna==3.10
venv/bin/python -W ignore - <<'PYTHON'
import idna
from intelmq.lib.message import Event

made = {}
for name in ("straße.example", "bücher.example"):
    event = Event()
    event.add("source.fqdn", name)
    made[name] = event["source.fqdn"], idna.encode(name).decode()
    print(name, "IntelMQ:", made[name][0], "IDNA 2008:", made[name][1])
assert made["straße.example"] == ("strasse.example", "xn--strae-oqa.example")
assert len(set(made["bücher.example"])) == 1
PYTHON
