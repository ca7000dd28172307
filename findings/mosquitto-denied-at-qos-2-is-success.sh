#!/usr/bin/env bash
# mosquitto 2.0.11 with paho-mqtt 2.2.0: a publication that the broker's rules refuse is told as a success at QoS 2.
#
# With MQTT 5 a refusal travels in the acknowledgement: reason code 0x87, not authorized. At QoS 1 paho's on_publish
# gets "Not authorized". At QoS 2 the code stands in PUBREC, and on_publish says "Success"; with MQTT 3.1.1 there is no
# code at all. Who wants to know takes QoS 1 and MQTT 5. Debian 12, apt-get update done.
#
# Seen:
#     {1: 'Not authorized', 2: 'Success'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download mosquitto=2.0.11-1.2+deb12u2 libcjson1 libwebsockets17 libdlt2 libev4 libuv1
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(find "$work/root" -type d -path '*usr/lib/*-linux-gnu' | head -n 1)
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check paho-mqtt==2.2.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'topic read #\n' >rules
printf 'listener %s 127.0.0.1\nallow_anonymous true\nacl_file %s/rules\nuser root\n' "$port" "$work" >conf
LD_LIBRARY_PATH=$library root/usr/sbin/mosquitto -c conf >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
PORT=$port venv/bin/python - <<'PYTHON'
import os
import queue
import time

import paho.mqtt.client as mqtt

said = queue.Queue()
connected = queue.Queue()
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.on_publish = lambda client, data, mid, reason, properties: said.put(str(reason))
client.on_connect = lambda *told: connected.put(told)
for _ in range(100):
    try:
        client.connect("127.0.0.1", int(os.environ["PORT"]))
        break
    except OSError:
        time.sleep(0.1)
client.loop_start()
connected.get(timeout=20)
heard = {}
for qos in (1, 2):
    client.publish("misp/events", b"x", qos=qos)
    heard[qos] = said.get(timeout=20)
client.loop_stop()
print(heard)
assert heard == {1: "Not authorized", 2: "Success"}
PYTHON
