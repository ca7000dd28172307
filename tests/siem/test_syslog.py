"""Syslog to the real rsyslog, CEF read by liblognorm, and what hostile values become."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from programs import running
from siem_kit import EVENT, ask, attribute, event

from misp_workflow.testing import free_port


@pytest.fixture
def rsyslog(tmp_path: Path, program: Callable[[str], str]) -> Iterator[tuple[int, Path]]:
    """rsyslog with a TCP and a UDP input on one port; each message becomes a line of JSON."""
    port, out = free_port(), tmp_path / "out"
    (tmp_path / "conf").write_text(
        f"""module(load="imtcp") module(load="imudp")
        template(name="line" type="list" option.jsonf="on") {{
          property(outname="pri" name="pri" format="jsonf") property(outname="host" name="hostname" format="jsonf")
          property(outname="app" name="app-name" format="jsonf") property(outname="id" name="msgid" format="jsonf")
          property(outname="sd" name="structured-data" format="jsonf") property(outname="msg" name="msg" format="jsonf")
        }}
        template(name="record" type="string" string="%pri%\\t%app-name%\\t%msgid%\\t%structured-data%\\t%msg%\\n")
        input(type="imtcp" port="{port}" address="127.0.0.1")
        input(type="imudp" port="{port}" address="127.0.0.1")
        action(type="omfile" file="{out}" template="record")"""
    )
    words = ["-n", "-f", tmp_path / "conf", "-i", tmp_path / "pid"]
    with running(program("rsyslogd"), *words, port=port, log=tmp_path / "log"):
        yield port, out


def read(out: Path, number: int) -> list[list[str]]:
    for _ in range(2400):
        lines = [line.split("\t") for line in out.read_text().splitlines()] if out.exists() else []
        lines = [line for line in lines if line[1] == "misp"]
        if len(lines) >= number:
            return lines
        time.sleep(0.05)
    pytest.fail(f"{number} messages did not arrive: {lines}")


HOSTILE = 'a]b"c\\d=e|f\ng\r\nh <134>1 - - - - - - i'


def test_rsyslog_gets_each_attribute_whole_and_once(rsyslog: tuple[int, Path]) -> None:
    port, out = rsyslog
    rows = [
        attribute(1, comment=HOSTILE),
        attribute(2, "url", "http://evil.example/a?b=c|d"),
        attribute(3, to_ids=False),
    ]
    said = ask("syslog_event", event(*rows, threat_level_id="1"), address=f"tcp://127.0.0.1:{port}")
    assert said["data"]["status"] == "delivered", said
    lines = read(out, 3)
    assert len(lines) == 3
    priority, _, name, data, message = lines[0]
    assert (priority, name) == (str(16 * 8 + 2), "attribute")
    assert f'event="{EVENT}"' in data and f'attribute="{rows[0]["uuid"]}"' in data and 'state="listed"' in data
    assert message.startswith("CEF:0|MISP|misp-workflow|") and "dhost=n1.example" in message
    assert "e\\=" not in data and "d\\\\\\\\" not in data
    assert 'state="withdrawn"' in lines[2][3] and "act=withdrawn" in lines[2][4]


def test_udp_as_well(rsyslog: tuple[int, Path]) -> None:
    port, out = rsyslog
    ask("syslog_event", event(attribute(1), whole=False), address=f"udp://127.0.0.1:{port}", message_format="json")
    (line,) = read(out, 1)
    told = json.loads(line[4])
    assert (told["value"], told["withdrawn"], told["event_uuid"]) == ("n1.example", False, EVENT)


def test_no_message_is_longer_than_the_receiver_takes(rsyslog: tuple[int, Path]) -> None:
    port, out = rsyslog
    rows = [
        attribute(1, "url", "http://evil.example/" + "ü" * 3900, comment="c" * 9000),
        attribute(2, "url", "http://evil.example/" + "a" * 9000),
        attribute(3),
    ]
    for form in ("cef", "leef", "json"):
        ask("syslog_event", event(*rows, whole=False), address=f"tcp://127.0.0.1:{port}", message_format=form)
    lines = read(out, 9)
    assert len(lines) == 9, "a frame was split"
    assert sum("is too long for this message" in line[4] for line in lines) >= 3


def test_the_ledger_says_what_is_withdrawn_with_its_event(rsyslog: tuple[int, Path]) -> None:
    port, out = rsyslog
    address = f"tcp://127.0.0.1:{port}"
    ask("syslog_event", event(attribute(1), attribute(2)), address=address)
    ask("syslog_event", event(attribute(1)), address=address)
    lines = read(out, 4)
    (gone,) = [line for line in lines if 'state="withdrawn"' in line[3]]
    assert f'attribute="{attribute(2)["uuid"]}"' in gone[3]


def test_liblognorm_reads_every_field_of_cef(
    tmp_path: Path, rsyslog: tuple[int, Path], program: Callable[[str], str]
) -> None:
    lognormalizer = program("lognormalizer")
    port, out = rsyslog
    row = attribute(1, "ip-dst|port", "198.51.100.7|443", comment='x=y\\z|"q"')
    ask("syslog_event", event(row, Tag=[{"name": 'acme:x="y"'}]), address=f"tcp://127.0.0.1:{port}")
    (tmp_path / "rules").write_text("version=2\nrule=:%f:cef%\n")
    message = read(out, 1)[0][4].strip()
    read_back = subprocess.run(
        [lognormalizer, "-r", str(tmp_path / "rules"), "-e", "json"],
        input=message,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(read_back.stdout)["f"]["Extensions"]
    assert (found["dst"], found["dpt"], found["act"]) == ("198.51.100.7", "443", "listed")
    assert found["cs3"] == 'acme:x="y"' and found["msg"] == 'x=y\\z|"q"'


def test_leef_keeps_its_separators_to_itself(rsyslog: tuple[int, Path]) -> None:
    port, out = rsyslog
    row = attribute(1, comment="a^b|c\td")
    ask("syslog_event", event(row, whole=False), address=f"tcp://127.0.0.1:{port}", message_format="leef")
    message = read(out, 1)[0][4].strip()
    head, rest = message.rsplit("|", 1)
    assert head.startswith("LEEF:2.0|MISP|misp-workflow|") and head.endswith("|domain|^")
    pairs = dict(part.split("=", 1) for part in rest.split("^"))
    assert pairs["dhost"] == "n1.example" and pairs["msg"] == "a b c d"


def test_a_template_of_ones_own(rsyslog: tuple[int, Path]) -> None:
    port, out = rsyslog
    text = "{{ attribute.type }}={{ attribute.value }} of {{ event.info }}"
    params = {"address": f"tcp://127.0.0.1:{port}", "message_format": "template"}
    ask("syslog_event", event(attribute(1), whole=False), message=text, **params)
    assert read(out, 1)[0][4].strip() == "domain=n1.example of bulk"
    assert "message" in ask("syslog_event", event(attribute(1), whole=False), **params)["error"]


def test_a_server_that_is_not_there_keeps_the_messages() -> None:
    said = ask("syslog_event", event(attribute(1), whole=False), address=f"tcp://127.0.0.1:{free_port()}")
    assert said["data"]["status"] == "queued"


def test_tls_is_octet_counted_and_its_certificate_checked(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                try:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        while some := secured.recv(65536):
                            got.append(some)
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        params = {"address": f"tls://localhost:{server.getsockname()[1]}"}
        refused = ask("syslog_event", event(attribute(1), whole=False), **params)
        assert "certificate" in refused.get("error", ""), refused
        said = ask("syslog_event", event(attribute(2), whole=False), ca_file=str(certificate), **params)
        assert said["data"]["status"] == "delivered", said
        thread.join(20)
    length, _, frame = b"".join(got).partition(b" ")
    assert int(length) == len(frame) and frame.startswith(b"<134>1 ")


def _certificate(folder: Path) -> Path:
    """Write a certificate for localhost with its key, and return the file."""
    import datetime

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    return file


@pytest.mark.parametrize("form", ["cef", "leef", "json"])
def test_event_text_never_ends_a_message(receiver_of_frames: list[bytes], form: str) -> None:
    port = receiver_of_frames.port  # type: ignore[attr-defined]
    rows = [attribute(1, value=HOSTILE, comment=HOSTILE), attribute(2, kind="ip-dst", value="\x00\u2028\x85\x1b[31m")]
    ask("syslog_event", event(*rows, whole=False), address=f"tcp://127.0.0.1:{port}", message_format=form)
    whole = b"".join(receiver_of_frames).decode()
    frames = []
    while whole:
        length, _, rest = whole.partition(" ")
        raw = rest.encode()[: int(length)]
        frames.append(raw.decode())
        whole = rest.encode()[int(length) :].decode()
    assert len(frames) == 2
    for frame in frames:
        assert frame.isprintable()
        assert re.fullmatch(r'<\d+>1 \S+ \S+ misp - attribute \[misp@32473( \w+="(\\["\\\]]|[^"\\\]])*")+\] .+', frame)


@pytest.fixture
def receiver_of_frames() -> Iterator[Any]:
    class Got(list):
        port = 0

    got = Got()
    with socket.create_server(("127.0.0.1", 0)) as server:
        got.port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while some := connection.recv(65536):
                    got.append(some)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield got


@pytest.fixture
def syslog_ng(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """syslog-ng, which apt does not have beside rsyslog: it takes part where somebody has put it in the path."""
    port, out = free_port(), tmp_path / "out"
    found = shutil.which("syslog-ng") or pytest.skip("syslog-ng is not installed here")
    (tmp_path / "conf").write_text(
        f"""@version: 3.38
        source s {{ syslog(ip("127.0.0.1") port({port}) transport("tcp")); }};
        destination d {{ file("{out}" template("${{PRI}}\\t${{PROGRAM}}\\t${{MSGID}}\\t${{SDATA}}\\t${{MSG}}\\n")); }};
        log {{ source(s); destination(d); }};"""
    )
    own = [f"--{name}={tmp_path}/{name}" for name in ("persist-file", "control", "pidfile")]
    with running(found, "-F", "--no-caps", "-f", tmp_path / "conf", *own, port=port, log=tmp_path / "log"):
        yield port, out


def test_syslog_ng_gets_each_attribute_whole_and_once(syslog_ng: tuple[int, Path]) -> None:
    """It checks the structured data, and writes what is a line break in a message as one: so none may be in it."""
    port, out = syslog_ng
    rows = [
        attribute(1, comment=HOSTILE),
        attribute(2, "url", "http://evil.example/a?b=c|d"),
        attribute(3, "hostname", 'x"]\\y.example'),
        attribute(4, to_ids=False),
    ]
    for form in ("cef", "leef", "json"):
        said = ask("syslog_event", event(*rows), address=f"tcp://127.0.0.1:{port}", message_format=form)
        assert said["data"]["status"] == "delivered", said
    lines = read(out, 12)
    assert len(out.read_text().splitlines()) == len(lines) == 12, out.read_text()
    assert {(priority, app, name) for priority, app, name, _, _ in lines} == {("134", "misp", "attribute")}
    assert [line[3].count("attribute=") for line in lines] == [1] * 12
    assert sum('state="withdrawn"' in line[3] for line in lines) == 3
