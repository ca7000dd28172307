"""Where the keys for encrypted and signed mails are, as frozen values. No repr shows a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from misp_workflow.settings.secrets import resolve


@dataclass(frozen=True, kw_only=True)
class Pgp:
    """OpenPGP: `home` is a folder of GnuPG's with a keyring, `keys` one with a public key per file.

    Such a file is named by the address ("soc@example.org.asc"). `sign_with` is the fingerprint or address of a secret
    key in `home`.
    """

    home: Path | None = None
    keys: Path | None = None
    sign_with: str = ""
    passphrase_reference: str = field(default="", repr=False)

    @property
    def passphrase(self) -> str:
        """The pass phrase of that key; SettingsError when it cannot be read."""
        return resolve(self.passphrase_reference, "mail.pgp.passphrase")


@dataclass(frozen=True, kw_only=True)
class Smime:
    """S/MIME: `certificates` is a folder with one per file ("soc@example.org.pem"), `crl` a file of what is revoked.

    `certificate` and `key` are files with what mails are signed with, all in PEM form.
    """

    certificates: Path | None = None
    crl: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    passphrase_reference: str = field(default="", repr=False)

    @property
    def passphrase(self) -> str:
        """The pass phrase of that key; SettingsError when it cannot be read."""
        return resolve(self.passphrase_reference, "mail.smime.passphrase")


@dataclass(frozen=True, kw_only=True)
class Mail:
    """Both ways to encrypt and sign mails; a recipient who has keys for both gets OpenPGP."""

    pgp: Pgp = Pgp()
    smime: Smime = Smime()
