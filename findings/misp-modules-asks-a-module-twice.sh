#!/usr/bin/env bash
# misp-modules 3.1.1: a module with a dict_handler is called a second time when anything in it raises AttributeError.
#
# The server calls dict_handler(request=…) and takes AttributeError for "there is none": it then calls handler(q=…) with
# the same query. An AttributeError from deep inside a dict_handler that has acted already, such as reading .group of a
# match that is None, makes the module act twice, and the answer is the second one's.
#
# Seen:
#     calls: ['dict_handler acted', 'handler acted'] answer: {'data': 'fine'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check misp-modules==3.1.1
mkdir -p own/action_mod
cat >own/action_mod/counts_its_calls.py <<'MODULE'
import pathlib

moduleinfo = {"version": "1", "module-type": ["action"], "name": "c", "description": "c", "author": "c"}
moduleconfig = {"params": {}, "blocking": False, "support_filters": False, "expect_misp_core_format": False}


def dict_handler(request):
    with pathlib.Path("calls").open("a") as calls:
        calls.write("dict_handler acted\n")
    return None.group()


def handler(q=False):
    with pathlib.Path("calls").open("a") as calls:
        calls.write("handler acted\n")
    return {"data": "fine"}


def introspection():
    return moduleconfig


def version():
    return {**moduleinfo, "config": moduleconfig}
MODULE
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/misp-modules -l 127.0.0.1 -p "$port" -c "$work/own" >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
PORT=$port python3 - <<'PYTHON'
import json
import os
import time
import urllib.request

query = json.dumps({"module": "counts_its_calls", "data": {}, "params": {}}).encode()
request = urllib.request.Request(
    f"http://127.0.0.1:{os.environ['PORT']}/query", query, {"Content-Type": "application/json"}
)
for _ in range(600):
    try:
        answer = json.load(urllib.request.urlopen(request))
        break
    except OSError:
        time.sleep(0.2)
calls = open("calls").read().splitlines()
print("calls:", calls, "answer:", answer)
assert calls == ["dict_handler acted", "handler acted"] and answer == {"data": "fine"}
PYTHON
