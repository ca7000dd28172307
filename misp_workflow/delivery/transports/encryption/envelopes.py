"""Encrypted and signed mails: which way for whom, and the MIME around it (RFC 1847, RFC 3156, RFC 8551).

What stands outside an encrypted mail is what servers need: addresses, date, ids; and a subject that says nothing. The
real one stands inside, where mail programs look for it (protected headers).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage

from misp_workflow.delivery.transports.encryption import pgp, smime
from misp_workflow.delivery.transports.encryption.keys import UnusableKeyError
from misp_workflow.effects import Mail
from misp_workflow.settings.mail import Mail as Rules

HIDDEN_SUBJECT = "Encrypted message"
LINES = policy.SMTP.clone(cte_type="7bit")


class UnprotectedError(Exception):
    """The mail cannot be encrypted or signed as wanted; the sentence says for whom and why. Nothing may go out."""


def protected(message: EmailMessage, mail: Mail, rules: Rules, deadline: float) -> bytes:
    """Return the mail encrypted and signed as it wants to be; UnprotectedError when that cannot be."""
    try:
        way = _way(mail, rules, deadline)
        if way is None and not mail.sign:
            return message.as_bytes(policy=LINES)
        outer, inner = _split(message, hidden=way is not None)
        if way is None:
            return _signed(outer, inner, mail, rules, deadline)
        if isinstance(way, pgp.Key):
            sealed = pgp.encrypted(inner, way, rules.pgp, deadline, sign=mail.sign)
            return _multipart(
                outer,
                'multipart/encrypted; protocol="application/pgp-encrypted"',
                [
                    b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
                    b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
                    b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n' + sealed,
                ],
            )
        if mail.sign:
            inner = _smime_signed(inner, rules)
        kind = 'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"'
        return _single(outer, kind, "smime.p7m", smime.encrypted(inner, way))
    except UnusableKeyError as error:
        raise UnprotectedError(str(error)) from None


def _way(mail: Mail, rules: Rules, deadline: float) -> pgp.Key | smime.Certificate | None:
    """Return the key of the recipient, None when the mail goes out unencrypted."""
    if mail.encrypt == "no":
        return None
    found = pgp.key_of(mail.to, rules.pgp, deadline) or smime.certificate_of(mail.to, rules.smime)
    if found is None and mail.encrypt == "required":
        raise UnprotectedError(f"there is no key or certificate of {mail.to}, and the mail must be encrypted")
    return found


def _split(message: EmailMessage, hidden: bool) -> tuple[EmailMessage, bytes]:
    """Return what stands outside, and the entity inside; both hold the subject, outside maybe another one."""
    outer, inner = EmailMessage(policy=LINES), EmailMessage(policy=LINES)
    inner.set_payload(message.get_payload())
    for name, value in message.raw_items():
        if name.lower().startswith("content-"):
            inner[name] = value
        elif name.lower() != "mime-version":
            outer[name] = HIDDEN_SUBJECT if hidden and name.lower() == "subject" else value
    inner.set_param("protected-headers", "v1")
    for name in ("From", "To", "Cc", "Reply-To", "Subject"):
        if name in message:
            inner[name] = message[name]
    content = inner.as_bytes(policy=LINES)
    return outer, content if content.endswith(b"\r\n") else content + b"\r\n"


def _signed(outer: EmailMessage, inner: bytes, mail: Mail, rules: Rules, deadline: float) -> bytes:
    if rules.pgp.sign_with:
        kind = 'multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"'
        signature = pgp.signature(inner, rules.pgp, deadline)
        part = b'Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n' + signature
        return _multipart(outer, kind, [inner, part])
    return _head(outer) + _smime_signed(inner, rules)


def _smime_signed(inner: bytes, rules: Rules) -> bytes:
    if rules.smime.certificate is None:
        raise UnprotectedError("the settings name no key to sign mails with (mail.pgp.sign_with, mail.smime.key)")
    kind = 'multipart/signed; micalg=sha-256; protocol="application/pkcs7-signature"'
    signature = (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
    ) + _base64(smime.signature(inner, rules.smime))
    return _multipart(EmailMessage(policy=LINES), kind, [inner, signature])


# --- MIME, byte by byte: what was signed must stay as it was ----------------------------------------------------------


def _head(outer: EmailMessage) -> bytes:
    """Return the header fields, without the empty line after them."""
    return outer.as_bytes(policy=LINES).rstrip(b"\r\n") + b"\r\n" if outer.keys() else b""


def _multipart(outer: EmailMessage, kind: str, parts: Sequence[bytes]) -> bytes:
    boundary = f"=-{uuid.uuid4().hex}"
    head = _head(outer) + b"MIME-Version: 1.0\r\n" * bool(outer.keys())
    head += f'Content-Type: {kind};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    line = f"--{boundary}".encode()
    return head + b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def _single(outer: EmailMessage, kind: str, name: str, content: bytes) -> bytes:
    lines = ["MIME-Version: 1.0", f"Content-Type: {kind}", "Content-Transfer-Encoding: base64"]
    lines.append(f'Content-Disposition: attachment; filename="{name}"')
    return _head(outer) + "\r\n".join([*lines, "", ""]).encode() + _base64(content)


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")
