"""Encrypted and signed mails, read by GnuPG and OpenSSL as a recipient would."""

from __future__ import annotations

import datetime
import email
import email.policy
import subprocess
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from gnupg_kit import GnuPG

pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: pip install aiosmtpd")

from misp_workflow.delivery import transports
from misp_workflow.delivery.retry import Answer
from misp_workflow.effects import Mail
from misp_workflow.testing.mail import MailServer

Rules = Callable[[str], None]
PHRASE = "a pass-phrase ü"


@pytest.fixture(scope="module")
def theirs(program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnuPG]:
    """The recipients' keys, with what only they have."""
    found = GnuPG(program("gpg"), tmp_path_factory.mktemp("gpg") / "theirs")
    found.make("soc@example.org")
    found.make("revoked@example.org")
    mark = next((found.home / "openpgp-revocs.d").glob(f"{found.fingerprint('revoked@example.org')}*"))
    found("--import", content=mark.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))
    found(
        "--faked-system-time",
        "20200101T000000",
        "--quick-generate-key",
        "X <expired@example.org>",
        "ed25519",
        "sign",
        "1d",
    )
    yield found
    subprocess.run(["gpgconf", "--homedir", found.home, "--kill", "all"], check=True)


@pytest.fixture(scope="module")
def ours(program, theirs: GnuPG, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnuPG]:
    """The sender's folder of GnuPG's: a key to sign with, and the recipients' public keys."""
    found = GnuPG(program("gpg"), tmp_path_factory.mktemp("gpg") / "ours")
    found.make("misp@example.org", PHRASE)
    found("--import", content=theirs("--export"))
    theirs("--import", content=found("--export", "misp@example.org"))
    yield found
    subprocess.run(["gpgconf", "--homedir", found.home, "--kill", "all"], check=True)


