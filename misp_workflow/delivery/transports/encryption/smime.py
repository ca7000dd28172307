"""S/MIME by the library cryptography: certificates of recipients in files, each looked at before it is used."""

from __future__ import annotations

import datetime
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from misp_workflow.delivery.transports.encryption.keys import UnusableKeyError, file_of, read
from misp_workflow.settings.mail import Smime

ENDINGS = (".pem", ".crt", ".cer")
Certificate = x509.Certificate
_CRL = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
"""A file holds one for each issuer."""


def certificate_of(address: str, rules: Smime) -> Certificate | None:
    """Return the certificate of this address, None when there is none; UnusableKeyError when it may not be used."""
    if rules.certificates is None or not (file := file_of(address, rules.certificates, ENDINGS)):
        return None
    whose = f"the certificate of {address}"
    try:
        found = x509.load_pem_x509_certificate(read(file, whose))
    except ValueError:
        raise UnusableKeyError(f"{whose} cannot be read: {file} holds none in PEM form") from None
    _check_time(found, whose)
    _check_revoked(found, whose, rules)
    _check_use(found, whose)
    if not isinstance(found.public_key(), rsa.RSAPublicKey):
        raise UnusableKeyError(f"{whose} has no RSA key, and mails can be encrypted for those only")
    return found


def _check_time(certificate: Certificate, whose: str) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    if now > certificate.not_valid_after_utc:
        raise UnusableKeyError(f"{whose} has expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if now < certificate.not_valid_before_utc:
        raise UnusableKeyError(f"{whose} is not valid yet")


def revoked(rules: Smime) -> list[x509.CertificateRevocationList]:
    """Return the lists of revoked certificates that the settings name; UnusableKeyError when the file holds none."""
    if rules.crl is None:
        return []
    try:
        blocks = _CRL.findall(read(rules.crl, "the list of revoked certificates"))
        lists = [x509.load_pem_x509_crl(block) for block in blocks]
    except ValueError:
        lists = []
    if not lists:
        raise UnusableKeyError(f"{rules.crl} holds no list of revoked certificates in PEM form")
    return lists


def _check_revoked(certificate: Certificate, whose: str, rules: Smime) -> None:
    mine = [one for one in revoked(rules) if one.issuer == certificate.issuer]
    if any(one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None for one in mine):
        raise UnusableKeyError(f"{whose} is revoked")


def _check_use(certificate: Certificate, whose: str) -> None:
    try:
        use = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):  # it may do everything, or says it in a way of its own
        return
    if not use.key_encipherment:
        raise UnusableKeyError(f"{whose} is for something else: nothing may be encrypted with it")


def encrypted(content: bytes, certificate: Certificate) -> bytes:
    """Return the content encrypted for this certificate with AES-256: CMS enveloped data, DER."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate)
    builder = builder.set_content_encryption_algorithm(algorithms.AES256)
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def signature(content: bytes, rules: Smime) -> bytes:
    """Return the detached signature of the content with the settings' key: CMS signed data, DER."""
    if rules.certificate is None or rules.key is None:
        raise UnusableKeyError("the settings name no key to sign mails with (mail.smime.certificate and key)")
    try:
        own, *chain = x509.load_pem_x509_certificates(read(rules.certificate, "the certificate to sign with"))
        password = rules.passphrase.encode() or None
        key = serialization.load_pem_private_key(read(rules.key, "the key to sign with"), password)
    except (ValueError, TypeError):
        raise UnusableKeyError(f"{rules.certificate} and {rules.key} cannot be used to sign mails") from None
    _check_time(own, "the certificate to sign with")
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise UnusableKeyError(f"{rules.key} has a kind of key that cannot sign mails")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(own, key, hashes.SHA256())
    for above in chain:
        builder = builder.add_certificate(above)
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return builder.sign(serialization.Encoding.DER, options)
