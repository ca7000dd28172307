#!/usr/bin/env bash
# PyMISP 2.5.34.4: one feed made with distributions makes every later feed of the same process tell them, too.
#
# to_feed says of with_distribution that otherwise what is known of sharing groups is left out, to protect privacy; it
# is off by default. Asked for once, it adds "distribution" to a set that all events, attributes and objects of the
# process share: a program that writes an internal feed first, and a public one afterwards, publishes who may see what.
#
# Seen:
#     before: False [False] [False]
#     asked for: True [True] [True]
#     after, not asked for: True [True] [True]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pymisp==2.5.34.4
venv/bin/python -W ignore - <<'PYTHON'
from pymisp import MISPEvent


def told(**options):
    """Return where a feed of a small event has a distribution: the event, its attributes, its objects."""
    event = MISPEvent()
    event.load({
        "Event": {
            "uuid": "5f1d8b8a-0000-4000-8000-000000000001", "info": "An event", "date": "2026-01-02", "distribution": "1",
            "Orgc": {"uuid": "5f1d8b8a-0000-4000-8000-000000000002", "name": "CERT"},
            "Attribute": [{"type": "domain", "value": "a.example", "distribution": "2", "to_ids": True}],
            "Object": [{"name": "url", "distribution": "1", "Attribute": []}],
        }
    })
    feed = event.to_feed(**options)["Event"]
    return ("distribution" in feed, *(["distribution" in one for one in feed[key]] for key in ("Attribute", "Object")))


before, asked, after = told(), told(with_distribution=True), told()
print("before:", *before)
print("asked for:", *asked)
print("after, not asked for:", *after)
assert before == (False, [False], [False]) and asked == after == (True, [True], [True])
PYTHON
