"""For each style, what the other side makes of a text: it reads as the place does, and finds nothing but text.

A reader returns the text that a person or a machine there gets, and fails when there is anything else.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote

from markdown_it import MarkdownIt

GAP = "\u200b"
LIVE_LINK = re.compile(r"\b(?:https?|ftp|file|slack|mattermost)://|\bwww\.\w", re.IGNORECASE)
MENTION = re.compile(r"(?<!\w)@\w|@(?:all|channel|everyone|here|room)\b|@\*\*|<@\w", re.IGNORECASE)

_COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_HARMLESS = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak"}


def no_controls(text: str, also: str = "") -> str:
    signs = set(text)
    odd = {char for char in signs if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"} and char not in also}
    odd |= signs & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff\ufdd0\ufdd1")
    assert not odd, f"control characters {odd!r}"
    return text


def no_links(text: str) -> str:
    found = LIVE_LINK.search(text)
    assert not found, f"a live link {text[found.start() : found.start() + 40]!r}"
    return text


def no_mentions(text: str) -> str:
    found = MENTION.search(text)
    assert not found, f"a mention {text[found.start() : found.start() + 20]!r}"
    return text


def plain(text: str) -> str:
    return no_links(no_controls(text, "\n\t"))


ALIKE = str.maketrans("\u2217\u02cd\u223c\u02cb", "*_~`")
_PAIR = re.compile(r"([*~`]).*\1|(?<![^\W_])_.*_(?![^\W_])|^(?:&gt;|>|[*-] )", re.DOTALL | re.MULTILINE)


_SLACK_PAIR = re.compile(
    r"(?<![0-9A-Za-z])([*~])(?=\S).*(?<=\S)\1|([*~])(?=\S).*(?<=\S)\2(?![0-9A-Za-z])"
    r"|(?<![^\W_])_(?=\S).*(?<=\S)_(?![^\W_])|`.*`|^(?:&gt;|>|[*-] )",
    re.DOTALL | re.MULTILINE,
)


def no_emphasis(text: str, style: str) -> str:
    """For chats without escapes: a pair of marks in one value would be taken out of it."""
    found = (_SLACK_PAIR if style == "slack" else _PAIR).search(text)
    assert not found, f"emphasis in {found[0][:60]!r}"
    return text.translate(ALIKE)


def slack(text: str) -> str:
    assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)|(?<!\w)#\w", text)
    return plain(html.unescape(no_mentions(text)).replace(GAP, ""))


def googlechat(text: str) -> str:
    assert not re.search(rf"<(?!{GAP})", text)
    return plain(no_mentions(text).replace(GAP, ""))


def rocketchat(text: str) -> str:
    assert not re.search(rf"\]\(|<(?!{GAP})|\|\||``|!\[|(?<!\w)#\w", text)
    return plain(no_mentions(text).replace(GAP, ""))


def markdown(text: str) -> str:
    no_mentions(text.replace("\\", ""))
    found = []
    for token in _COMMONMARK.parse(text):
        for each in [token, *(token.children or [])]:
            assert each.type in _HARMLESS, f"Markdown finds {each.type}: {each.content[:60]!r}"
        if token.children is not None:
            found.append("".join(child.content or " " for child in token.children))
    return plain(no_mentions("\n".join(found)).replace(GAP, ""))


def teams(text: str) -> str:
    assert not re.search(r"\{\{\s*(?:DATE|TIME)", text)
    return markdown(text)


def discord(text: str) -> str:
    assert not re.search(r"<#\d", text.replace("\\", ""))
    return markdown(text)


def zulip(text: str) -> str:
    bare = re.sub(r"&#\d+;", "x", text)
    found = re.search(r"[\\`*_{}\[\]<>()#|~&$@!:]|^[ \t]*(?:[-+]|\d+[.)])|^(?: {4}|\t)", bare, re.MULTILINE)
    assert not found, f"Zulip sees {found[0]!r}"
    return plain(html.unescape(text))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        raise AssertionError(f"HTML finds <{tag}>")

    def handle_comment(self, data: str) -> None:
        raise AssertionError("HTML finds a comment")

    handle_decl = handle_pi = unknown_decl = handle_comment


def in_html(text: str) -> str:
    assert not re.search(r"[<>\"']", text)
    parser = _Tags()
    parser.feed(text)
    parser.close()
    return plain("".join(parser.text))


def telegram(text: str) -> str:
    return in_html(no_mentions(text)).replace(GAP, "")


def machine_text(text: str) -> str:
    return no_controls(text, "\n\t")


def header(text: str) -> str:
    return no_controls(text)


def url(text: str) -> str:
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", text)
    assert text.strip(".") or not text, "a dot segment"
    return unquote(unquote(text)) if text.startswith("%252E") else unquote(text)


def query(text: str) -> str:
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", text)
    return unquote(text)


def _unescaped(pattern: str, text: str, known: dict[str, str]) -> str:
    found = re.fullmatch(pattern, text, re.DOTALL)
    assert found, "the field ends too early"
    return re.sub(r"\\(.)", lambda match: known.get(match[1], match[1]), no_controls(found[1], "\t"))


def cef_header(text: str) -> str:
    return _unescaped(r"CEF:0\|((?:[^\\|\n\r]|\\[\\|])*)\|1\|", f"CEF:0|{text}|1|", {})


def cef(text: str) -> str:
    return _unescaped(r"msg=((?:[^\\=\n\r]|\\[\\=n])*) act=1", f"msg={text} act=1", {"n": "\n"})


def rfc5424(text: str) -> str:
    return _unescaped(r'\[id a="((?:[^\\"\]\n\r]|\\[\\"\]])*)"\]', f'[id a="{text}"]', {})


def in_csv(text: str) -> str:
    csv.field_size_limit(100_000_000)
    rows = list(csv.reader(io.StringIO(f"first,{text},last\r\n", newline=""), strict=True))
    assert len(rows) == 1 and len(rows[0]) == 3, "the cell ends too early"
    cell = rows[0][1]
    number = re.fullmatch(r"[+-]?\d+(?:\.\d+)?", cell)
    assert number or not re.match(r"\s*[=+\-@＝＋－＠\t\r]", cell), "a formula"
    return machine_text(re.sub(r"^'(?=\s*[=+\-@＝＋－＠\t])", "", cell))


def in_json(text: str) -> str:
    found = json.loads(text)
    assert isinstance(found, str)
    return found


def forge(text: str) -> str:
    return markdown(no_references(text))


def forge_title(text: str) -> str:
    return plain(no_mentions(no_references(text)).replace(GAP, ""))


def no_references(text: str) -> str:
    found = re.search(r"(?<!&)[#!$%~](?=\w)|(?i:\bGH-\d)|^\s*/\w", text, re.MULTILINE)
    assert not found, f"a reference or an order {text[found.start() : found.start() + 20]!r}"
    return text


def textile(text: str) -> str:
    bare = re.sub(r"&#\d{2,3};", "·", text)
    assert not re.search(r"[*^~@%?!\"=|\[\]{}<>&#(`]", bare), f"markup in {bare!r}"
    assert not re.search(r"(?<![^\W_])[-_+]|[-_+](?![^\W_])|^(?:h\d|[a-z]{1,2}|fn\d)\.", text, re.MULTILINE), (
        f"markup in {text!r}"
    )
    assert not re.search(r"\w:\S|(?<!\w)r\d", bare), f"a link of Redmine's in {bare!r}"
    return plain(html.unescape(text).replace("\u00a0", " "))


def wiki(text: str) -> str:
    assert not re.search(r"^\s*(?:h[1-6]|bq)\.", text, re.MULTILINE), f"a block in {text!r}"
    assert "\\\\" not in text, "a line break"
    bare = re.sub(r"\\[{}\[\]*_+^~?|#!-]", "", text)
    assert not re.search(r"[{}\[\]*_+^~?|#!-]", bare), f"markup in {bare!r}"
    return plain(re.sub(r"\\([{}\[\]*_+^~?|#!-])", r"\1", text).replace(GAP, ""))


def journal(text: str) -> str:
    assert not re.search(r"\[\s*/?\s*code", text, re.IGNORECASE)
    return plain(text.replace(GAP, ""))


def level(signs: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        assert not set(signs) & set(text)
        return header(unquote(text))

    return read


READERS: dict[str, Callable[[str], str]] = {
    "plain": plain,
    "slack": slack,
    "googlechat": googlechat,
    "rocketchat": rocketchat,
    "anywhere": rocketchat,
    "teams": teams,
    "markdown": markdown,
    "discord": discord,
    "zulip": zulip,
    "html": in_html,
    "telegram": telegram,
    "forge": forge,
    "forge_title": forge_title,
    "textile": textile,
    "wiki": wiki,
    "journal": journal,
    "text": machine_text,
    "header": header,
    "line": header,
    "url": url,
    "url_path": url,
    "url_query": query,
    "cef_header": cef_header,
    "cef": cef,
    "rfc5424": rfc5424,
    "mqtt": level("/+#"),
    "nats": level(".*> "),
    "amqp": level(".*#"),
    "csv": in_csv,
    "json": in_json,
}
PEOPLE = (
    "plain", "slack", "googlechat", "rocketchat", "anywhere", "teams", "markdown", "discord", "zulip", "html", "telegram",
    "forge", "forge_title", "textile", "wiki", "journal",
)  # fmt: skip
EXACT = ("url", "url_path", "url_query", "json")
"""Styles that carry every character; the others show control characters as what they are."""
