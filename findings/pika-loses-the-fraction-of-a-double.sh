#!/usr/bin/env bash
# pika 1.4.4: a header that another client wrote as a double is read without its fraction, and no float can be written.
#
# AMQP 0-9-1 knows the field types float and double ("f", "d"). A double of 1.5, as a Java or Go client sends it, arrives as
# 1. Written from Python, a float raises UnsupportedAMQPFieldException; a Decimal goes out, and comes back, whole.
#
# Seen:
#     a double of 1.5 is read as {'score': 1L}
#     a float cannot be written: UnsupportedAMQPFieldException
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pika==1.4.4
venv/bin/python - <<'PYTHON'
import struct
from decimal import Decimal

from pika import data, exceptions

table = b"\x05scored" + struct.pack(">d", 1.5)
read, _ = data.decode_table(struct.pack(">I", len(table)) + table, 0)
print("a double of 1.5 is read as", read)
assert read == {"score": 1}
pieces = []
data.encode_table(pieces, {"score": Decimal("1.5")})
assert data.decode_table(b"".join(pieces), 0)[0] == {"score": Decimal("1.5")}
try:
    data.encode_table([], {"score": 1.5})
except exceptions.UnsupportedAMQPFieldException as error:
    print("a float cannot be written:", type(error).__name__)
else:
    raise SystemExit("a float can be written now")
PYTHON
