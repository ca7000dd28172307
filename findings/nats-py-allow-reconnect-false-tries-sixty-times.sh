#!/usr/bin/env bash
# nats-py 2.16.0: connect() to a server that is not there tries some sixty times, also with allow_reconnect=False.
#
# allow_reconnect and connect_timeout read as if one call ended after one time-out. The first connection knows neither:
# it is tried max_reconnect_attempts (60) times, reconnect_time_wait (2 s) apart, so a caller that wants an answer
# within seconds hears nothing for two minutes. Here the wait is shortened to 0.05 s. What ends it:
# max_reconnect_attempts=1, or asyncio.wait_for around connect().
#
# Seen:
#     attempts: 61, then NoServersError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check nats-py==2.16.0
venv/bin/python - <<'PYTHON'
import asyncio
import socket

import nats

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]

attempts = 0


async def heard(error):
    global attempts
    attempts += 1


async def main():
    try:
        await nats.connect(
            f"nats://127.0.0.1:{port}", allow_reconnect=False, connect_timeout=1, reconnect_time_wait=0.05, error_cb=heard
        )
    except Exception as error:
        return type(error).__name__


ended = asyncio.run(main())
print(f"attempts: {attempts}, then {ended}")
assert attempts >= 50
PYTHON
