#!/usr/bin/env bash
# openioc-to-stix 1.4.0: a domain or a path of OpenIOC becomes a network connection without anything in it.
#
# Network/DNS and Network/URI are the terms for the name that is looked up and the path that is asked for. The STIX 1
# that comes out has an object for each, with no value in it, and there is no message; among the alternatives of an
# indicator it describes every connection there is. Addresses, hashes and file names come through, and a term that the
# converter does not know is named as such.
#
# Seen:
#     Network/DNS a.example: []
#     Network/URI /x.php: []
#     PortItem/remoteIP 198.51.100.7: ['198.51.100.7']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check openioc-to-stix==1.4.0
venv/bin/python -W ignore - <<'PYTHON'
import subprocess
import xml.etree.ElementTree as ElementTree

IOC = """<?xml version="1.0" encoding="utf-8"?>
<ioc xmlns="http://schemas.mandiant.com/2010/ioc" id="5f1d8b8a-0000-4000-8000-000000000001"
 last-modified="2026-01-01T00:00:00">
<short_description>s</short_description><description>d</description><authored_by>a</authored_by>
<authored_date>2026-01-01T00:00:00</authored_date><links/>
<definition><Indicator operator="OR" id="5f1d8b8a-0000-4000-8000-000000000002">
<IndicatorItem id="5f1d8b8a-0000-4000-8000-000000000003" condition="is">
<Context document="%s" search="%s" type="mir"/><Content type="string">%s</Content></IndicatorItem>
</Indicator></definition></ioc>
"""
found = {}
for term, value in (("Network/DNS", "a.example"), ("Network/URI", "/x.php"), ("PortItem/remoteIP", "198.51.100.7")):
    with open("in.ioc", "w") as file:
        file.write(IOC % (term.partition("/")[0], term, value))
    converter = ["venv/bin/python", "-W", "ignore", "venv/bin/openioc-to-stix.py"]
    subprocess.run([*converter, "-i", "in.ioc", "-o", "out.xml"], check=True)
    (properties,) = ElementTree.parse("out.xml").iter("{http://cybox.mitre.org/cybox-2}Properties")
    found[term] = [text.strip() for text in properties.itertext() if text.strip()]
    print(f"{term} {value}:", found[term])
assert found == {"Network/DNS": [], "Network/URI": [], "PortItem/remoteIP": ["198.51.100.7"]}
PYTHON
