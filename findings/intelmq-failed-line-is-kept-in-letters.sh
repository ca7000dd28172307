#!/usr/bin/env bash
# IntelMQ 3.5.0: a line of a CSV feed that could not be parsed is kept in the dump with a comma after every letter.
#
# What fails is put aside, so that it can be looked at and sent through again (intelmqdump, recover) once the parser is
# mended. The CSV parser puts the line aside as if each of its letters were a column: 192.0.2.0/24,x becomes
# 1,9,2,.,0,… and sent through again it fails for ever. What was meant to be kept has to be fetched anew, if it can be.
#
# Seen:
#     parsed: ['one']
#     put aside: ['1,9,2,.,0,.,2,.,0,/,2,4,",",t,w,o,"', '"']
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

bot = GenericCsvParserBot("csv", settings=BotLibSettings | {"columns": ["source.ip", "comment"], "type": "spam"})
lines = "192.0.2.1,one\n192.0.2.0/24,two\n"
sent = bot.process_message({"__type": "Report", "raw": base64.b64encode(lines.encode()).decode()})
print("parsed:", [event["comment"] for event in sent["output"]])
(failed,) = (base64.b64decode(report["raw"]).decode().splitlines() for report in sent["error"])
print("put aside:", failed)
assert failed[0].startswith("1,9,2,.,0,.,2,.,0,/,2,4,")
PYTHON
