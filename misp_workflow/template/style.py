"""What every style does with a value, whatever the place: read it as text, keep it short, keep it visible."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from misp_workflow.template.defanging import defang, defang_indicator, soften
from misp_workflow.template.limits import current, showable
from misp_workflow.template.values import Indicator, JsonText, Live, text

ESCAPED_PER_STEP = 8  # characters
MAX_VALUE = 100_000  # characters of one value; no indicator is longer, and no chat takes as much

_LINES = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_ODD = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # control characters, but tab and line feed
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # direction, and what is not seen
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"  # no characters, halves, hidden tags
)
_UNSENDABLE = re.compile("[\ud800-\udfff]")
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)


def visible(value: str) -> str:
    """Return the text on clean lines: every line break as a line feed, and what is not seen shown as what it is."""
    if _LINES.search(value):
        value = _LINES.sub("\n", value)
    return _ODD.sub(_shown, value) if _ODD.search(value) else value


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the pictures of the control characters
    if code == 0x7F:
        return "\u2421"
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"[U+{code:04X}]"


def sendable(value: str) -> str:
    """Return the text without halves of characters, which UTF-8 has no bytes for."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return _UNSENDABLE.sub("\ufffd", value)
    return value


def cut(value: str) -> str:
    """Return a text of at most MAX_VALUE characters that says so when it was longer."""
    if len(value) <= MAX_VALUE:
        return value
    mark = f"… (cut: {len(value):,} characters)"
    return value[: MAX_VALUE - len(mark)] + mark


def web_address(value: str) -> str:
    """Return the URL with everything percent-encoded that could end it, or "" when it is no http or https address."""
    value = sendable(value.strip())
    return quote(value, safe=":/?#@!$&+,;=%-._~") if _WEB.match(value) and len(value) < 4_000 else ""


@dataclass(frozen=True, eq=False)
class Style:
    """A place where text goes, and how a value is put there.

    `people`: somebody reads it there, so links are dead unless the template's author wants them. `escape` makes text of
    `visible` characters harmless for the place. `link` makes a link of (address, escaped label).
    """

    name: str
    escape: Callable[[str], str]
    people: bool = False
    link: Callable[[str, str], str] | None = None

    def emit(self, value: Any) -> str:
        """Return the value as it is put out."""
        if type(value) is int:
            return str(showable(value))
        return self.escape(self.settled(value))

    def settled(self, value: Any) -> str:
        """Return the value as text of bearable length, its links dead or alive as they shall be, not escaped yet."""
        written = text(value)
        made = cut(written)
        current().spend(len(made) // ESCAPED_PER_STEP)
        if not self.people or isinstance(value, Live):
            return made
        if isinstance(value, Indicator):
            return defang_indicator(made)
        return defang(made) if isinstance(written, JsonText) else soften(made)

    def unfinished(self, made: str) -> str:
        """Return the text of something finished that goes on to be worked with."""
        return str(made)

    def finish(self, made: str) -> str:
        """Return the whole text as it is sent."""
        return sendable(made)
