"""OpenPGP by GnuPG, run as a program: it keeps keys, and knows which are expired or revoked."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from misp_workflow.delivery.transports.encryption.keys import UnusableKeyError, file_of
from misp_workflow.settings.mail import Pgp

ENDINGS = (".asc", ".gpg", ".pgp", ".key")
MAX_PHRASE = 4096
"""Bytes of a pass phrase: as many as a pipe holds on every system."""
_WHY = {"e": "has expired", "r": "is revoked", "d": "is disabled", "i": "is not valid"}
"""The validity of a key in GnuPG's listing (doc/DETAILS, field 2)."""


@dataclass(frozen=True)
class Key:
    """A key that mails to one recipient are encrypted with: its fingerprint in the keyring, or its file."""

    fingerprint: str
    file: Path | None = None


def key_of(address: str, rules: Pgp, deadline: float) -> Key | None:
    """Return the key of this address, None when there is none; UnusableKeyError when there is none that may be used."""
    if rules.keys is not None and (file := file_of(address, rules.keys, ENDINGS)):
        return _usable(address, _listed(["--show-keys", str(file)], rules, deadline), file)
    if rules.home is None:
        return None
    return _usable(address, _listed(["--list-keys", f"<{address}>"], rules, deadline))


@dataclass
class _Listed:
    """One key of a listing: its validity, whether it can encrypt, its fingerprint, the validity of each address."""

    validity: str
    encrypts: bool
    fingerprint: str = ""
    addresses: dict[str, set[str]] = field(default_factory=dict)

    def trouble(self, address: str) -> str:
        """Return why mails to the address must not be encrypted with it, "" when they may."""
        if why := _WHY.get(self.validity, "" if self.encrypts else "cannot encrypt"):
            return why
        said = self.addresses.get(address.casefold(), {""})  # in a file it may be anybody's: who put it there knows
        return "" if said - _WHY.keys() else f"is not this address's any more: that {_WHY[min(said)]}"


def _listed(command: Sequence[str], rules: Pgp, deadline: float) -> list[_Listed]:
    done = _run(["--with-colons", *command], b"", rules, deadline)
    found: list[_Listed] = []
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if fields[0] == "pub":
            found.append(_Listed(fields[1], "E" in fields[11]))
        elif fields[0] == "uid" and found:
            _, _, address = fields[9].replace("\\x3a", ":").rpartition("<")
            found[-1].addresses.setdefault(address.rstrip(">").casefold(), set()).add(fields[1])
        elif fields[0] == "fpr" and found and not found[-1].fingerprint:
            found[-1].fingerprint = fields[9]
    return found


def _usable(address: str, found: Sequence[_Listed], file: Path | None = None) -> Key | None:
    found = found if file is None else found[:1]  # of a file GnuPG takes the first
    good = [one for one in found if not one.trouble(address)]
    if good:
        return Key(good[0].fingerprint, file)
    if not found and file is None:
        return None
    why = found[0].trouble(address) if found else "is none that GnuPG can read"
    raise UnusableKeyError(f"the PGP key of {address} {why}{f' ({file})' if file else ''}")


def encrypted(content: bytes, key: Key, rules: Pgp, deadline: float, *, sign: bool) -> bytes:
    """Return the content encrypted for this key, and signed in the same go, as ASCII armor."""
    to = ["--recipient-file", str(key.file)] if key.file else ["--recipient", key.fingerprint]
    command = ["--armor", "--trust-model", "always", "--no-encrypt-to", "--encrypt", *to]
    return _written([*command, *(_signing(rules) if sign else [])], content, rules, deadline, signs=sign)


def signature(content: bytes, rules: Pgp, deadline: float) -> bytes:
    """Return the detached signature of the content, as ASCII armor."""
    command = ["--armor", "--digest-algo", "SHA256", "--detach-sign", *_signing(rules)[1:]]
    return _written(command, content, rules, deadline, signs=True)


def _signing(rules: Pgp) -> list[str]:
    if not rules.sign_with:
        raise UnusableKeyError("the settings name no PGP key to sign mails with (mail.pgp.sign_with)")
    return ["--sign", "--local-user", rules.sign_with]


def _written(command: Sequence[str], content: bytes, rules: Pgp, deadline: float, *, signs: bool) -> bytes:
    done = _run(command, content, rules, deadline, passphrase=rules.passphrase if signs else None)
    if done.returncode != 0 or not done.stdout:
        raise UnusableKeyError(f"GnuPG did not do it: {' '.join(_said(done.stderr)) or f'status {done.returncode}'}")
    return b"\r\n".join(done.stdout.splitlines()) + b"\r\n"


def _said(words: bytes) -> Iterator[str]:
    """Yield the last of what GnuPG says, which tells most."""
    lines = [line.removeprefix("gpg: ").strip() for line in words.decode("utf-8", "replace").splitlines()]
    yield from [line for line in lines if line][-1:]


def _run(
    command: Sequence[str], content: bytes, rules: Pgp, deadline: float, passphrase: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run GnuPG until the deadline at most; it asks nobody and no network."""
    with ExitStack() as used:
        home = str(rules.home or used.enter_context(tempfile.TemporaryDirectory()))
        asks_nobody = ["--batch", "--no-tty", "--no-auto-key-locate", "--no-auto-check-trustdb", "--disable-dirmngr"]
        handed: tuple[int, ...] = ()
        whole = ["gpg", "--homedir", home, *asks_nobody]
        if passphrase is not None:
            reading, writing = os.pipe()
            used.callback(os.close, reading)
            os.write(writing, passphrase.encode()[:MAX_PHRASE])
            os.close(writing)
            whole += ["--pinentry-mode", "loopback", "--passphrase-fd", str(reading)]
            handed = (reading,)
        try:
            left = max(deadline - time.monotonic(), 0.1)
            return subprocess.run(  # noqa: S603 - no shell; addresses were read as such, and stand behind options
                [*whole, *command], input=content, capture_output=True, timeout=left, check=False, pass_fds=handed
            )
        except FileNotFoundError:
            raise UnusableKeyError("GnuPG is not installed: the program gpg is missing") from None
        except subprocess.TimeoutExpired:
            raise UnusableKeyError("GnuPG took too long") from None
