"""The one form in which others' text reaches a terminal, a log, a report or an answer: it commands nobody's screen."""

from __future__ import annotations

import json
import logging
import re

_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for the tabulator and the line feed
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # what turns the direction of writing, and other line ends
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"  # halves of pairs, annotations, invisible letters
)


def printable(text: str) -> str:
    """Return the text with everything that commands a terminal written out, as JSON does it: an escape is \\u001b.

    So what is JSON stays the same JSON.
    """
    return _COMMANDS.sub(lambda found: json.dumps(found[0])[1:-1], text.replace("\r\n", "\n"))


class _Printable(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = printable(record.getMessage()), ()
        return True


def logger(name: str) -> logging.Logger:
    """Return the logger of that name, whose messages are printable."""
    found = logging.getLogger(name)
    if not any(isinstance(one, _Printable) for one in found.filters):
        found.addFilter(_Printable())
    return found
