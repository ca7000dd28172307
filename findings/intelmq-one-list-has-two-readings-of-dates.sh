#!/usr/bin/env bash
# IntelMQ 3.5.0: of two dates in one list, 03.02.2026 is read as 2 March and 13.02.2026 as 13 February.
#
# The CSV parser reads times without being told how, unless time_format is set. A date with dots has the day first
# wherever it is written so; read with the month first while that is possible, the days up to the twelfth go to other
# months, and the others stay. Nothing is logged, and the times look well until somebody compares them with his own log.
#
# Seen:
#     not told ['2026-03-02', '2026-02-13']
#     {'time_format': 'from_format|%d.%m.%Y'} ['2026-02-03', '2026-02-13']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check intelmq==3.5.0 setuptools==75.8.0
venv/bin/python -W ignore - <<'PYTHON'
import base64
import logging

logging.disable(logging.CRITICAL)
from intelmq.bots.parsers.generic.parser_csv import GenericCsvParserBot
from intelmq.lib.bot import BotLibSettings

lines = "192.0.2.1,03.02.2026\n192.0.2.2,13.02.2026\n"
report = {"__type": "Report", "raw": base64.b64encode(lines.encode()).decode()}
read = {}
for told in ({}, {"time_format": "from_format|%d.%m.%Y"}):
    settings = BotLibSettings | {"columns": ["source.ip", "time.source"], "type": "spam"} | told
    sent = GenericCsvParserBot("csv", settings=settings).process_message(report.copy())
    read[str(told)] = [event["time.source"][:10] for event in sent["output"]]
    print(told or "not told", read[str(told)])
assert list(read.values()) == [["2026-03-02", "2026-02-13"], ["2026-02-03", "2026-02-13"]]
PYTHON
