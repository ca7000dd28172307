"""Indicators that nobody opens by accident: defanged, and back."""

from __future__ import annotations

import re

from misp_workflow.suffixes import public_suffixes

_SCHEME = re.compile(r"\b([a-z][a-z0-9+.-]{0,30})://", re.IGNORECASE)
_HOST_AFTER = re.compile(r"(?<=://)[^\s/?#\\]+")
_START = r"(?<!\w)(?<!\w[.-])(?<!(?<![/:])/)"  # neither within a word nor within a path
_LABEL = r"\w(?:[\w-]{0,61}\w)?"
_MAIL_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_DOMAIN = re.compile(rf"{_START}(?:{_LABEL}\.){{1,10}}(?:xn--[a-z0-9-]{{1,59}}|[^\W\d_]{{2,24}})(?!\w)", re.IGNORECASE)
_RUN_ON = re.compile(r"((?!(?:com|org|net|io|javax?|android|kotlin)\.).+\.[a-z]{2,24})(\.[A-Z][a-z]*)")
"""A name after which a space was left out: "evil.com.Then". Neither com.apple.Finder nor System.Net.Sockets is one."""
_IPV4 = re.compile(r"(?<![\w.])(?<![^\W\d]-)(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-[^\W\d])")  # tool-1.2.3.4-rc: a version
_EMAIL = re.compile(rf"(?<=[\w.+%-])@((?:{_MAIL_LABEL}\.){{1,10}}[^\W\d_]{{2,24}})", re.IGNORECASE)
_FANGS = (
    (re.compile(r"\bh(?:xx|XX|\*\*|__)p(s?)(?=\[?:)", re.IGNORECASE), r"http\1"),
    (re.compile(r"\bfxp(?=\[?:)", re.IGNORECASE), "ftp"),
    (re.compile(r"\[:(//)?\]"), lambda match: ":" + (match[1] or "")),
    (re.compile(r"\[(?:\.|dot)\]|\((?:\.|dot)\)|\{(?:\.|dot)\}", re.IGNORECASE), "."),
    (re.compile(r"\[(?:@|at)\]|\((?:@|at)\)|\{(?:@|at)\}", re.IGNORECASE), "@"),
)


def defang(text: str) -> str:
    """Return the text with every URL, domain, mail address and IP in it made dead: hxxps://evil[.]example."""
    text = _schemes(text)
    text = _EMAIL.sub(lambda match: "[@]" + match[1].replace(".", "[.]"), text)
    text = _IPV4.sub(lambda match: match[0].replace(".", "[.]"), text)
    return _DOMAIN.sub(lambda match: match[0].replace(".", "[.]"), text)


def defang_indicator(text: str) -> str:
    """Return the value of a network indicator made dead: every dot of its host, and the colons of an IPv6 address."""
    if "://" in text:
        return defang(text)
    head, slash, tail = text.partition("/")
    head = head.replace("[.]", ".").replace(".", "[.]").replace("[@]", "@").replace("@", "[@]")
    if head.count(":") > 1:
        head = head.replace(":", "[:]")
    return head + slash + tail


def soften(text: str) -> str:
    """Return prose in which no client finds a link: URLs, mail addresses, IPv4 addresses, and every domain that can be.

    A domain can be when its end stands on the Public Suffix List; clients link www.… whatever its end. Left alone is
    name.py, which in what analysts write is a file.
    """
    if "." not in text and "://" not in text:
        return text
    text = _schemes(text)
    text = _EMAIL.sub(lambda match: "@" + match[1].replace(".", "[.]"), text)
    text = _IPV4.sub(lambda match: match[0].replace(".", "[.]"), text)
    return _DOMAIN.sub(_dead_domain, text)


def _dead_domain(match: re.Match[str]) -> str:
    domain, rest = match[0], ""
    if not _is_linked(domain) and (run_on := _RUN_ON.fullmatch(domain)):
        domain, rest = run_on.groups()
    return (domain.replace(".", "[.]") if _is_linked(domain) else domain) + rest


def _is_linked(domain: str) -> bool:
    return domain.lower().startswith("www.") or _can_be(domain.lower())


def _can_be(domain: str) -> bool:
    """Whether somebody could have registered the domain."""
    if domain.endswith(".py") and domain.count(".") == 1:
        return False
    return public_suffixes().publicsuffix(domain, accept_unknown=False) is not None


def refang(text: str) -> str:
    """Return the text with the usual ways of defanging undone."""
    for pattern, live in _FANGS:
        text = pattern.sub(live, text)
    return text


def _schemes(text: str) -> str:
    if "://" not in text:
        return text
    text = _HOST_AFTER.sub(lambda match: match[0].replace("[.]", ".").replace(".", "[.]"), text)
    return _SCHEME.sub(_dead_scheme, text)


def _dead_scheme(match: re.Match[str]) -> str:
    scheme = match[1]
    if scheme.lower() in {"hxxp", "hxxps", "fxp"}:
        return match[0]
    dead = {"http": "hxxp", "https": "hxxps", "ftp": "fxp"}.get(scheme.lower())
    return f"{dead}://" if dead else f"{scheme}[://]"
