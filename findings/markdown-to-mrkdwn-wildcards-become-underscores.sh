#!/usr/bin/env bash
# markdown-to-mrkdwn 0.3.3: asterisks of wildcards and products become underscores.
#
# An asterisk between spaces is no markup, and one after a space cannot close what another opened (CommonMark, 6.2).
# markdown-to-mrkdwn takes any two of a line for emphasis: *.example.com comes to Slack as _.example.com, another name,
# that somebody copies into a block list. One alone is kept.
#
# Seen:
#     block *.example.com -> block *.example.com
#     block *.example.com and *.example.org -> block _.example.com and _.example.org
#     2 * 3 * 4 -> 2 _ 3 _ 4
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check markdown-to-mrkdwn==0.3.3
venv/bin/python -W ignore - <<'PYTHON' | tee said
from markdown_to_mrkdwn import SlackMarkdownConverter

for text in ("block *.example.com", "block *.example.com and *.example.org", "2 * 3 * 4"):
    print(text, "->", SlackMarkdownConverter().convert(text))
PYTHON
diff said - <<'SEEN'
block *.example.com -> block *.example.com
block *.example.com and *.example.org -> block _.example.com and _.example.org
2 * 3 * 4 -> 2 _ 3 _ 4
SEEN
