"""The keys for mails: is GnuPG there, and does every recipient whose mails must be encrypted have a key."""

from __future__ import annotations

import shutil
import time
from email.utils import getaddresses

from misp_workflow.cli.checks.finding import Finding, error, ok, some, warning
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Settings

SUBJECT = "mail"
PATIENCE = 10.0


def check(rules: Settings) -> list[Finding]:
    """Return the findings about [mail] and the destinations whose mails are encrypted; none where there are neither."""
    found = []
    uses_pgp = rules.mail.pgp.home or rules.mail.pgp.keys
    if uses_pgp and shutil.which("gpg") is None:
        found.append(error(SUBJECT, "GnuPG is not installed: the program gpg is missing", "install gnupg"))
        return found
    for name, place in rules.destinations.items():
        if place.values.get("encrypt", "no").strip().casefold() in ("required", "if_possible", "if possible"):
            try:
                values = place.resolved()
            except SettingsError:  # which the destination's own check says
                continue
            found += _recipients(rules, f"destination {name}", values)
    return found


def _recipients(rules: Settings, subject: str, values: dict[str, str]) -> list[Finding]:
    # here: the library is loaded where somebody encrypts
    from misp_workflow.delivery.transports import pgp, smime
    from misp_workflow.delivery.transports.keys import UnusableKeyError

    listed = ",".join(values.get(name, "") for name in ("recipients", "cc", "bcc"))
    with_key: list[str] = []
    without: list[str] = []
    found: list[Finding] = []
    for _, address in getaddresses([listed.replace(";", ",").replace("\n", ",")]):
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
