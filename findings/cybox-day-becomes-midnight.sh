#!/usr/bin/env bash
# cybox 2.1.0.21: a time that is known to the day is exact to the second once it has been a dictionary.
#
# CybOX and STIX 1 say by precision="day" that the rest of a time means nothing and is to be ignored. The objects of
# CybOX keep it in XML; to_dict writes the time alone, and what from_dict makes of it, or whoever reads its JSON, has a
# file that was changed at midnight. The times of STIX itself keep their precision in the same dictionary.
#
# Seen:
#     XML read:        2026-01-01T00:00:00+00:00 day
#     dictionary:      {'modified_time': '2026-01-01T00:00:00+00:00', 'xsi:type': 'FileObjectType'}
#     dictionary read: 2026-01-01T00:00:00+00:00 second
#     STIX:            {'value': '2026-01-01T00:00:00+00:00', 'precision': 'day'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check cybox==2.1.0.21 stix==1.2.0.11
venv/bin/python -W ignore - <<'PYTHON'
import io

from cybox.bindings import cybox_core
from cybox.core import Observables
from cybox.objects.file_object import File
from lxml import etree
from stix.common import DateTimeWithPrecision

XML = """<cybox:Observables xmlns:cybox="http://cybox.mitre.org/cybox-2" xmlns:ex="http://example.com/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:FileObj="http://cybox.mitre.org/objects#FileObject-2"
 cybox_major_version="2" cybox_minor_version="1"><cybox:Observable id="ex:observable-1"><cybox:Object id="ex:file-1">
<cybox:Properties xsi:type="FileObj:FileObjectType">
<FileObj:Modified_Time precision="day">2026-01-01T00:00:00+00:00</FileObj:Modified_Time>
</cybox:Properties></cybox:Object></cybox:Observable></cybox:Observables>
"""
binding = cybox_core.ObservablesType.factory()
binding.build(etree.parse(io.BytesIO(XML.encode())).getroot())
(observable,) = Observables.from_obj(binding).observables
file = observable.object_.properties
print("XML read:       ", file.modified_time.serialized_value, file.modified_time.precision)
written = file.to_dict()
print("dictionary:     ", written)
again = File.from_dict(written)
print("dictionary read:", again.modified_time.serialized_value, again.modified_time.precision)
stix = DateTimeWithPrecision("2026-01-01T00:00:00+00:00", precision="day").to_dict()
print("STIX:           ", stix)
assert file.modified_time.precision == "day" and again.modified_time.precision == "second"
assert written["modified_time"] == "2026-01-01T00:00:00+00:00" and stix["precision"] == "day"
PYTHON
