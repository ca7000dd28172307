#!/usr/bin/env bash
# Node-RED 4.1.15: an http-in node answers a body above apiMaxLength (5 MB) with 500 Internal Server Error.
#
# The client's fault is told as the server's: 413 would end it, 500 has a sender that keeps to HTTP try again for days.
# Needs node 18 or newer and npm.
#
# Seen:
#     small: 202
#     6 MB: 500
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund node-red@4.1.15 >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >settings.js <<JS
module.exports = { uiHost: '127.0.0.1', uiPort: $port, flowFile: 'flows.json', httpAdminRoot: false }
JS
cat >flows.json <<'JSON'
[{"id": "t", "type": "tab", "label": "one"},
 {"id": "i", "type": "http in", "z": "t", "url": "/in", "method": "post", "wires": [["o"]]},
 {"id": "o", "type": "http response", "z": "t", "statusCode": "202", "wires": []}]
JSON
node node_modules/node-red/red.js --userDir "$work" --settings settings.js >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
post() {
    curl -s -o /dev/null -w '%{http_code}' -X POST -H 'Content-Type: application/json' --data-binary "@$1" \
        "http://127.0.0.1:$port/in" || true
}
echo '{"a": 1}' >small
python3 -c 'print("{\"a\": \"" + "x" * 6_000_000 + "\"}")' >large
for _ in $(seq 300); do [ "$(post small)" = 202 ] && break; sleep 0.2; done
echo "small: $(post small)" | tee said
echo "6 MB: $(post large)" | tee -a said
diff said - <<'SEEN'
small: 202
6 MB: 500
SEEN
