"""A secret that is found in any encoding, and events that are full of it."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from misp_workflow.secret_names import SECRET_NAMES, SECRET_PARTS

CORE = "kTq9Wm2xRv7Zb4Ns"
"""Begins every planted secret. Letters and digits only, and its base64 too: no encoding keeps a part of it by accident."""

# --- finding it -------------------------------------------------------------------------------------------------------


def _base64s(plain: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of the bytes at each of the three alignments, without what their neighbours decide."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain)
        first = -(-before * 4 // 3)
        yield encoded[first : (before + len(plain)) * 8 // 6]


def _spelt(text: str, form: str) -> bytes:
    return "".join(form.format(ord(letter)) for letter in text).encode()


ANY_CASE = tuple(
    form.lower()
    for form in (
        CORE.encode(),
        CORE.encode("utf-16-le"),
        CORE.encode("utf-16-be"),
        CORE.encode().hex().encode(),
        CORE.encode("utf-16-le").hex().encode(),
        CORE.encode("utf-16-be").hex().encode(),
        *(
            _spelt(CORE, form)
            for form in ("%{:02x}", "%25{:02x}", "&#{};", "&#x{:x};", "\\u{:04x}", "\\x{:02x}", "={:02x}")
        ),
    )
)
"""The spellings in which a letter's case says nothing."""
EXACT = tuple(form for code in ("utf-8", "utf-16-le", "utf-16-be") for form in _base64s(CORE.encode(code)))


def is_in(content: bytes) -> bool:
    """Whether the secret stands in the content, in any encoding, also across the line breaks of mails."""
    for one in {content, content.replace(b"=\r\n", b"").replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b"")}:
        lower = one.lower()
        if any(form in lower for form in ANY_CASE) or any(form in one for form in EXACT):
            return True
    return False


def leaks(contents: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> list[str]:
    """Return the names of those contents in which the secret stands, with what is around it where it stands plainly."""
    found = []
    for name, content in contents.items() if isinstance(contents, Mapping) else contents:
        if is_in(content):
            place = max(content.find(CORE.encode()), 0)
            found.append(f"{name}: …{content[max(place - 80, 0) : place + 60]!r}…")
    return found


# --- planting it ------------------------------------------------------------------------------------------------------

NAMES = tuple(
    dict.fromkeys(
        [
            *SECRET_PARTS,
            *SECRET_NAMES,
            *(f"x_{part.upper()}_y" for part in SECRET_PARTS),
            # docs/clearance.md and what MISP itself sends
            *("confirm_password", "authkey_raw", "external_auth_key", "client_secret", "signing_key", "routing_key"),
            *("API-Key", "api_key", "a_p_i_key", "Set-Cookie", "server_keys", "Proxy-Authorization", "basic_auth"),
        ]
    )
)
"""Names of secrets, as docs/clearance.md has them, in several spellings."""
_SHAPES: tuple[Callable[[str], Any], ...] = (
    lambda secret: secret,
    lambda secret: [secret, {"value": secret}],
    lambda secret: {"value": secret, "Tag": [{"name": secret}], "deep": [[{"uuid": secret}]]},
    lambda secret: f'"<{secret}>&\u00fc%+/=\\',
)
_LOG_TEXTS = {
    "change": "password ({0}) => ({0}), authkey () => ({0}), email (a) => (b)",
    "title": "User (4): settings: api_key={0}, 'token' => '{0}'",
    "description": '{{"authkey": "{0}", "x": 1}} Authorization: Bearer {0}',
    "request": "/users/index/authkey:{0} https://user:{0}@misp.example/ password={0}&x=1",
}


class _Planter:
    """Plants every name in the first object of each depth, and some in every object, another choice each time."""

    SOME = 4

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._names = itertools.cycle(NAMES)
        self._depths: set[int] = set()

    def planted(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, list):
            return [self.planted(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        full = {name: self.planted(item, depth + 1) for name, item in value.items()}
        if value and all(name.isdigit() for name in value):
            return full  # PHP's array with gaps: another key would make it another thing
        names = itertools.islice(self._names, self.SOME) if depth in self._depths else NAMES
        self._depths.add(depth)
        for name in names:
            number = next(self._numbers)
            full[name] = _SHAPES[number % len(_SHAPES)](f"{CORE}{number}")
        if "model" in value and "action" in value:
            full |= {name: text.format(f"{CORE}{next(self._numbers)}") for name, text in _LOG_TEXTS.items()}
        return full


def planted(value: Any) -> Any:
    """Return the value with secrets in every object, and at every depth under every name of a secret."""
    return _Planter().planted(value)


def with_secrets(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a captured body with secrets in its data and in what was selected; the whole stays the whole."""
    data = planted(body["data"])
    if "filteredItems" not in body:
        return {**body, "data": data}
    whole = body["filteredItems"] == body["data"]
    return {**body, "data": data, "filteredItems": data if whole else planted(body["filteredItems"])}


def of_different_data(captures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the captured bodies without those that hold the same event as one before them.

    They differ in their node and in what its filter chose; the event itself was saved once more at most.
    """
    found: dict[str, Any] = {}
    for name, body in captures.items():
        event = body["data"].get("Event") or {}
        saved = ("timestamp", "publish_timestamp", "published")
        found.setdefault(json.dumps({**body["data"], "Event": {**event, **dict.fromkeys(saved)}}), (name, body))
    return dict(found.values())
