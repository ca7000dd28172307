"""Through real proxies: Squid (CONNECT, forwarded requests, a password, TLS) and microsocks (SOCKS5)."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import proxy_kit
import pytest
from delivery_kit import until
from proxy_kit import PASSWORD, USER, WRITTEN, Squid

from misp_workflow import settings
from misp_workflow.delivery import transports
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import misp
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.effects import Batch, Effect, Mail, Notification, Post, Record
from misp_workflow.errors import DeliveryError, SettingsError
from misp_workflow.testing.receiver import Receiver, answer

Rules = Callable[[str], None]
LOGIN = f"{USER}:{WRITTEN}@"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def squid(program, certificate) -> Iterator[Squid]:
    with proxy_kit.squid(program("squid"), certificate) as running:
        yield running


@pytest.fixture(scope="module")
def socks(program) -> Iterator[str]:
    pytest.importorskip("socks", reason="PySocks is not installed: pip install pysocks")
    with proxy_kit.socks(program("microsocks"), "-u", USER, "-P", PASSWORD) as port:
        yield f"socks5://{LOGIN}127.0.0.1:{port}"


@pytest.fixture(params=["http", "https", "socks5"])
def proxy(request: pytest.FixtureRequest) -> str:
    """The address of each kind of proxy, with its password."""
    if request.param == "socks5":
        return request.getfixturevalue("socks")
    running: Squid = request.getfixturevalue("squid")
    return f"{request.param}://{LOGIN}localhost:{running.tls_port if request.param == 'https' else running.port}"


@pytest.fixture(params=["http", "https"])
def receiver(request: pytest.FixtureRequest, certificate: tuple[Path, Path]) -> Iterator[Receiver]:
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    with Receiver(tls=context) as running:
        yield running


@pytest.fixture
def plain() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def toml(proxy: str, more: str = "", certificate: Path | str = "") -> str:
    return f'[network]\nproxy_ca_file = "{certificate}"\n{more}\n[destinations.far]\nproxy = "{proxy}"\n'


def send(effect: Effect, seconds: float = 20.0) -> Answer:
    return transports.send(effect, "k1", time.monotonic() + seconds)


def post(url: str, **fields: object) -> Post:
    return Post(**{"url": url, "service": "Chat", "json": {"text": "ü"}, "destination": "far", **fields})


def test_a_message_takes_every_kind_of_proxy(receiver: Receiver, proxy: str, certificate, rules: Rules, squid: Squid):
    rules(toml(proxy, certificate=certificate[0]))
    before = len(squid.asked())
    url = receiver.url.replace("127.0.0.1", "localhost")
    for _ in range(2):
        given = send(post(f"{url}/hook?a=1", ca_file=str(certificate[0])))
        assert (given.outcome, given.detail) == ("delivered", "Chat answered 200 OK")
    first, second = receiver.requests
    assert (first.target, first.json(), second.target) == ("/hook?a=1", {"text": "ü"}, "/hook?a=1")
    assert not any("proxy-" in name.lower() for name, _ in first.headers)
    if proxy.startswith("socks5") or url.startswith("https"):
        assert receiver.connections == 1, "a tunnel is kept like any other connection"
    else:
        # A tunnel of an earlier test is noted when it ends, maybe only now.
        until(lambda: [line for line in squid.asked()[before:] if url in line] == [f"POST {url}/hook?a=1 200"] * 2)
    # The settings change: what was kept for the proxy is not used without it.
    rules("")
    opened = receiver.connections
    assert send(post(f"{url}/hook", ca_file=str(certificate[0]))).outcome == "delivered"
    assert receiver.connections == opened + 1


def test_a_large_message_and_answer_go_through_tls_within_tls(squid: Squid, certificate, rules: Rules):
    rules(toml(f"https://{LOGIN}localhost:{squid.tls_port}", certificate=certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Receiver(tls=context) as receiver:
        receiver.always(answer({"ok": True, "much": "x" * 800_000}))
        url = receiver.url.replace("127.0.0.1", "localhost")
        given = send(post(url, json={"text": "x" * 3_000_000}, expect={"ok": True}, ca_file=str(certificate[0])))
        assert given.outcome == "delivered"
        assert len(receiver.requests[0].body) > 3_000_000


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_names_are_looked_up_by_the_proxy(scheme: str, squid: Squid, plain: Receiver, certificate, rules: Rules):
    port = squid.tls_port if scheme == "https" else squid.port
    rules(toml(f"{scheme}://{LOGIN}localhost:{port}", certificate=certificate[0]))
    url = f"http://chat.proxied.example:{plain.port}/hook"
    assert send(post(url)).outcome == "delivered"
    assert plain.requests[0].header("Host") == f"chat.proxied.example:{plain.port}"
    rules("")
    assert "unknown" in send(post(url)).detail


def test_a_wrong_password_waits_and_is_not_told(squid: Squid, plain: Receiver, rules: Rules):
    for scheme in ("http", "https"):  # forwarded, and as a tunnel
        rules(toml(f"http://{USER}:wrong-word@localhost:{squid.port}"))
        given = send(post(f"{scheme}://127.0.0.1:{plain.port}/"))
        assert "407" in given.detail and "wrong-word" not in given.detail
        assert scheme == "http" or (given.outcome == "again" and "'proxy'" in given.detail)
    assert plain.requests == []


def test_a_socks_server_says_no(socks: str, plain: Receiver, rules: Rules):
    rules(toml(socks.replace(WRITTEN, "wrong-word")))
    given = send(post(plain.url))
    assert given.outcome == "again" and "does not connect" in given.detail and "wrong-word" not in given.detail
    rules(toml(socks))
    assert "refused" in send(post("http://127.0.0.1:9/")).detail


def test_the_proxy_does_not_allow_the_port(squid: Squid, rules: Rules):
    rules(toml(f"http://{LOGIN}localhost:{squid.port}"))
    given = send(post("https://127.0.0.1:9/"))
    assert given.outcome == "again" and given.down
    assert given.detail == (
        f"the proxy http://localhost:{squid.port} answered 403 Forbidden when it was asked for 127.0.0.1:9; "
        "it does not allow that address or port"
    )


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "metadata.google.internal", "localhost", "10.1.2.3"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_forbidden_is_not_asked_of_the_proxy(host: str, scheme: str, squid: Squid, rules: Rules):
    rules(toml(f"http://{LOGIN}127.0.0.1:{squid.port}", '[networks]\ndeny = ["loopback", "private"]'))
    given = send(post(f"{scheme}://{host}:8443/"))
    assert given.outcome == "refused" and "are not allowed" in given.detail
    assert not any(":8443" in line for line in squid.asked())


def test_a_proxy_at_a_forbidden_address_is_not_spoken_to(rules: Rules):
    rules(toml("http://169.254.169.254:3128"))
    assert send(post("https://chat.example.org/")).outcome == "refused"


def test_a_silent_proxy_costs_no_more_than_the_deadline(rules: Rules):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("http", "socks5"):
            rules(toml(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"))
            given = send(post("https://chat.example.org/"), seconds=0.3)
            assert given.outcome == "again" and given.down


def test_a_proxy_that_quotes_its_password_in_a_conversation_is_masked(rules: Rules):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def quote() -> None:
            connection, _ = listening.accept()
            with connection:
                asked = connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n220 hello\r\n")
                while connection.recv(65536):
                    connection.sendall(b"554 " + asked.replace(b"\r\n", b" ") + b"\r\n")

        thread = threading.Thread(target=quote)
        thread.start()
        address = f"http://{USER}:{WRITTEN}@127.0.0.1:{listening.getsockname()[1]}"
        rules(f'[defaults]\nproxy = "{address}"')
        mail = Mail(server="mail.example", port=25, security="none", sender="a@b.example", to="c@d.example", text="x")
        answer = transports.send(mail, "k1", time.monotonic() + 20)
        thread.join()
    assert "554" in answer.detail and "***" in answer.detail
    assert base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() not in answer.detail


def test_nothing_listens_where_the_proxy_should_be(rules: Rules):
    for scheme in ("http", "https", "socks5"):
        rules(toml(f"{scheme}://127.0.0.1:9"))
        given = send(post("https://chat.example.org/"))
        assert given.outcome == "again" and "proxy" in given.detail and ":9" in given.detail.replace(" port ", ":")


def test_the_certificate_of_the_proxy_is_verified(squid: Squid, rules: Rules):
    rules(toml(f"https://{LOGIN}localhost:{squid.tls_port}"))
    given = send(post("https://127.0.0.1:9/"))
    assert given.outcome == "again" and "no TLS connection to the proxy" in given.detail


# --- who goes which way -----------------------------------------------------------------------------------------------


def taken(wanted: str, url: str) -> str:
    found = proxies.for_url(wanted, url)
    return found.shown if found else ""


def test_the_network_has_a_proxy_and_exceptions(rules: Rules):
    known = '"loopback", "intern.example", "*.lab.example", "10.0.0.0/8", "192.168.7.9"'
    rules(f'[network]\nproxy = "http://proxy.example.org:8080"\nno_proxy = [{known}]')
    direct = (
        "localhost a.localhost 127.0.0.1 127.9.9.9 [::1] intern.example chat.intern.example lab.example x.lab.example"
    )
    for host in (*direct.split(), "10.2.3.4", "192.168.7.9", "CHAT.INTERN.EXAMPLE."):
        assert taken("", f"https://{host}/x") == "", host
    for host in ("example.org", "notintern.example", "192.168.7.8", "[2001:db8::1]"):
        assert taken("", f"https://{host}/x") == "http://proxy.example.org:8080", host
    assert taken("none", "https://example.org/") == ""
    assert taken("socks5://[::1]", "https://example.org/") == "socks5://[::1]:1080"
    assert proxies.way("", "smtp", "example.org", 25) is None, "a proxy for the web is none for mail"
    assert taken("http://proxy2.example.org:1", "https://localhost/") == "http://proxy2.example.org:1"


def test_the_environment_is_used_when_it_is_asked_for(rules: Rules, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "secure.example:1")
    monkeypatch.setenv("HTTP_PROXY", "http://open.example:2")
    monkeypatch.setenv("NO_PROXY", "intern.example")
    rules("")
    assert taken("", "https://example.org/") == ""
    assert taken("environment", "https://example.org/") == "http://secure.example:1"
    rules('[network]\nproxy = "environment"')
    assert taken("", "https://example.org/") == "http://secure.example:1"
    assert taken("", "http://example.org/") == "http://open.example:2"
    assert taken("", "https://chat.intern.example/") == ""
    assert proxies.way("environment", "smtp", "example.org", 25) is None
    monkeypatch.setenv("ALL_PROXY", "socks5://all.example:3")
    found = proxies.way("environment", "smtp", "example.org", 25)
    assert found and found.shown == "socks5://all.example:3"


def test_an_address_by_reference_is_read_at_each_use(rules: Rules, monkeypatch: pytest.MonkeyPatch):
    rules('[network]\nproxy = "env:OUR_PROXY"')
    monkeypatch.setenv("OUR_PROXY", "http://u:p%40ss@one.example:1")
    first = proxies.for_url("", "https://example.org/")
    assert first and (first.username, first.password, "p@ss" in repr(first)) == ("u", "p@ss", False)
    monkeypatch.setenv("OUR_PROXY", "gopher://one.example")
    with pytest.raises(SettingsError, match="must begin with http://, https://, socks5:// or socks5h://"):
        proxies.for_url("", "https://example.org/")


# --- mail, logs, MISP, and what cannot --------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_mail_takes_its_own_proxy(security: str, proxy: str, certificate, rules: Rules):
    pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed: pip install aiosmtpd")
    from misp_workflow.testing.mail import MailServer

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    rules(toml(proxy, certificate=certificate[0]))
    with MailServer(context if security != "none" else None, security) as server:
        mail = Mail(
            server="localhost",
            port=server.port,
            security=security,
            ca_file=str(certificate[0]),
            sender="misp@example.org",
            to="soc@example.org",
            text="New indicators",
            destination="far",
        )
        assert send(mail).outcome == "delivered"
        assert [one.recipients for one in server.mails] == [["soc@example.org"]]


def test_a_log_server_by_tcp_takes_its_own_proxy(proxy: str, certificate, rules: Rules):
    rules(toml(proxy, certificate=certificate[0]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        address = f"tcp://localhost:{server.getsockname()[1]}"
        batch = Batch(system="syslog", address=address, records=({"topic": "", "key": "a", "body": "hello"},))
        heard: list[bytes] = []

        def hear() -> None:
            connection = server.accept()[0]
            with connection:
                while piece := connection.recv(100):
                    heard.append(piece)

        thread = threading.Thread(target=hear)
        thread.start()
        given = send(Batch(**{**vars(batch), "destination": "far"}))
        thread.join(20)
        assert given.outcome == "delivered" and b"".join(heard) == b"5 hello"


def test_misp_takes_the_way_that_its_table_says(squid: Squid, plain: Receiver, rules: Rules):
    plain.always(answer({"Event": {"id": "1"}}))
    url = f"http://chat.proxied.example:{plain.port}"
    rules(f'[misp]\nurl = "{url}"\nkey = "abc"\nproxy = "http://{LOGIN}localhost:{squid.port}"')
    assert misp.read_event("1", settings.current(), time.monotonic() + 20) == {"Event": {"id": "1"}}
    assert plain.requests[0].header("Authorization") == "abc"
    rules(f'[network]\nproxy = "http://{LOGIN}localhost:{squid.port}"\n[misp]\nurl = "{url}"\nkey = "abc"')
    assert misp.read_event("1", settings.current(), time.monotonic() + 20)
    rules(f'[network]\nproxy = "http://localhost:{squid.port}"\n[misp]\nurl = "{url}"\nkey = "abc"\nproxy = "none"')
    with pytest.raises(DeliveryError, match="unknown"):
        misp.read_event("1", settings.current(), time.monotonic() + 20)


@pytest.mark.parametrize(
    "effect",
    [
        Batch(system="kafka", address="kafka://localhost:9092", records=({"topic": "a", "key": "", "body": ""},)),
        Batch(system="mqtt", address="mqtt://localhost", records=({"topic": "a", "key": "", "body": ""},)),
        Batch(system="syslog", address="udp://localhost:514", records=({"topic": "", "key": "", "body": ""},)),
        Record(address="tcp://localhost:5555", frames=("a",), bind=False),
    ],
    ids=lambda effect: effect.place(),
)
def test_what_cannot_take_a_proxy_says_so(effect: Effect, rules: Rules):
    rules(toml("http://localhost:9"))
    given = send(type(effect)(**{**vars(effect), "destination": "far"}))
    assert given.outcome == "refused" and "cannot go through a proxy" in given.detail


def test_apprise_knows_only_the_environment(rules: Rules, monkeypatch: pytest.MonkeyPatch):
    message = Notification(url="json://localhost:9/", host="localhost", text="hello", destination="far")
    rules(toml("http://localhost:9"))
    assert "no proxy but the environment's" in send(message).detail
    rules('[network]\nproxy = "http://localhost:9"\n[destinations.far]')
    assert "no proxy but the environment's" in send(message).detail
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:9")
    rules(toml("none"))
    given = send(message)
    assert given.outcome == "refused" and "(HTTPS_PROXY), though the settings say none" in given.detail
    assert proxies.apprise_trouble("environment", settings.current()) == ""
