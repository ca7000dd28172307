#!/usr/bin/env bash
# misp-modules 3.1.1: the period of a hunting query for Defender holds for one of the four fields that it searches.
#
# defender_endpoint_export writes, for a domain or URL, "Timestamp between(…) and RemoteUrl has url or FileOriginUrl has
# url or …" without brackets. "and" binds closer than "or" in KQL, as nearly everywhere, so that the time is asked of
# RemoteUrl alone: downloads and clicks of any age are found as if of the last seven days. For addresses and hashes the
# brackets are there.
#
# Seen:
#     domain -> Timestamp between(ago(7d) .. now()) and RemoteUrl has url or FileOriginUrl has url or FileOriginReferrerUrl has url or Url has url
#     md5 -> where (MD5 == 'd41d8cd98f00b204e9800998ecf8427e' or InitiatingProcessMD5 == 'd41d8cd98f00b204e9800998ecf8427e') and Timestamp between(ago(7d) .. now())
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
venv/bin/python -W ignore - <<'PYTHON'
import base64
import json

from misp_modules.modules.export_mod import defender_endpoint_export

made = {}
for kind, value in (("domain", "a.example"), ("md5", "d41d8cd98f00b204e9800998ecf8427e")):
    event = {"Attribute": [{"type": kind, "value": value}], "Object": []}
    answer = defender_endpoint_export.handler(json.dumps({"config": {"Period": "7d"}, "data": [event]}))
    query = " ".join(base64.b64decode(answer["data"]).decode().split())
    made[kind] = query[query.index("Timestamp" if kind == "domain" else "where"):]
    print(kind, "->", made[kind])
assert made["domain"] == (
    "Timestamp between(ago(7d) .. now()) and RemoteUrl has url or FileOriginUrl has url or"
    " FileOriginReferrerUrl has url or Url has url"
)
assert ") and Timestamp between" in made["md5"]
PYTHON
