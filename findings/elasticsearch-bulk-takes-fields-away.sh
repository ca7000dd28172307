#!/usr/bin/env bash
# elasticsearch 9.5.1 and opensearch-py 3.2.0: the bulk helpers take version, routing, parent and pipeline away.
#
# Given documents without _source, the helpers take out metadata; their documentation shows keys with an underscore,
# such as _id and _routing. Plain names are taken as well: a taxonomy, galaxy or warninglist of MISP loses its
# "version", which goes to the server as an order about how to index. With the document under _source nothing is taken.
#
# Seen:
#     elasticsearch: kept ['name'], ordered {'parent': 'e', 'pipeline': 'p', 'routing': 'r', 'version': '2.5'}
#     opensearch-py: kept ['name'], ordered {'parent': 'e', 'pipeline': 'p', 'routing': 'r', 'version': '2.5'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check elasticsearch==9.5.1 opensearch-py==3.2.0
venv/bin/python -W ignore - <<'PYTHON'
import elasticsearch.helpers
import opensearchpy.helpers

RECORD = {"name": "MISP", "version": "2.5", "routing": "r", "parent": "e", "pipeline": "p"}
for name, expand in (
    ("elasticsearch", elasticsearch.helpers.expand_action), ("opensearch-py", opensearchpy.helpers.expand_action),
):
    action, kept = expand({"_index": "misp", **RECORD})
    ordered = {key: value for key, value in sorted(action["index"].items()) if key != "_index"}
    print(f"{name}: kept {sorted(kept)}, ordered {ordered}")
    assert kept == {"name": "MISP"} and ordered == {key: RECORD[key] for key in sorted(RECORD) if key != "name"}
    assert expand({"_index": "misp", "_source": RECORD})[1] == RECORD
PYTHON
