"""Effects at rest are sealed whole.

An effect holds tokens, addresses that are their own key (webhooks), and what may only go to one destination. Taking
only the tokens out would leave the rest to whoever finds a backup of the file. So all of it is encrypted and
authenticated (AES-256-GCM, NIST SP 800-38D, each with a random nonce) with a key that stands elsewhere: in the settings
(`outbox.key`), or in a file of mode 0600 beside the outbox. What stays readable is what the operator
must see: label, action, destination, host, event uuid, times, and the reason of a failure; none ever holds a secret.

Long lists in it are compressed before: an event says most things in every row, and a tenth of it is on the disk in a
tenth of the time. Nothing else is: were a secret compressed together with what others wrote, the size would tell them
whether that is like it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import secrets
import ssl
import stat
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from misp_workflow.effects import Effect, from_json, to_json
from misp_workflow.effects.pieces import holds_long, pieces
from misp_workflow.errors import DeliveryError, SettingsError
from misp_workflow.printable import logger
from misp_workflow.settings import state

LOG = logger("misp_workflow.delivery")
KEY_FILE = "outbox.key"
SHORTEST_KEY = 16
WHOLE, COMPRESSED = b"\x01", b"\x02"
"""Which way of sealing it is: the effect as it is, or deflated (RFC 1951)."""
_AUTHENTICATED = {WHOLE: None, COMPRESSED: COMPRESSED}
"""What is authenticated besides: the way; the first one goes without."""
_RAW = -zlib.MAX_WBITS
SOME = 256 * 1024
"""Bytes of a long list that are compressed between two looks at what comes of it."""
WORTH_IT = 0.5
"""The part of it to which compressing must come; else it takes longer than to write the rest, of attachments say."""
MOST_KEY = 4096
_KEY = re.compile(rf"[!-~ ]{{{SHORTEST_KEY},}}")
NONCE = 12
"""Bytes."""


class SealError(DeliveryError):
    """What was sealed cannot be opened here."""


class Seal:
    """Seals effects with one key."""

    def __init__(self, key: str) -> None:
        self._key = _fernet_key(key)
        self._cipher = AESGCM(hashlib.sha256(b"misp-workflow outbox, AES-256-GCM\0" + self._key).digest())

    def close(self, effect: Effect) -> bytes:
        """Return the effect, sealed; SealError when nobody could write it down."""
        way, plain = _written(to_json(effect))
        nonce = ssl.RAND_bytes(NONCE)  # OpenSSL's, safe after a fork; to ask the system would cost this thread its turn
        return way + nonce + self._cipher.encrypt(nonce, plain, _AUTHENTICATED[way])

    def open(self, sealed: bytes) -> Effect:
        """Return the effect; SealError when it was sealed with another key, altered, or is of an unknown kind."""
        try:
            plain = self._opened(sealed)
        except (InvalidTag, InvalidToken, ValueError):
            raise SealError("it was sealed with another key, or altered; the key is in outbox.key") from None
        try:
            return from_json(json.loads(plain))
        except RecursionError:
            raise SealError("it is nested too deeply") from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise SealError("it was made by a version of this package that knows other effects") from None

    def _opened(self, sealed: bytes) -> bytes:
        way, rest = sealed[:1], 1 + NONCE
        if way not in _AUTHENTICATED:  # the first versions sealed with Fernet
            return Fernet(self._key).decrypt(sealed)
        plain = self._cipher.decrypt(sealed[1:rest], sealed[rest:], _AUTHENTICATED[way])
        return zlib.decompress(plain, _RAW) if way == COMPRESSED else plain


def _written(values: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return in which way an effect is written, and what comes of that."""
    try:
        if holds_long(values) and (compressed := _compressed(pieces(values))):
            return COMPRESSED, compressed
        return WHOLE, orjson.dumps(values)
    except TypeError:  # half of a surrogate pair, or an integer beyond 64 bits
        return WHOLE, _dumped(values)


def _compressed(written: Iterable[bytes | memoryview]) -> bytes:
    """Return it with what is in long lists compressed; nothing as soon as that shows to be not worth it."""
    lists, others = (zlib.compressobj(level, wbits=_RAW) for level in (zlib.Z_BEST_SPEED, zlib.Z_NO_COMPRESSION))
    made: list[bytes] = []
    size = before = 0
    for piece in written:
        if isinstance(piece, memoryview):
            for start in range(0, len(piece), SOME):
                made.append(lists.compress(piece[start : start + SOME]))
                size, before = size + len(made[-1]), before + len(piece[start : start + SOME])
                if size > before * WORTH_IT:
                    return b""
            made.append(lists.flush(zlib.Z_FULL_FLUSH))  # what comes next refers to nothing before
        else:
            made += others.compress(piece), others.flush(zlib.Z_FULL_FLUSH)
    return b"".join([*made, others.flush()])


def _dumped(values: dict[str, Any]) -> bytes:
    try:
        return json.dumps(values).encode()
    except RecursionError:
        raise SealError("what is to be sent is nested too deeply") from None


def _fernet_key(text: str) -> bytes:
    """Return the key itself when the text is one (32 bytes as URL-safe base64), else one that is derived from it."""
    with contextlib.suppress(ValueError):
        if len(base64.urlsafe_b64decode(text.encode())) == 32:
            return text.encode()
    if len(text) < SHORTEST_KEY:
        raise SettingsError(f"The setting outbox.key needs at least {SHORTEST_KEY} characters that nobody can guess.")
    return base64.urlsafe_b64encode(hashlib.sha256(b"misp-workflow outbox\0" + text.encode()).digest())


def key_beside(folder: Path) -> str:
    """Return the key in the folder's key file, which is made when it is missing. OSError as the system gives it."""
    path = folder / KEY_FILE
    try:
        return _read(path)
    except FileNotFoundError:
        _make(path)
        return _read(path)


def _read(path: Path) -> str:
    """Return what the file holds, at most; SettingsError when it is no key."""
    # Not blocking: a pipe put there must not hold up an answer.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123 - see above
        raw = file.read(MOST_KEY) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    text = raw.decode("ascii", "replace").strip()
    if not _KEY.fullmatch(text):
        raise SettingsError(
            f"The key file {path} holds no key. Put the right one back from a backup; or remove the file: then a new "
            "one is made, and what waits in the outbox cannot be read any more."
        )
    if os.name == "posix" and path.stat().st_mode & 0o077:
        LOG.warning("Others could read the key file %s; its mode is 0600 again.", path)
        path.chmod(0o600)
    return text


def _make(path: Path) -> None:
    """Write a new key; when another process was quicker, its key stays. Never half a key, whatever happens."""
    state.prepare(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
