#!/usr/bin/env bash
# stix2 3.0.2: a filter for objects without a label finds those with it, if they have another one, too.
#
# Filter("labels", "!=", "internal") of a store holds for an object when any of its labels differs. So it is with
# markings: asked for what is not marked TLP:RED, so that it may be passed on, the store answers with an object that is
# marked TLP:RED and with a statement. With a single label or marking it works, which is how such queries get tested.
#
# Seen:
#     not TLP:RED: ['green', 'red, with a statement']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check stix2==3.0.2
venv/bin/python - <<'PYTHON'
import stix2

statement = stix2.MarkingDefinition(definition_type="statement", definition=stix2.StatementMarking("internal use"))


def indicator(name, *markings):
    return stix2.Indicator(name=name, pattern="[file:name = 'a']", pattern_type="stix", object_marking_refs=markings)


store = stix2.MemoryStore([
    indicator("green", stix2.TLP_GREEN), indicator("red", stix2.TLP_RED),
    indicator("red, with a statement", stix2.TLP_RED, statement),
])
found = store.query([
    stix2.Filter("type", "=", "indicator"), stix2.Filter("object_marking_refs", "!=", stix2.TLP_RED.id),
])
names = sorted(one.name for one in found)
print("not TLP:RED:", names)
assert names == ["green", "red, with a statement"]
PYTHON
