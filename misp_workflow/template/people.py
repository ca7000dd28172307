"""Styles for places where people read: chats, mails, cards.

A value can neither format, mention, link nor hide anything there. The markup that a template's author writes works.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from typing import NamedTuple

from misp_workflow.template.style import Style, visible

GAP = "\u200b"
"""Zero width space: what chat libraries break a mention with (discord.py's escape_mentions)."""

# An @ or # at the end of a value counts: what comes next in the text may be the name.
_MENTION = re.compile(
    r"(?<!\w)@(?!\s)|@(?=(?:all|channel|everyone|group|here|room|team|topic|stream)\b|[*_!&])", re.IGNORECASE
)
_CHANNEL = re.compile(r"(?<!\w)#(?=\w|\Z)")
# :ab: becomes a picture, in an address, too. Of names in the digits of addresses only those that are pictures count.
_PICTURED = {"a", "b", "ab", "cd", "de", "100", "1234"}
_PICTURE = re.compile(
    rf":(?!(?<=\burn:)(?:uuid|oid|isbn):)"  # the rest of these is digits
    rf"(?=(?:{'|'.join(sorted(_PICTURED))}):|(?=[0-9a-f]{{0,100}}[^0-9a-f:\s])[\w+'-]{{1,100}}:)",
    re.IGNORECASE,
)
_COLONS = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]|\.\w)", re.IGNORECASE)
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", re.IGNORECASE)
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_INLINE = re.compile(r"[\\`*_\[\]<>#|~&$]")
_LINE_START = re.compile(r"^([ \t]*)([-+=]|\d{1,9}(?=[.)]))", re.MULTILINE)
_INDENTED = re.compile(r"^(?=[ ]*\t| {4})[ \t]+", re.MULTILINE)  # what makes a line a code block
_ENTITIES = re.compile(r"[\\`*_{}\[\]<>()#|~&$@!:]|^[ \t]*[-+]|^[ \t]*\d{1,9}(?=[.)])", re.MULTILINE)
_CARD_FUNCTION = re.compile(r"\{\{(?=\s*(?:DATE|TIME)\s*\()", re.IGNORECASE)
_STRUCTURE = re.compile(r"(?<=\])(?=\()|(?<=<)|(?<=\|)(?=\|)|(?<=`)(?=`)|(?<=!)(?=\[)|^(?=#|\d+\.)", re.MULTILINE)
# Emphasis takes its two marks out of the text. Where there is no escape, what might be a pair becomes signs that look
# alike (asterisk operator, low macron, tilde operator, grave accent): nothing invisible keeps every reader from a pair.
# A single mark (*.example) stays, and so does _ within a word, which marks nothing.
_ALIKE = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}


class _Pair(NamedTuple):
    marks: re.Pattern[str]
    ways: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    """What a pair begins with, and what it ends with."""


def _any_two(marks: str) -> _Pair:
    found = re.compile(marks)
    return _Pair(found, ((found, found),))


def _around_text(opens: str, closes: str, *ways: tuple[str, str]) -> _Pair:
    return _Pair(re.compile(f"{opens}|{closes}"), tuple((re.compile(one), re.compile(other)) for one, other in ways))


def _around_words(mark: str) -> _Pair:
    """No space stands inside beside the marks, and one of them at least is at the edge of a word."""
    opens, closes = rf"{mark}(?=[^ \t\n])", rf"(?<=[^ \t\n]){mark}"
    return _around_text(opens, closes, (rf"(?<![0-9A-Za-z]){opens}", closes), (opens, rf"{closes}(?![0-9A-Za-z])"))


_OPENS, _CLOSES = r"(?<![^\W_])_(?=[^ \t\n])", r"(?<=[^ \t\n])_(?![^\W_])"

# Any two: Rocket.Chat's grammar.pegjs pairs them within words and beside spaces, Google Chat reads CommonMark or a
# markup whose rules it does not tell, and nobody knows where apprise sends. A new line parts none: titles lose it.
_ANY_TWO = {"*": _any_two(r"\*"), "_": _any_two(r"(?<![^\W_])_|_(?![^\W_])"), "~": _any_two("~"), "`": _any_two("`")}
_SLACK_PAIRS = {
    "*": _around_words(r"\*"),
    "_": _around_text(_OPENS, _CLOSES, (_OPENS, _CLOSES)),
    "~": _around_words("~"),
    "`": _any_two("`"),
}
_LINE_MARK = re.compile(r"^(?=>|[*-] )", re.MULTILINE)


