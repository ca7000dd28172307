"""Receivers for the benches, each in a process of its own, and the certificate that those over TLS show."""

from __future__ import annotations

import datetime
import ipaddress
import multiprocessing
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from misp_workflow.testing import HANG, Receiver, answer


def receiver(*, hangs: bool = False, certificate: Path | None = None) -> tuple[str, Callable[[], None]]:
    """Start a receiver in a process of its own; return its address and a function that ends it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_receive, args=(theirs, hangs, certificate), daemon=True)
    process.start()

    def stop() -> None:
        ours.send("stop")
        process.join(10)

    return ours.recv(), stop


def _receive(pipe: Any, hangs: bool, certificate: Path | None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    with Receiver(tls=tls) as receiver:
        receiver.always(HANG if hangs else answer("ok"))
        pipe.send(receiver.url)
        while not pipe.poll(1):
            receiver.clear()


def certificate(folder: Path) -> Path:
    """Return a file with a self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now)
    made = made.not_valid_after(now + datetime.timedelta(days=1)).add_extension(address, critical=False)
    path = folder / "certificate.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM) + secret)
    return path
