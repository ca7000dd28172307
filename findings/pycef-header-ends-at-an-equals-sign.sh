#!/usr/bin/env bash
# pycef 1.11 and jc 1.26.1: an equals sign in the header of a CEF record moves header fields into the extension.
#
# In the header pipe and backslash are escaped, and an equals sign needs no escape (CEF, "Character Encoding"). With
# "n=m" as the name both readers, which have the same root, take the extension to begin there: the name is empty, the
# severity gone, and the source address under a key that is half header. So they do after an escaped pipe, as in MISP's
# type domain|ip; with that in an earlier field, jc calls the record unparsable, and pycef raises IndexError.
#
# Seen:
#     pycef n=m: {'Name': '', 'm|5|src': '192.0.2.1'}
#     pycef domain\|ip: {'Name': '', 'domain\\|ip|5|src': '192.0.2.1'}
#     jc n=m: {'name': '', 'm_5_src': '192.0.2.1'}
#     jc domain\|ip: {'name': '', 'domain__ip_5_src': '192.0.2.1'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pycef==1.11 jc==1.26.1
venv/bin/python -W ignore - <<'PYTHON'
import jc
import pycef

LINE = "CEF:0|MISP|MISP|2.5|100|{}|5|src=192.0.2.1"


def read(found, plain):
    """Return what became of name, severity and address: what the same line with a plain name has otherwise."""
    return {key: value for key, value in found.items() if plain.get(key) != value and not key.startswith("Device")}


for reader, parse in (("pycef", pycef.parse), ("jc", lambda line: jc.parse("cef", line, quiet=True)[0])):
    plain = parse(LINE.format("nm"))
    assert plain["src"] == "192.0.2.1" and {"Severity", "agentSeverity"} & set(plain)
    for name in ("n=m", r"domain\|ip"):
        found = parse(LINE.format(name))
        print(f"{reader} {name}:", read(found, plain))
        assert not {"src", "Severity", "agentSeverity"} & set(found)
PYTHON
