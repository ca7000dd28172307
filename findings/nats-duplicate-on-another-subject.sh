#!/usr/bin/env bash
# nats-server 2.9.10 with nats-py 2.16.0: two messages on two subjects are one, when their Nats-Msg-Id is the same.
#
# JetStream looks for a message id in the whole stream, whatever subject and content a message has, for two minutes. The
# second publication is acknowledged with the first one's sequence and duplicate=True, and is not stored: an id must hold
# the subject, or a message for one subject swallows another's. Debian 12, apt-get update done.
#
# Seen:
#     first: seq 1, second: seq 1 duplicate True, stored: 1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download nats-server=2.9.10-1+b3
dpkg -x nats-server_*.deb root
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check nats-py==2.16.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
root/usr/sbin/nats-server -a 127.0.0.1 -p "$port" -js -sd "$work/store" >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$work"' EXIT
PORT=$port venv/bin/python - <<'PYTHON'
import asyncio
import os

import nats


async def main():
    client = await nats.connect(f"nats://127.0.0.1:{os.environ['PORT']}", max_reconnect_attempts=50)
    stream = client.jetstream()
    await stream.add_stream(name="misp", subjects=["misp.*"])
    headers = {"Nats-Msg-Id": "5f1d8b8a/1767312000"}
    first = await stream.publish("misp.domain", b"evil.example", headers=headers)
    second = await stream.publish("misp.ip", b"198.51.100.7", headers=headers)
    stored = (await stream.stream_info("misp")).state.messages
    print(f"first: seq {first.seq}, second: seq {second.seq} duplicate {second.duplicate}, stored: {stored}")
    assert second.duplicate and second.seq == first.seq and stored == 1
    await client.close()


for _ in range(50):
    try:
        asyncio.run(main())
        break
    except OSError:
        import time

        time.sleep(0.1)
else:
    raise SystemExit("the server did not start")
PYTHON
