#!/usr/bin/env bash
# IntelMQ 3.5.0: an event about www.example.org becomes a policy rule for example.org as well.
#
# The rpz_file output takes "www." away and writes two rules, with and without, for every source.fqdn. A customer's page
# at www.city.example takes city.example, which is somebody else's, along. A second event with the same name repeats its
# lines, and some servers refuse a zone with repeated rules (see the finding about the PowerDNS Recursor).
#
# Seen:
#     city.example CNAME .
#     www.city.example CNAME .
#     city.example CNAME .
#     www.city.example CNAME .
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import logging
import pathlib

logging.disable(logging.CRITICAL)
from intelmq.bots.outputs.rpz_file.output import RpzFileOutputBot
from intelmq.lib.bot import BotLibSettings

written = pathlib.Path("zone").absolute()
settings = {
    "file": str(written), "cname": ".", "rpz_domain": "rpz.example", "hostmaster_rpz_domain": "hostmaster.rpz.example",
    "rpz_email": "hostmaster@rpz.example", "organization_name": "Example",
}
for _ in range(2):
    RpzFileOutputBot("rpz", settings=BotLibSettings | settings).process_message(
        {"__type": "Event", "source.fqdn": "www.city.example"}
    )
rules = [line for line in written.read_text().splitlines() if "CNAME" in line]
print(*rules, sep="\n")
assert rules == ["city.example CNAME .", "www.city.example CNAME ."] * 2
PYTHON
