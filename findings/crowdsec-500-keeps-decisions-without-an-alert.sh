#!/usr/bin/env bash
# CrowdSec 1.4.6: an alert that is answered with 500 leaves decisions behind that belong to no alert.
#
# Eight clients post alerts of 100 decisions at once, with its default database (SQLite). Some are answered with 500
# "database is locked", which reads as if nothing had been done; but decisions were written before, and bouncers are
# told of them. /v1/alerts never shows them, so a client that cleans up by its alerts' numbers does not find them; they
# go with DELETE /v1/decisions?scenario=…. Debian 12, apt-get update done.
#
# Seen (the numbers differ from run to run):
#     POST /v1/alerts: 71 x 201, 29 x 500 b'{"message":"unable to create alerts: error while updating decisions: database is locked"}'
#     decisions in all: 10000; of alerts: 7860
set -euo pipefail
work=$(mktemp -d)
daemon=
trap 'if [ -n "$daemon" ]; then kill "$daemon" || true; wait "$daemon" || true; fi; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download crowdsec=1.4.6-6~deb12u1+b1
dpkg -x crowdsec_*.deb root
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >config.yaml <<CONFIG
common: {daemonize: false, log_media: stdout, log_level: error, working_dir: .}
config_paths: {config_dir: $work/, data_dir: $work/, hub_dir: $work/, index_path: $work/index.json,
  simulation_path: $work/simulation.yaml, notification_dir: $work/, plugin_dir: $work/}
db_config: {log_level: error, type: sqlite, db_path: $work/crowdsec.db, use_wal: true}
api:
  client: {insecure_skip_verify: false, credentials_path: $work/client.yaml}
  server: {log_level: error, listen_uri: "127.0.0.1:$port", profiles_path: $work/profiles.yaml}
prometheus: {enabled: false}
CONFIG
echo '{}' >index.json
echo 'simulation: off' >simulation.yaml
printf 'name: none\nfilters:\n - "false"\non_success: break\n' >profiles.yaml
printf 'url: http://127.0.0.1:%s/\nlogin: none\npassword: none\n' "$port" >client.yaml
root/usr/bin/cscli -c config.yaml machines add writer --password machine-password -f machine.yaml >cli.log 2>&1
root/usr/bin/crowdsec -c config.yaml -no-cs >server.log 2>&1 &
daemon=$!
python3 - "$port" <<'PYTHON'
import json, socket, sqlite3, sys, time, urllib.error, urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

port = int(sys.argv[1])
while True:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            break
    time.sleep(0.1)


def post(path, body, token=""):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1{path}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=60) as said:
            return said.status, said.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


login = {"machine_id": "writer", "password": "machine-password", "scenarios": []}
token = json.loads(post("/watchers/login", login)[1])["token"]


def alert(number):
    made = [
        {"duration": "4h", "origin": "test", "scenario": f"test/{number}", "scope": "Ip", "type": "ban",
         "value": f"198.18.{number}.{one}"} for one in range(100)
    ]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return post("/alerts", [{
        "scenario": f"test/{number}", "scenario_hash": "", "scenario_version": "", "message": "test", "events": [],
        "events_count": 0, "start_at": now, "stop_at": now, "capacity": 0, "leakspeed": "0", "simulated": False,
        "source": {"scope": "test", "value": "test"}, "decisions": made,
    }], token)


with ThreadPoolExecutor(8) as pool:
    said = list(pool.map(alert, range(100)))
told = Counter(status for status, _ in said)
why = next((body for status, body in said if status == 500), b"")
print(f"POST /v1/alerts: {told[201]} x 201, {told[500]} x 500 {why}")
database = sqlite3.connect("crowdsec.db")
every, owned = database.execute("SELECT count(*), count(alert_decisions) FROM decisions").fetchone()
print(f"decisions in all: {every}; of alerts: {owned}")
sys.exit(0 if told[500] and every > owned else 1)
PYTHON
