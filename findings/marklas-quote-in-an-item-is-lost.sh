#!/usr/bin/env bash
# marklas 0.8.6: a quote or heading in an item, and a quote or heading in a quote, are not in the ticket.
#
# A list item and a quote hold any blocks (CommonMark, 5.1, 5.2), and mails that are answered are quotes in quotes.
# Atlassian's format has no place for these; marklas writes what it has a place for and leaves out the others with the
# words in them. No error and no warning: the ticket says "They wrote:" and no more.
#
# Seen:
#     "- They wrote:\n\n  > 192.0.2.7" -> They wrote:
#     "> They wrote:\n>\n> > 192.0.2.7" -> They wrote:
#     "> # 192.0.2.7\n>\n> is blocked" -> is blocked
#     "- # 192.0.2.7\n\n  is blocked" -> is blocked
#     "- They wrote:\n\n  192.0.2.7" -> They wrote: / 192.0.2.7
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check marklas==0.8.6
venv/bin/python -W ignore - <<'PYTHON' | tee said
import json

import marklas


def words(node):
    """Return the texts of a node, one for each that has any."""
    return [node["text"]] if "text" in node else [text for one in node.get("content", []) for text in words(one)]


for text in (
    "- They wrote:\n\n  > 192.0.2.7", "> They wrote:\n>\n> > 192.0.2.7", "> # 192.0.2.7\n>\n> is blocked",
    "- # 192.0.2.7\n\n  is blocked", "- They wrote:\n\n  192.0.2.7",
):
    print(json.dumps(text), "->", " / ".join(words(marklas.to_adf(text))))
PYTHON
diff said - <<'SEEN'
"- They wrote:\n\n  > 192.0.2.7" -> They wrote:
"> They wrote:\n>\n> > 192.0.2.7" -> They wrote:
"> # 192.0.2.7\n>\n> is blocked" -> is blocked
"- # 192.0.2.7\n\n  is blocked" -> is blocked
"- They wrote:\n\n  192.0.2.7" -> They wrote: / 192.0.2.7
SEEN
