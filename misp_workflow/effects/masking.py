"""Effects and texts for people's eyes: every secret is "***"."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

from misp_workflow.effects.base import Effect, Json
from misp_workflow.effects.stored import to_json


def masked(effect: Effect, most: float = math.inf) -> dict[str, Json]:
    """Return `to_json(effect)` for people's eyes: every secret value, wherever it stands, is "***".

    `most` is how many characters are wanted: what comes after as many may be missing. Where a batch goes
    comes first.
    """
    shown = to_json(effect)
    shown.pop("secrets", None)
    if effect.batch:
        shown = dict(
            sorted(shown.items(), key=lambda item: (type(item[1]) is not str, item[0] in (effect.batch, "stix")))
        )
    masking = _Masking(effect.secrets, most)
    return {name: masking.hidden(value) for name, value in shown.items()}


class _Masking:
    def __init__(self, secrets: tuple[str, ...], most: float) -> None:
        self._secrets = secrets
        self._left = most

    def hidden(self, value: Json) -> Json:
        if isinstance(value, str):
            shown = mask(value, self._secrets)
            self._left -= len(shown)
            return shown
        if isinstance(value, (dict, Mapping)):
            members: dict[str, Json] = {}
            for key, item in value.items():
                if self._left <= 0:
                    break
                members[str(self.hidden(key))] = self.hidden(item)
            return members
        if isinstance(value, (list, tuple)):
            items: list[Json] = []
            for item in value:
                if self._left <= 0:
                    break
                items.append(self.hidden(item))
            return items
        self._left -= 1
        return value


def mask(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every secret replaced by "***", also as JSON, HTML or an address writes it.

    One of fewer than SHORTEST_WITHIN characters is replaced where it stands for itself, not within words: else it would
    take letters out of every sentence, and show by that which they are.
    """
    for spelling, alone in _spellings(tuple(secrets)):
        text = text.replace(spelling, "***") if alone is None else alone.sub("***", text)
    return text


@lru_cache(maxsize=128)
def _spellings(secrets: tuple[str, ...]) -> list[tuple[str, re.Pattern[str] | None]]:
    """Return the secrets in all their spellings, the longest first; for short ones the pattern that finds them."""
    short = {spelling for one in secrets if 0 < len(one) < SHORTEST_WITHIN for spelling in _spellings_of(one)}
    found = {spelling for one in secrets if len(one) >= SHORTEST_WITHIN for spelling in _spellings_of(one)}
    ordered = sorted(found | short, key=len, reverse=True)
    return [(one, None if one in found else _alone(one)) for one in ordered]


def _alone(short: str) -> re.Pattern[str]:
    """Return the pattern of a text that stands between others: of letters between what is none, else between blanks."""
    before = r"(?<![^\W_])" if short[0].isalnum() else r"(?<![^\s\"'=:“])"
    behind = r"(?![^\W_])" if short[-1].isalnum() else r"(?![^\s\"',”])"
    return re.compile(f"{before}{re.escape(short)}{behind}")


def _spellings_of(secret: str) -> set[str]:
    """Return the ways in which another side, or a library, writes a text that it quotes."""
    if _PLAIN.fullmatch(secret) or len(secret) > _LONGEST_SPELT:
        return {secret}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {one.replace("/", "\\/") for one in escaped}  # as PHP writes JSON; the next one as Go does
    escaped |= {re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", one) for one in escaped}
    escaped |= {json.dumps(one)[1:-1] for one in escaped}  # JSON in JSON
    percent = {quote(secret, safe=safe, errors="replace") for safe in ("", "/", _URL_MARKS, f"{_URL_MARKS}%")}
    percent.add(quote_plus(secret, errors="replace"))
    percent |= {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), one) for one in percent}
    marked = {html.escape(secret), html.escape(secret, quote=False), html.escape(secret).replace("&#x27;", "&#39;")}
    marked |= {one.replace("&quot;", "&#34;") for one in marked}
    misread = secret.encode("utf-8", "replace").decode("latin-1")
    return {secret, misread, *escaped, *percent, *marked}


SHORTEST_WITHIN = 5
"""Characters of a secret that is looked for within words, too."""
_LONGEST_SPELT = 4096
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_URL_MARKS = "!#$&'()*+,/:;=?@[]~"
"""What requests leaves as it is in an address."""