def _unpaired(text: str, pairs: Mapping[str, _Pair] = _ANY_TWO) -> str:
    """Return the text without pairs of marks, and without what makes a line a quote or an item."""
    text = _LINE_MARK.sub(GAP, text) if ">" in text or "- " in text or "* " in text else text
    for mark, pair in pairs.items():
        if mark in text and any(_has_pair(text, *way) for way in pair.ways):
            text = pair.marks.sub(_ALIKE[mark], text)
    return text


def _has_pair(text: str, begins: re.Pattern[str], ends: re.Pattern[str]) -> bool:
    first = begins.search(text)
    return first is not None and ends.search(text, first.end()) is not None


def _unmentioned(text: str) -> str:
    return _MENTION.sub("@" + GAP, text) if "@" in text else text


def _unpictured(text: str) -> str:
    if ":" not in text or not _PICTURE.search(text):
        return text
    return _PICTURE.sub(":" + GAP, _COLONS.sub(_respelt, text))


def _respelt(match: re.Match[str]) -> str:
    """Return an address in another spelling that is no picture: whoever copied a gap would have none."""
    address = match[0]
    if _MAC.fullmatch(address):
        return address.replace(":", "-") if _PICTURE.search(address) else address
    try:
        IPv6Address(address)
    except ValueError:
        return address
    first, *inner, last = address.split(":")
    return ":".join([first, *(part.zfill(4) if part.lower() in _PICTURED else part for part in inner), last])


def _plain(text: str) -> str:
    return visible(text)


