"""The tables [mail.pgp] and [mail.smime] of the settings file."""

from __future__ import annotations

from pathlib import Path

from misp_workflow.settings.mail import Mail, Pgp, Smime
from misp_workflow.settings.table import Table


def read_mail(table: Table) -> Mail:
    """Return what the tables say; SettingsError for what cannot be."""
    pgp, smime = table.table("pgp"), table.table("smime")
    mail = Mail(
        pgp=Pgp(
            home=_path(pgp, "home"),
            keys=_path(pgp, "keys"),
            sign_with=pgp.text("sign_with").strip(),
            passphrase_reference=pgp.text("passphrase"),
        ),
        smime=Smime(
            certificates=_path(smime, "certificates"),
            crl=_path(smime, "crl"),
            certificate=_path(smime, "certificate"),
            key=_path(smime, "key"),
            passphrase_reference=smime.text("passphrase"),
        ),
    )
    if mail.pgp.sign_with and mail.pgp.home is None:
        raise pgp.error("sign_with", "needs mail.pgp.home, the folder of GnuPG's that holds the secret key")
    if (mail.smime.certificate is None) != (mail.smime.key is None):
        raise smime.error("certificate", "and key belong together: a mail is signed with both")
    for below in (pgp, smime, table):
        below.done()
    return mail


def _path(table: Table, key: str) -> Path | None:
    text = table.text(key)
    if text and not Path(text).is_absolute():
        raise table.error(key, "must be an absolute path")
    return Path(text) if text else None
