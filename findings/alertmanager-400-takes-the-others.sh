#!/usr/bin/env bash
# Alertmanager 0.25.0: a request that is answered with 400 has been carried out, but for one alert.
#
# Of three alerts posted at once one has a label with a hyphen in its name. The answer is 400 and names no alert; the
# two others are active all the same, and are notified of. 400 means that the server will not process the request (RFC
# 9110, 15.5.1): who drops all three as refused, or never resolves them, is wrong for two. Debian 12, apt-get update
# done.
#
# Seen:
#     400 invalid label set: invalid name "bad-name"
#     active: ['one', 'three']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download prometheus-alertmanager=0.25.0-1+b4
dpkg -x prometheus-alertmanager_*.deb root
printf 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n' >conf.yml
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
root/usr/bin/prometheus-alertmanager --config.file=conf.yml --storage.path=data --web.listen-address=127.0.0.1:"$port" \
    --cluster.listen-address= >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
for _ in $(seq 200); do grep -q 'Listening on' server.log && break; sleep 0.1; done
python3 - "$port" <<'PYTHON'
import json
import sys
import urllib.error
import urllib.request

url = f"http://127.0.0.1:{sys.argv[1]}/api/v2/alerts"
labels = [{"alertname": "one"}, {"alertname": "two", "bad-name": "x"}, {"alertname": "three"}]
alerts = [{"labels": one} for one in labels]
request = urllib.request.Request(url, json.dumps(alerts).encode(), {"Content-Type": "application/json"})
try:
    said = urllib.request.urlopen(request).status
except urllib.error.HTTPError as error:
    said = error.code
    print(said, json.loads(error.read()))
active = sorted(alert["labels"]["alertname"] for alert in json.load(urllib.request.urlopen(url)))
print("active:", active)
assert said == 400 and active == ["one", "three"]
PYTHON
