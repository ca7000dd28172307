#!/usr/bin/env bash
# pytaxonomies 2.1.2: a search for a tag finds nothing, nor one for the words by which a tag is explained.
#
# search takes each tag apart at its colon and equals sign, and compares the pieces with all that was asked: "tlp:red"
# is no piece of any. With expanded=True it looks at the explanations of values, and not at those of predicates: 371
# tags that have an explanation and no value, TLP and PAP among them, are not found by it. An empty list reads as "no
# such tag".
#
# Seen:
#     tlp:red: []
#     red: 35 tags, tlp:red is one: True
#     For the eyes and ears, expanded: [] tlp:red is '(TLP:RED) For the eyes and ears of individual'
#     Completely reliable, expanded: ['admiralty-scale:source-reliability="Completely reliable"']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pytaxonomies==2.1.2
venv/bin/python -W ignore - <<'PYTHON'
from pytaxonomies import Taxonomies

taxonomies = Taxonomies()
print("tlp:red:", taxonomies.search("tlp:red"))
red = taxonomies.search("red")
print("red:", len(red), "tags, tlp:red is one:", "tlp:red" in red)
text = taxonomies["tlp"]["red"].expanded
words = taxonomies.search("For the eyes and ears", expanded=True) + taxonomies.search(text, expanded=True)
print("For the eyes and ears, expanded:", words, "tlp:red is", repr(text[:45]))
value = taxonomies.search("Completely reliable", expanded=True)
print("Completely reliable, expanded:", value)
assert taxonomies.search("tlp:red") == [] == words and "tlp:red" in red and len(value) == 1
explained = [
    name for taxonomy in taxonomies.values() for name, predicate in taxonomy.items()
    if not len(predicate) and predicate.expanded and predicate.expanded != name
]
assert len(explained) == 371
PYTHON
