"""What a settings file may say, and how it is told that it says something else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from misp_workflow.errors import SettingsError
from misp_workflow.settings import Destination, Settings, load
from misp_workflow.settings.file import MAX_FILE
from misp_workflow.settings.gathering import Gathering
from misp_workflow.settings.model import DAY
from misp_workflow.settings.reader import literal_secrets
from misp_workflow.settings.table import line_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "misp-workflow.toml"


@pytest.fixture
def write(tmp_path: Path):
    """Write a settings file that nobody else can read, and return its path."""

    def write_it(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return write_it


def test_an_empty_file_is_all_defaults(write) -> None:
    settings = load(write(""))
    assert settings.answer_within == Settings.answer_within
    assert Settings().answer_within == 4.0, "what all tests but this one have longer"
    assert settings.misp.url == ""
    assert settings.destination("") == Destination()
    assert settings.destination("").tlp == "amber+strict"
    assert not settings.problem


@pytest.mark.parametrize("written", ["2", "'2'", "'connected communities'"])
def test_a_distribution_is_a_number_or_a_word(write, written: str) -> None:
    assert load(write(f"[destinations.a]\ndistribution = {written}")).destination("a").distribution == 2


def test_everything_that_can_be_said(write) -> None:
    settings = load(
        write(
            """
            answer_within = "2.5 s"
            state_folder = "/var/lib/misp-workflow"
            modules_url = "http://modules.example.org:6666"
            [misp]
            url = "https://misp.example.org/"
            key = "env:MISP_KEY"
            verify_tls = false
            ca_file = "/etc/ssl/ours.pem"
            [outbox]
            url = "redis://queue.example.org/0"
            max_bytes = "1 GiB"
            max_age = "5 days"
            window = 0
            workers = 4
            [network]
            proxy = "env:OUR_PROXY"
            no_proxy = ["loopback", "intern.example", ".lab.example", "10.0.0.0/8"]
            proxy_ca_file = "/etc/ssl/proxy.pem"
            [networks]
            deny = ["private", "203.0.113.0/24"]
            allow = ["10.0.0.7"]
            [defaults]
            tlp = "GREEN"
            unmarked = "clear"
            markings = { "ACME:Internal" = "amber+strict" }
            rate = 5
            [destinations.soc-chat]
            tlp = "Amber+Strict"
            pap = "white"
            distribution = "Connected  Communities"
            sharing_groups = ["7", "trusted friends"]
            unmarked_pap = "clear"
            rate = 0.5
            digest = "1 minute"
            max_age = 0
            proxy = "socks5://u:p@proxy.example.org"
            actions = ["slack_message"]
            max_characters = 2000
            max_bytes = "64 KiB"
            [destinations.soc-chat.parameters]
            webhook_url = "env:HOOK"
            verify_tls = true
            expect_status = 201
            [destinations.other]
            """
        )
    )
    assert settings.network.proxy == "env:OUR_PROXY" and settings.network.no_proxy[2:] == (".lab.example", "10.0.0.0/8")
    assert settings.destination("soc-chat").proxy == "socks5://u:p@proxy.example.org"
    assert literal_secrets(settings) == ["destinations.soc-chat.proxy"]
    assert settings.answer_within == 2.5
    assert settings.modules_url == "http://modules.example.org:6666"
    assert settings.misp.url == "https://misp.example.org"
    assert not settings.misp.verify_tls
    assert (settings.outbox.max_bytes, settings.outbox.max_age, settings.outbox.window) == (1024**3, 5 * DAY, 0)
    assert settings.networks.deny == ("private", "203.0.113.0/24")
    chat = settings.destination(" soc-chat ")
    assert (chat.tlp, chat.pap, chat.distribution) == ("amber+strict", "clear", 2)
    assert (chat.unmarked, chat.unmarked_pap, chat.markings) == ("clear", "clear", {"acme:internal": "amber+strict"})
    assert (chat.rate, chat.digest, chat.max_age, chat.max_characters, chat.max_bytes) == (
        0.5,
        Gathering(60),
        0,
        2000,
        65536,
    )
    assert chat.values == {"webhook_url": "env:HOOK", "verify_tls": "true", "expect_status": "201"}
    assert chat.allows("slack_message")
    assert not chat.allows("http_request")
    other = settings.destination("other")
    assert (other.tlp, other.rate, other.allows("anything")) == ("green", 5, True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("answer_witin = 3", "line 1: answer_witin is not a known setting; the nearest name is “answer_within”."),
        (
            "\n[destinations.a]\ntpl = 'red'",
            "line 3: destinations.a.tpl is not a known setting; the nearest name is “tlp”.",
        ),
        ("[lists]\nfolder = 'lists'", "line 2: lists.folder must be an absolute path"),
        ("[scripts]\nfolder = 'scripts'", "line 2: scripts.folder must be an absolute path"),
        ("[mail.pgp]\nhome = 'gnupg'", "line 2: mail.pgp.home must be an absolute path"),
        ("[mail.pgp]\nsign_with = 'soc@example.org'", "line 2: mail.pgp.sign_with needs mail.pgp.home, the folder"),
        ("[mail.smime]\ncertificate = '/etc/soc.pem'", "line 2: mail.smime.certificate and key belong together"),
        ("[misp]\nversion = '2.5'", "line 2: misp.version is no version of MISP, such as 2.5.50"),
        ("[destinations.a.list]\nmost = 5", "destinations.a.list.format must be one of "),
        (
            "[destinations.a.list]\nformat = 'squid'\nzone = '.x.'",
            "destinations.a.list.zone must be the name of a zone",
        ),
        ("[destinations.a.list]\nformat = 'squid'\nfile = '../x'", "destinations.a.list.file must be a file's name"),
        ("[destinations.'a b'.list]\nformat = 'squid'", "is a list, so its name may have letters, digits, dots"),
        (
            "[destinations.a]\ndigest = '"
            + ", ".join(f"{number // 60:02}:{number % 60:02}" for number in range(200))
            + "'",
            "line 2: destinations.a.digest ",
        ),
        ("[destination.a]", "line 1: destination is not a known setting; the nearest name is “destinations”."),
        ("[destinations.a]\ntlp = 'orange'", "line 2: destinations.a.tlp must be one of clear, green, amber,"),
        ("[destinations.a]\ntlp = 3", "line 2: destinations.a.tlp must be one of clear"),
        ("[defaults.markings]\n'acme:.*' = 'red'", "line 2: defaults.markings.acme:.* is a regular expression; here *"),
        ("[defaults.markings]\n'acme:x' = 'orange'", "line 2: defaults.markings.acme:x must be one of clear"),
        (
            "[network]\nproxy = 'proxy:3128'",
            "line 2: network.proxy must begin with http://, https://, socks5:// or socks5h",
        ),
        ("[network]\nproxy = 'http://p:1/x'", "line 2: network.proxy must end after the port, or be one of none, env"),
        ("[network]\nno_proxy = ['10.0.0.0/99']", "line 2: network.no_proxy has “10.0.0.0/99”, which is no name"),
        (
            "[network]\ndeny = []",
            "line 2: network.deny is not a known setting; networks that nothing may go to stand in",
        ),
        ("[networks]\nproxy = 'none'", "line 2: networks.proxy is not a known setting; proxies stand in [network]"),
        ("timezone = 'Mars/Olympus'", "line 1: timezone is no time zone such as Europe/Berlin"),
        ("[destinations.a]\ntimezone = '../passwd'", "line 2: destinations.a.timezone is no time zone"),
        ("[destinations.a]\nrate = 'fast'", "line 2: destinations.a.rate must be a number"),
        ("[destinations.a]\nrate = -1", "line 2: destinations.a.rate must be at least 0.001"),
        ("[destinations.a]\nrate = true", "must be a number"),
        ("[destinations.a]\nrate = nan", "must be a number"),
        ("[destinations.a]\nactions = 'slack_message'", "line 2: destinations.a.actions must be a list of texts"),
        ("[destinations.a]\ndistribution = 4", "must be one of your organisation only, this community only"),
        ("[destinations.a]\ndistribution = true", "must be one of your organisation only, this community only"),
        ("[destinations.a]\ndistribution = 'everybody'", "must be one of your organisation only, this community only"),
        ("[destinations.a.parameters]\nx = [1]", "line 2: destinations.a.parameters.x must be text"),
        ("[destinations]\na = 3", "line 2: destinations.a must be a table"),
        (
            "[destinations.fw.list]\nformat = 'plain'\nholds = 'ip'",
            "line 3: destinations.fw.list.holds says nothing for plain, which takes several kinds at once",
        ),
        ("[defaults.parameters]\nx = '1'", "defaults.parameters is not a known setting"),
        ("answer_within = '4 fortnights'", "must be a number, or a number with a unit (s, second, min"),
        ("answer_within = 600", "line 1: answer_within must be from 0.1 to 60"),
        ("state_folder = 'here'", "must be an absolute path"),
        ("[misp]\nurl = 'misp.example.org'", "line 2: misp.url must be a web address that begins with https://"),
        ("[misp]\nverify_tls = 'no'", "line 2: misp.verify_tls must be true or false"),
        ("[outbox]\nurl = 'sqlite://x'", "must begin with redis://"),
        ("[outbox]\nmax_bytes = '1 EiB'", "with a unit (B, KB, MB"),
        ("[networks]\ndeny = ['intranet']", "line 2: networks.deny has “intranet”, which is no network"),
        ("x = = 3", "is not valid TOML: "),
        ("a = 1\na = 2", "is not valid TOML: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write, text: str, sentence: str) -> None:
    path = write(text)
    with pytest.raises(SettingsError) as error:
        load(path)
    assert sentence in str(error.value)
    assert str(path) in str(error.value)


def test_a_pipe_is_no_settings_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.toml", 0o600)
    with pytest.raises(SettingsError, match="is no regular file"):
        load(tmp_path / "settings.toml")


def test_a_settings_file_has_an_end(write) -> None:
    with pytest.raises(SettingsError, match=r"is longer than \d+ MiB"):
        load(write("#" * (MAX_FILE + 1)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("a", "b"), 3),
        (("a", "c", "d"), 4),
        (("a", "inline", "key"), 5),
        (("quoted.name", "x"), 7),
        (("list",), 8),
        (("nowhere",), 0),
    ],
)
def test_where_a_key_stands(path: tuple[str, ...], line: int) -> None:
    text = "top = 1\n[a]\nb = 2\n  c.d = 3\ninline = {key = 1}\n[\"quoted.name\"]\n'x' = 1\n[[list]]\n"
    assert line_of(text, path) == line


def test_an_unknown_destination_names_the_nearest(write) -> None:
    settings = load(write("[destinations.soc-chat]\n[destinations.case-desk]"))
    with pytest.raises(
        SettingsError, match=r"No destination is called “soc_chat” in .*; the nearest name is “soc-chat”"
    ):
        settings.destination("soc_chat")
    with pytest.raises(SettingsError, match=r"No destination is called “zzz” in .*settings\.toml\."):
        settings.destination("zzz")
    with pytest.raises(SettingsError, match="there is no settings file"):
        Settings().destination("soc-chat")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(
    ("secret", "mode", "refused"),
    [
        ("[misp]\nkey = 'AbCdEfG'", 0o644, "misp.key"),
        ("[misp]\nkey = 'AbCdEfG'", 0o640, ""),
        ("[misp]\nkey = 'env:MISP_KEY'", 0o644, ""),
        ("[outbox]\nurl = 'amqp://u:hunter2@mq/'", 0o604, "outbox.url"),
        ("[destinations.a.parameters]\nbot_token = 'xoxb-1'", 0o644, "destinations.a.parameters.bot_token"),
        ("[destinations.a.parameters]\nwebhook_url = 'https://h.example.org/1'", 0o644, "parameters.webhook_url"),
        ("[destinations.a.parameters]\nwebhook_url = 'file:/run/secrets/hook'", 0o644, ""),
        ("[destinations.a.parameters]\nurl = 'https://u:hunter2@h/'", 0o644, "destinations.a.parameters.url"),
        ("[destinations.a.parameters]\nchannel = '#soc'", 0o644, ""),
        ("", 0o602, "may change"),
    ],
)
def test_a_file_that_is_too_open(write, secret: str, mode: int, refused: str) -> None:
    path = write(secret, mode)
    if not refused:
        load(path)
        return
    with pytest.raises(SettingsError, match="chmod o-") as error:
        load(path)
    assert refused in str(error.value)
    assert "hunter2" not in str(error.value)


def test_no_repr_shows_a_secret(write) -> None:
    path = write(
        "[misp]\nkey = 'planted-1'\n[outbox]\nurl = 'redis://:planted-2@h/'\n"
        "[destinations.a.parameters]\napi_key = 'planted-3'\n"
    )
    settings = load(path)
    assert "planted" not in repr(settings)
    assert "planted" not in str(settings.destination("a"))
    assert settings.misp.key == "planted-1"
    assert settings.outbox.url == "redis://:planted-2@h/"
    assert settings.destination("a").resolved() == {"api_key": "planted-3"}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(path)


def test_the_example_is_a_valid_file(tmp_path: Path) -> None:
    copy = tmp_path / "misp-workflow.toml"
    copy.write_bytes(EXAMPLE.read_bytes())
    copy.chmod(0o644)  # it holds references only
    settings = load(copy)
    assert settings.destinations
    assert all(place.values for place in settings.destinations.values())
