"""Which names stand for secrets: one rule for the settings, the data that actions see, logs and reports of runs."""

from __future__ import annotations

from functools import lru_cache

LONGEST = 200
"""Characters; of a longer name the two ends are looked at."""

SECRET_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "authkey",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "bearer",
    "sessionid",
)
"""A name that contains one of these is a secret's name."""

SECRET_NAMES = frozenset(
    [
        "pass",
        "pwd",
        "psk",
        "pin",
        "otp",
        "totp",
        "jwt",
        "salt",
        "cookie",
        "cookies",
        "setcookie",
        "authorization",
        "proxyauthorization",
        "basicauth",
    ]
)
"""A name that is one of these is a secret's name."""

PUBLIC_KEYS = frozenset(
    [
        "key",
        "keys",
        "publickey",
        "publickeys",
        "gpgkey",
        "pgpkey",
        "pgppublickey",
        "cryptographickey",
        "cryptographickeys",
        "primarykey",
        "foreignkey",
        "sortkey",
        "regkey",
        "registrykey",
    ]
)
"""Every other name that ends with "key" or "keys" is a secret's name."""


def is_secret_name(name: str) -> bool:
    """Whether a value under this name is taken for a secret; case and everything but letters and digits is ignored."""
    return _judge(name if len(name) <= LONGEST else name[: LONGEST // 2] + name[-LONGEST // 2 :])


@lru_cache(maxsize=8192)
def _judge(name: str) -> bool:
    plain = "".join(filter(str.isalnum, name.casefold()))
    if plain in SECRET_NAMES:
        return True
    if plain.endswith(("key", "keys")) and plain not in PUBLIC_KEYS:
        return True
    return any(part in plain for part in SECRET_PARTS)
