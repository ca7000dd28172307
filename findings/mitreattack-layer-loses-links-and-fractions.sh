#!/usr/bin/env bash
# mitreattack-python 6.3.1: an ATT&CK Navigator layer that is read and written loses its links and fractions of scores.
#
# The layer format has "links" for the layer, and a score is a number. Layer keeps links of techniques, and none of the
# layer's own; a score of 5.5 comes out as 5. A layer that a script merges or recolours is another than the one that
# the Navigator wrote, and nothing tells. (Python 3.11 or newer.)
#
# Seen:
#     layer's links: None technique's links: [{'label': 'case', 'url': 'http://b.example/'}] score: 5
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check mitreattack-python==6.3.1
venv/bin/python -W ignore - <<'PYTHON'
from mitreattack.navlayers import Layer

layer = {
    "name": "test", "versions": {"attack": "16", "navigator": "5.1.0", "layer": "4.5"}, "domain": "enterprise-attack",
    "links": [{"label": "report", "url": "http://a.example/"}],
    "techniques": [
        {"techniqueID": "T1059", "score": 5.5, "links": [{"label": "case", "url": "http://b.example/"}]},
    ],
}
written = Layer(layer).to_dict()
technique = written["techniques"][0]
print("layer's links:", written.get("links"), "technique's links:", technique["links"], "score:", technique["score"])
assert "links" not in written and technique["links"] == layer["techniques"][0]["links"] and technique["score"] == 5
PYTHON