def _slack(text: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text: these three, and nothing else, are decoded for display.
    # With link_names or parse=full, bare @here and #channel count as well.
    return _CHANNEL.sub("#" + GAP, _unmentioned(_unpaired(_unpictured(visible(text)), _SLACK_PAIRS))).translate(_SLACK)


def _google_chat(text: str) -> str:
    # https://developers.google.com/workspace/chat/format-messages: <users/all> mentions, <address|text> links; there is
    # no escape character.
    return _unmentioned(_unpaired(visible(text))).replace("<", "<" + GAP)


def _backslashed(text: str) -> str:
    """Escape for CommonMark, https://spec.commonmark.org/0.31.2/#backslash-escapes."""
    made = _INLINE.sub(r"\\\g<0>", text)
    made = _LINE_START.sub(_escaped_start, made)
    return _unindented(made)


def _unindented(text: str) -> str:
    return _INDENTED.sub(lambda match: "\u00a0" * len(match[0]), text)


def _escaped_start(match: re.Match[str]) -> str:
    if match[2].isdigit():
        return f"{match[1]}{match[2]}\\"  # the dot or bracket that follows is what makes it a list
    return f"{match[1]}\\{match[2]}"


def _markdown(text: str) -> str:
    return _unmentioned(_backslashed(_unpictured(visible(text))))  # as Mattermost reads it


def _discord(text: str) -> str:
    # A mention counts although its bracket is escaped: the gap is what ends it.
    broken = re.sub(r"(?<=<)#(?=\d)", "#" + GAP, _unpictured(visible(text)))
    return _unmentioned(_backslashed(broken))


def _zulip(text: str) -> str:
    # Zulip's Markdown knows no backslash escapes but renders entities (zulip/lib/markdown: "escape" is not registered).
    return _ENTITIES.sub(_entity, _unindented(visible(text)))


def _entity(match: re.Match[str]) -> str:
    found = match[0]
    return f"{found[:-1]}&#{ord(found[-1])};"


def _rocket_chat(text: str) -> str:
    # RocketChat/Rocket.Chat, packages/message-parser, grammar.pegjs: no escape works everywhere, so what would link,
    # embed, hide or quote is broken up.
    return _CHANNEL.sub("#" + GAP, _unmentioned(_STRUCTURE.sub(GAP, _unpaired(_unpictured(visible(text))))))


def _teams(text: str) -> str:
    # https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features: a CommonMark subset, and {{DATE()}}.
    return _unmentioned(_backslashed(_CARD_FUNCTION.sub("{" + GAP + "{", visible(text))))


def _html(text: str) -> str:
    return html.escape(visible(text))


def _telegram(text: str) -> str:
    # https://core.telegram.org/bots/api#html-style; a bare @name mentions there as well.
    return html.escape(_unmentioned(visible(text)))


_REFERENCE = re.compile(r"[#!$%~&](?=\w|\Z)|(?<=\bGH)-(?=\d|\Z)|^\s*/(?=\w|\Z)", re.MULTILINE | re.IGNORECASE)


def _forge(text: str) -> str:
    # GitLab and GitHub link what looks like a reference (#1, !1, GH-1) after the Markdown was read, so that no
    # backslash helps, and note it at the other end; a line that begins with /close is an order to GitLab.
    # https://docs.gitlab.com/user/project/quick_actions/
    return _unmentioned(_backslashed(_unreferenced(text)))


def _forge_title(text: str) -> str:
    return _unmentioned(_unreferenced(text))  # a title knows references, but no Markdown


def _unreferenced(text: str) -> str:
    return _REFERENCE.sub(lambda found: found[0] + GAP, _unpictured(visible(text)))


_TEXTILE = re.compile(
    r"[*^~@%?!\"=|\[\]{}<>&#(`]"
    r"|(?<![^\W_])[-_+]|[-_+](?![^\W_])"  # within a word they mark nothing
    r"|(?<=\w):(?=\S|\Z)|(?<!\w)r(?=\d)"  # user:name and r1 are links of Redmine's own
    r"|(?<=^h\d)\.|(?<=^[a-z])\.|(?<=^[a-z][a-z])\.|(?<=^fn\d)\.",
    re.MULTILINE,
)


def _textile(text: str) -> str:
    # Redmine's Textile has no escape character, but leaves entities as they are.
    return _TEXTILE.sub(_entity, _unindented(visible(text)))


_WIKI = re.compile(r"[{}\[\]*_+^~?|#!-]")
_WIKI_BLOCK = re.compile(r"^(\s*(?:h[1-6]|bq))\.", re.MULTILINE)


def _wiki(text: str) -> str:
    # https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all: a backslash escapes, two end the line.
    made = _WIKI.sub(r"\\\g<0>", visible(text).replace("\\", "\\" + GAP))
    return _WIKI_BLOCK.sub(rf"\1{GAP}.", made)


def _journal(text: str) -> str:
    # ServiceNow shows what stands between [code] and [/code] in a journal as HTML.
    return re.sub(r"\[(?=\s*/?\s*code)", "[" + GAP, visible(text), flags=re.IGNORECASE)


def _angle_link(address: str, label: str) -> str:
    return f"<{address.replace('&', '&amp;')}|{label.replace('|', '¦')}>"


def _square_link(address: str, label: str) -> str:
    return f"[{label}]({address})"


def _html_link(address: str, label: str) -> str:
    return f'<a href="{html.escape(address)}">{label}</a>'


def _plain_link(address: str, label: str) -> str:
    return f"{label} ({address})"


def _style(name: str, escape: Callable[[str], str], link: Callable[[str, str], str]) -> Style:
    return Style(name, escape, people=True, link=link)


PEOPLE = (
    _style("plain", _plain, _plain_link),
    _style("slack", _slack, _angle_link),
    _style("googlechat", _google_chat, lambda address, label: f"<{address}|{label.replace('|', '¦')}>"),
    _style("teams", _teams, _square_link),
    _style("markdown", _markdown, _square_link),
    _style("discord", _discord, _square_link),
    _style("zulip", _zulip, _square_link),
    _style("rocketchat", _rocket_chat, _square_link),
    _style("anywhere", _rocket_chat, _plain_link),  # what works without escapes works wherever the text ends up
    _style("html", _html, _html_link),
    _style("telegram", _telegram, _html_link),
    _style("forge", _forge, _square_link),
    _style("forge_title", _forge_title, _plain_link),
    _style("textile", _textile, lambda address, label: f"{label}: {address}"),
    _style("wiki", _wiki, lambda address, label: f"[{label}|{address}]"),
    _style("journal", _journal, _plain_link),
)
