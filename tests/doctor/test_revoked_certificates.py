"""The doctor looks at the lists of revoked certificates: there, readable, and not out of date."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from doctor_kit import Doctor

NOW = datetime.datetime.now(datetime.timezone.utc)


def list_of(name: str, days: int) -> bytes:
    """Return a list by an issuer of that name, whose next one is due in so many days."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateRevocationListBuilder().issuer_name(issuer)
    made = made.last_update(NOW - datetime.timedelta(days=30)).next_update(NOW + datetime.timedelta(days=days))
    return made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (list_of("One", 7), []),
        (
            list_of("One", 7) + list_of("Two", -3),
            ["outdated lists of revoked certificates: CN=Two (a newer one was due"],
        ),
        (b"no list", ["holds no list of revoked certificates in PEM form"]),
        (None, ["the list of revoked certificates cannot be read from"]),
    ],
)
def test_lists_of_revoked_certificates(doctor: Doctor, tmp_path: Path, content: bytes | None, found: list[str]) -> None:
    file = tmp_path / "crl.pem"
    if content is not None:
        file.write_bytes(content)
    doctor.write(f"[mail.smime]\ncrl = '{file}'\n")
    told = [what for _, what in doctor.about("mail")]
    assert len(told) == len(found) and all(part in what for part, what in zip(found, told, strict=True)), told
    assert ("CN=One" in doctor.text) is False
