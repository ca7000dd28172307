#!/usr/bin/env bash
# pycti 7.261026.0: of a reference that says "report of March", the relationship that has it began in March 1970.
#
# Where a STIX relationship has external references, OpenCTI's import searches their text for a date, which is the
# default of its start; made into reports, they are dated so. A month without a year is of 1970, an identifier with a
# year and a number is the first of a month, and 03/04/2025, a day of April in most countries, is the fourth of March.
#
# Seen:
#     'report of March' 1970-03-01T00:00:00Z
#     'ADVISORY-2024-07 of the vendor' 2024-07-01T00:00:00Z
#     'published 03/04/2025' 2025-03-04T00:00:00Z
#     'no date in here' None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pycti==7.261026.0
venv/bin/python -W ignore - <<'PYTHON'
import logging

logging.disable(logging.CRITICAL)
from pycti.utils.opencti_stix2_utils import OpenCTIStix2Utils

texts = {
    "report of March": "1970-03-01T00:00:00Z", "ADVISORY-2024-07 of the vendor": "2024-07-01T00:00:00Z",
    "published 03/04/2025": "2025-03-04T00:00:00Z", "no date in here": None,
}
for text in texts:
    print(repr(text), OpenCTIStix2Utils.guess_past_date(text))
assert {text: OpenCTIStix2Utils.guess_past_date(text) for text in texts} == texts
PYTHON