@pytest.fixture(scope="module")
def folder(theirs: GnuPG, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Public keys and certificates by address, and what belongs to the certificates."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("soc", "revoked", "expired"):
        (folder / f"{name}@example.org.asc").write_bytes(theirs("--armor", "--export", f"{name}@example.org"))
    (folder / "broken@example.org.asc").write_text("no key")
    return folder


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    now = datetime.datetime.now(datetime.timezone.utc)
    year = datetime.timedelta(days=365)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority")])
    authority = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    crl = x509.CertificateRevocationListBuilder().issuer_name(issuer).last_update(now).next_update(now + year)
    times = {"cert": (now, now + year), "old": (now - 2 * year, now - year), "gone": (now, now + year)}
    for name, (begins, ends) in {**times, "misp": times["cert"], "authority": times["cert"]}.items():
        key = authority if name == "authority" else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = issuer if name == "authority" else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        if name == "authority":
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = builder.sign(authority, hashes.SHA256())
        (folder / f"{name}@example.org.pem").write_bytes(made.public_bytes(Encoding.PEM))
        sealing = BestAvailableEncryption(PHRASE.encode()) if name == "misp" else NoEncryption()
        (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing))
        if name == "gone":
            entry = x509.RevokedCertificateBuilder().serial_number(made.serial_number).revocation_date(now).build()
            crl = crl.add_revoked_certificate(entry)
    (folder / "crl.pem").write_bytes(crl.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def send(server: MailServer, to: str = "soc@example.org", **fields: object) -> tuple[Answer, bytes]:
    """Send one mail, and return the answer with the bytes that arrived, b"" for none."""
    before = len(server.mails)
    mail = Mail(
        **{
            "server": server.host,
            "port": server.port,
            "security": "none",
            "sender": "MISP <misp@example.org>",
            "to": to,
            "subject": "Event 7: Ünder attack",
            "text": "New indicators: naïve.example\nFrom here on\n",
            "html": "<p>New indicators</p>",
            "encrypt": "required",
            "thread": "5f6e0000-0000-4000-8000-000000000007",
            **fields,
        }
    )
    answer = transports.send(mail, "k1", time.monotonic() + 30)
    (content,) = [one.content for one in server.mails[before:]] or [b""]
    return answer, content


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def is_hidden(content: bytes) -> bool:
    """Whether nothing of the mail stands outside."""
    assert parsed(content)["Subject"] == "Encrypted message"
    assert parsed(content)["References"] == "<5f6e0000-0000-4000-8000-000000000007@example.org>"
    return b"indicators" not in content and b"attack" not in content


def says_all(inner: EmailMessage) -> bool:
    text = inner.get_body(("plain",)).get_content().splitlines()
    assert text == ["New indicators: naïve.example", "From here on"]
    assert inner["Subject"] == "Event 7: Ünder attack" and inner["To"]
    return inner.get_body(("html",)).get_content().strip() == "<p>New indicators</p>"


def pgp_rules(ours: GnuPG) -> str:
    return f'[mail.pgp]\nhome = "{ours.home}"\nsign_with = "misp@example.org"\npassphrase = "{PHRASE}"\n'


# --- OpenPGP ----------------------------------------------------------------------------------------------------------


def opened(theirs: GnuPG, content: bytes) -> tuple[EmailMessage, str]:
    """Return what is inside, and what GnuPG says of the signature."""
    outer = parsed(content)
    assert outer.get_content_type() == "multipart/encrypted"
    version, sealed = outer.iter_parts()
    assert version.get_content_type() == "application/pgp-encrypted" and b"Version: 1" in version.get_payload(
        decode=True
    )
    inner = theirs("--status-fd", "1", "--decrypt", content=sealed.get_payload(decode=True))
    status = "\n".join(line for line in inner.decode("utf-8", "replace").splitlines() if line.startswith("[GNUPG:]"))
    plain = theirs("--decrypt", content=sealed.get_payload(decode=True))
    return parsed(plain), status


@pytest.mark.parametrize("where", ["keyring", "folder"])
def test_a_mail_by_openpgp(where: str, theirs: GnuPG, ours: GnuPG, folder: Path, server: MailServer, rules: Rules):
    rules(pgp_rules(ours) if where == "keyring" else f'[mail.pgp]\nkeys = "{folder}"')
    answer, content = send(server, to="SOC@example.org" if where == "folder" else "soc@example.org")
    assert answer.outcome == "delivered" and is_hidden(content)
    inner, _ = opened(theirs, content)
    assert says_all(inner) and inner.get_param("protected-headers") == "v1"


def test_a_mail_signed_and_encrypted_by_openpgp(theirs: GnuPG, ours: GnuPG, server: MailServer, rules: Rules):
    rules(pgp_rules(ours))
    answer, content = send(server, sign=True)
    assert answer.outcome == "delivered" and is_hidden(content)
    inner, status = opened(theirs, content)
    assert says_all(inner) and f"VALIDSIG {ours.fingerprint('misp@example.org')}" in status


def test_a_mail_only_signed_by_openpgp(theirs: GnuPG, ours: GnuPG, server: MailServer, rules: Rules, tmp_path: Path):
    rules(pgp_rules(ours))
    answer, content = send(server, encrypt="no", sign=True)
    assert answer.outcome == "delivered" and says_all(next(parsed(content).iter_parts()))
    assert parsed(content)["Subject"] == "Event 7: Ünder attack"
    boundary = f"--{parsed(content).get_boundary()}".encode()
    signed = content.split(boundary + b"\r\n")[1].removesuffix(b"\r\n")  # the line break belongs to the boundary
    signature = list(parsed(content).iter_parts())[1].get_payload(decode=True)
    for changed, fine in ((signed, True), (signed.replace(b"New", b"Old"), False)):
        (tmp_path / "signed").write_bytes(changed)
        (tmp_path / "signature").write_bytes(signature)
        command = ["gpg", "--homedir", theirs.home, "--verify", tmp_path / "signature", tmp_path / "signed"]
        assert (subprocess.run(command, capture_output=True).returncode == 0) == fine


@pytest.mark.parametrize("where", ["keyring", "folder"])
@pytest.mark.parametrize(("to", "why"), [("revoked", "is revoked"), ("expired", "has expired")])
@pytest.mark.parametrize("encrypt", ["required", "if_possible"])
def test_a_key_that_must_not_be_used(encrypt, to, why, where, ours, folder: Path, server: MailServer, rules: Rules):
    rules(pgp_rules(ours) if where == "keyring" else f'[mail.pgp]\nkeys = "{folder}"')
    answer, content = send(server, to=f"{to}@example.org", encrypt=encrypt)
    assert (answer.outcome, content) == ("refused", b"")
    assert f"the PGP key of {to}@example.org {why}" in answer.detail


@pytest.fixture
def moved(theirs: GnuPG) -> bytes:
    """A good key whose owner has left board@example.org, and revoked that address on it."""
    theirs.make("moved@example.org")
    key = theirs.fingerprint("moved@example.org")
    theirs("--quick-add-uid", key, "Board <Board@example.org>")
    theirs("--quick-revoke-uid", key, "Board <Board@example.org>")
    yield theirs("--armor", "--export", key)
    theirs("--yes", "--delete-secret-and-public-key", key)


@pytest.mark.parametrize("where", ["keyring", "folder"])
def test_a_key_whose_owner_has_left_the_address(moved: bytes, where: str, theirs, server, rules: Rules, tmp_path: Path):
    (tmp_path / "board@example.org.asc").write_bytes(moved)
    rules(f'[mail.pgp]\nhome = "{theirs.home}"' if where == "keyring" else f'[mail.pgp]\nkeys = "{tmp_path}"')
    answer, content = send(server, to="board@example.org", encrypt="if_possible")
    assert (answer.outcome, content) == ("refused", b"")
    assert "the PGP key of board@example.org is not this address's any more: that is revoked" in answer.detail


def test_of_a_file_with_several_keys_the_first_one_counts(folder: Path, server, rules: Rules, tmp_path: Path):
    """GnuPG encrypts with that, whatever we looked at."""
    old, good = ((folder / f"{name}@example.org.asc").read_bytes() for name in ("revoked", "soc"))
    for content, outcome in ((old + good, "refused"), (good + old, "delivered")):
        (tmp_path / "soc@example.org.asc").write_bytes(content)
        rules(f'[mail.pgp]\nkeys = "{tmp_path}"')
        answer, _ = send(server)
        assert answer.outcome == outcome
    assert "is revoked" not in answer.detail


def test_a_file_that_holds_no_key(folder: Path, server: MailServer, rules: Rules, program):
    program("gpg")
    rules(f'[mail.pgp]\nkeys = "{folder}"')
    answer, content = send(server, to="broken@example.org")
    assert content == b"" and "the PGP key of broken@example.org is none that GnuPG can read" in answer.detail


def test_a_wrong_pass_phrase_is_not_told(ours: GnuPG, server: MailServer, rules: Rules):
    subprocess.run(["gpgconf", "--homedir", ours.home, "--kill", "all"], check=True)  # it remembers the right one
    rules(pgp_rules(ours).replace(PHRASE, "wrong-phrase"))
    answer, content = send(server, sign=True)
    assert content == b"" and answer.outcome == "refused" and "wrong-phrase" not in answer.detail


# --- S/MIME -----------------------------------------------------------------------------------------------------------


def smime_rules(certificates: Path) -> str:
    return (
        f'[mail.smime]\ncertificates = "{certificates}"\ncrl = "{certificates}/crl.pem"\n'
        f'certificate = "{certificates}/misp@example.org.pem"\nkey = "{certificates}/misp.key"\npassphrase = "{PHRASE}"\n'
    )


def openssl(*command: object, content: bytes) -> bytes:
    done = subprocess.run(["openssl", "cms", *map(str, command)], input=content, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("sign", [False, True])
def test_a_mail_by_smime(sign: bool, certificates: Path, server: MailServer, rules: Rules, program):
    program("openssl")
    rules(smime_rules(certificates))
    answer, content = send(server, to="cert@example.org", sign=sign)
    assert answer.outcome == "delivered" and is_hidden(content)
    inner = openssl("-decrypt", "-inkey", certificates / "cert.key", content=content)
    if sign:
        inner = openssl("-verify", "-CAfile", certificates / "authority@example.org.pem", content=inner)
    assert says_all(parsed(inner))


def test_a_mail_only_signed_by_smime(certificates: Path, server: MailServer, rules: Rules, program):
    program("openssl")
    rules(smime_rules(certificates))
    answer, content = send(server, encrypt="no", sign=True)
    assert answer.outcome == "delivered" and parsed(content)["Subject"] == "Event 7: Ünder attack"
    verify = ("-verify", "-CAfile", certificates / "authority@example.org.pem")
    assert says_all(parsed(openssl(*verify, content=content)))
    with pytest.raises(AssertionError, match=r"(?i)verification failure|digest failure"):
        openssl(*verify, content=content.replace(b"New", b"Old"))


@pytest.mark.parametrize(("to", "why"), [("old", "has expired on"), ("gone", "is revoked")])
def test_a_certificate_that_must_not_be_used(to, why, certificates: Path, server: MailServer, rules: Rules):
    rules(smime_rules(certificates))
    for encrypt in ("required", "if_possible"):
        answer, content = send(server, to=f"{to}@example.org", encrypt=encrypt)
        assert (answer.outcome, content) == ("refused", b"")
        assert f"the certificate of {to}@example.org {why}" in answer.detail


def test_each_list_of_revoked_certificates_in_the_file_counts(certificates: Path, server, rules: Rules, tmp_path: Path):
    now, key = (
        datetime.datetime.now(datetime.timezone.utc),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Another authority")])
    other = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(now)
    other = other.next_update(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    both = other.public_bytes(Encoding.PEM) + (certificates / "crl.pem").read_bytes()
    (tmp_path / "both.pem").write_bytes(both)
    rules(f'[mail.smime]\ncertificates = "{certificates}"\ncrl = "{tmp_path}/both.pem"\n')
    answer, content = send(server, to="gone@example.org")
    assert (answer.outcome, content) == ("refused", b"")
    assert "the certificate of gone@example.org is revoked" in answer.detail


@pytest.mark.parametrize("encrypts", [True, False])
def test_a_certificate_for_signatures_only(encrypts: bool, server: MailServer, rules: Rules, tmp_path: Path):
    now, key = (
        datetime.datetime.now(datetime.timezone.utc),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "soc")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    never = dict.fromkeys(("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False)
    never |= dict.fromkeys(("content_commitment", "encipher_only", "decipher_only"), False)
    use = x509.KeyUsage(digital_signature=True, key_encipherment=encrypts, **never)
    made = builder.add_extension(use, critical=True).sign(key, hashes.SHA256())
    (tmp_path / "soc@example.org.pem").write_bytes(made.public_bytes(Encoding.PEM))
    rules(f'[mail.smime]\ncertificates = "{tmp_path}"\n')
    answer, content = send(server)
    assert bool(content) == encrypts
    assert encrypts or "is for something else: nothing may be encrypted with it" in answer.detail


# --- no key -----------------------------------------------------------------------------------------------------------


def test_without_a_key_nothing_goes_out_or_it_goes_out_in_clear(
    ours: GnuPG, certificates: Path, server: MailServer, rules: Rules
):
    for text in ("", pgp_rules(ours) + smime_rules(certificates)):
        rules(text)
        answer, content = send(server, to="nobody@example.org")
        assert (answer.outcome, content) == ("refused", b"")
        assert "there is no key or certificate of nobody@example.org, and the mail must be encrypted" in answer.detail
        answer, content = send(server, to="nobody@example.org", encrypt="if_possible")
        assert answer.outcome == "delivered" and says_all(parsed(content))


def test_without_a_key_of_our_own_nothing_is_signed(server: MailServer, rules: Rules):
    rules("")
    answer, content = send(server, encrypt="no", sign=True)
    assert (answer.outcome, content) == ("refused", b"") and "no key to sign mails with" in answer.detail


def test_what_waits_holds_nothing_in_clear(state: Path, server: MailServer, rules: Rules):
    from misp_workflow.delivery.deliver import deliver
    from misp_workflow.effects import Parcel

    rules("")
    mail = Mail(
        server=server.host,
        port=server.port,
        sender="m@example.org",
        to="x@example.org",
        text="planted-word-1",
        encrypt="required",
    )
    (receipt,) = deliver([Parcel(key="k", effect=mail, action="email_message", created=time.time())], mode="queue")
    assert receipt.status == "queued"
    for path in state.rglob("*"):
        assert not path.is_file() or b"planted-word-1" not in path.read_bytes()
