"""The keys for mails: is GnuPG there, and does every recipient whose mails must be encrypted have a key."""

from __future__ import annotations

import shutil
import time
from datetime import datetime, timezone
from email.utils import parseaddr

from misp_workflow.action import listing
from misp_workflow.cli.checks.finding import Finding, error, ok, some, warning
from misp_workflow.errors import ParameterError, SettingsError
from misp_workflow.settings import Settings
from misp_workflow.settings.mail import Smime

SUBJECT = "mail"
PATIENCE = 10.0


def check(rules: Settings) -> list[Finding]:
    """Return the findings about [mail] and the destinations whose mails are encrypted; none where there are neither."""
    found = []
    uses_pgp = rules.mail.pgp.home or rules.mail.pgp.keys
    if uses_pgp and shutil.which("gpg") is None:
        found.append(error(SUBJECT, "GnuPG is not installed: the program gpg is missing", "install gnupg"))
        return found
    found += _revoked(rules.mail.smime)
    for name, place in rules.destinations.items():
        if place.values.get("encrypt", "no").strip().casefold() in ("required", "if_possible", "if possible"):
            try:
                found += _recipients(rules, f"destination {name}", place.resolved())
            except (SettingsError, ParameterError):  # which the destination's own check says
                continue
    return found


def _revoked(rules: Smime) -> list[Finding]:
    """Judge the age of the lists of revoked certificates: one that is outdated is gone by all the same."""
    if rules.crl is None:
        return []
    from misp_workflow.delivery.transports.encryption import smime
    from misp_workflow.delivery.transports.encryption.keys import UnusableKeyError

    try:
        due = [(one.next_update_utc, one.issuer.rfc4514_string()) for one in smime.revoked(rules)]
    except UnusableKeyError as trouble:
        return [error(SUBJECT, str(trouble), "mend it, or take mail.smime.crl away: no certificate is used until then")]
    now = datetime.now(timezone.utc)
    old = [f"{issuer} (a newer one was due on {when:%Y-%m-%d})" for when, issuer in due if when and when < now]
    todo = f"put newer ones into {rules.crl}: what was revoked since counts as good"
    return [warning(SUBJECT, f"outdated lists of revoked certificates: {some(old)}", todo)] if old else []


def _recipients(rules: Settings, subject: str, values: dict[str, str]) -> list[Finding]:
    # here: the library is loaded where somebody encrypts
    from misp_workflow.delivery.transports.encryption import pgp, smime
    from misp_workflow.delivery.transports.encryption.keys import UnusableKeyError

    lines = ("recipients", "cc", "bcc")
    listed = [item for name in lines for item in listing.items(name, values.get(name, ""), "email")]
    with_key: list[str] = []
    without: list[str] = []
    found: list[Finding] = []
    for _, address in map(parseaddr, listed):
        if not address:
            continue
        try:
            key = pgp.key_of(address, rules.mail.pgp, time.monotonic() + PATIENCE)
            (with_key if key or smime.certificate_of(address, rules.mail.smime) else without).append(address)
        except UnusableKeyError as trouble:
            found.append(error(subject, str(trouble), "put a newer one in its place: nothing is sent there"))
    if without:
        required = values["encrypt"].strip().casefold() == "required"
        made = error if required else warning
        todo = "put one where [mail] says" + ("; nothing is sent there without" if required else "")
        found.append(made(subject, f"there is no key or certificate of {some(without)}", todo))
    if with_key:
        found.append(ok(subject, f"there is a key of {some(with_key)}"))
    return found
