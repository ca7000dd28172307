#!/usr/bin/env bash
# pymispgalaxies 1.1.1: a value that MITRE has revoked is read, and written again, as one that stands.
#
# The clusters of MISP mark such values with "revoked": true, among them techniques and groups that were replaced. The
# classes read name, description, meta and relations, and not this mark: there is no attribute for it, and a cluster
# that is loaded and saved has lost it. An update of a galaxy made so hands out the old techniques as current ones.
#
# Seen:
#     revoked in the files: 193 such as APT34 - G0057
#     revoked when read and written: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymispgalaxies==1.1.1
venv/bin/python -W ignore - <<'PYTHON'
import json
import pathlib

import pymispgalaxies
from pymispgalaxies import Clusters

folder = pathlib.Path(pymispgalaxies.__file__).parent / "data/misp-galaxy/clusters"
shipped = [json.loads(path.read_text()) for path in folder.glob("*.json")]
before = [value["value"] for cluster in shipped for value in cluster["values"] if value.get("revoked")]
read = [json.loads(cluster.to_json()) for cluster in Clusters(skip_duplicates=True).values()]
after = [value["value"] for cluster in read for value in cluster["values"] if value.get("revoked")]
print("revoked in the files:", len(before), "such as", sorted(before)[0])
print("revoked when read and written:", len(after))
assert len(before) > 100 and not after
PYTHON
