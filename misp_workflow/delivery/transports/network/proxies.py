"""Which proxy a connection takes: what the settings say of the destination, of the network, or of the environment.

`[network] proxy` is for web addresses only, as browsers have it. Everything else goes through a proxy where its
destination names one itself, so that a proxy for the web does not come between MISP and the mail server in the house.
"""

from __future__ import annotations

import base64
import ipaddress
import urllib.request
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from misp_workflow import settings, web_address
from misp_workflow.delivery.guard.networks import WORDS, read_address
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Settings
from misp_workflow.settings.network_table import proxy_trouble

PORTS = {"http": 3128, "https": 3129, "socks5": 1080}
WEB = ("http", "https")


@dataclass(frozen=True)
class Proxy:
    """One proxy: `scheme` is "http", "https" (TLS to the proxy) or "socks5"; `ca_file` as in the settings."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_file: str = ""

    @property
    def shown(self) -> str:
        """The address for people's eyes."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization (RFC 7617), "" when the proxy wants none."""
        pair = f"{self.username}:{self.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}" if self.username else ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What others may quote and nobody shall read."""
        return tuple(filter(None, (self.password, self.authorization.removeprefix("Basic "))))


def wish(destination: str) -> str:
    """Return what the settings say of the way to this destination; see `Destination.proxy`."""
    rules = settings.current()
    return rules.destinations.get(destination, rules.defaults).proxy


def way(wanted: str, scheme: str, host: str, port: int, rules: Settings | None = None) -> Proxy | None:
    """Return the proxy for a connection, None for the direct way.

    `wanted` is what a destination says (see `wish`), `scheme` what is spoken through it ("https", "smtp"). `rules` are
    the settings in force when not given. SettingsError when the proxy's address cannot be read.
    """
    network = (settings.current() if rules is None else rules).network
    wanted, where, ours = wanted or (network.proxy if scheme in WEB else ""), "proxy", not wanted
    if wanted in ("", "none"):
        return None
    if wanted == "environment":
        wanted, where = of_environment(scheme, host, port), "the proxy of the environment"
    elif ours and stays(host, network.no_proxy):
        return None
    return _read(settings.resolve(wanted, where), where, network.proxy_ca_file) if wanted else None


def for_url(wanted: str, url: str) -> Proxy | None:
    """Return the proxy for a request to this address, which was read before; see `way`."""
    rules = settings.current()
    if not wanted and not rules.network.proxy:
        return None
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return way(wanted, parts.scheme, parts.hostname or "", port, rules)


def of_environment(scheme: str, host: str, port: int) -> str:
    """Return the address that the environment names for it (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), "" for none."""
    named = urllib.request.getproxies_environment()
    found = named.get(scheme) or named.get("all", "")
    if not found or urllib.request.proxy_bypass_environment(f"{host}:{port}", named):  # type: ignore[attr-defined]
        return ""
    return found if "://" in found else f"http://{found}"


def in_environment() -> str:
    """Return the name of a variable that names a proxy for the web here, "" when there is none."""
    named = urllib.request.getproxies_environment()
    return next((f"{name}_PROXY".upper() for name in ("https", "http", "all") if named.get(name)), "")


def cannot(what: str, destination: str, address: str) -> str:
    """Return the sentence that this address, "what" it is, cannot be reached as the settings want, "" when it can.

    For what speaks to its servers by libraries of its own: a proxy that is asked for is never quietly left out.
    """
    wanted = wish(destination)
    parts = web_address.split(address)
    if wanted in ("", "none") or parts is None:
        return ""
    proxy = way(wanted, parts.scheme, parts.hostname or "", parts.port or 0)
    return UNABLE.format(what=what) if proxy else ""


UNABLE = '{what} cannot go through a proxy; write proxy = "none" for this destination in the settings'


def apprise_trouble(wanted: str, rules: Settings) -> str:
    """Return why the apprise library does not take the way that is wanted, "" when it does: it knows only its own."""
    if wanted == "none" and (name := in_environment()):
        return f"the apprise library takes the proxy of the environment ({name}), though the settings say none"
    if (wanted or rules.network.proxy) in ("", "none", "environment"):
        return ""
    todo = 'set HTTPS_PROXY for misp-modules and write proxy = "environment" for this destination'
    return f'the apprise library takes no proxy but the environment\'s: {todo}, or "none"'


@lru_cache(maxsize=64)
def _read(address: str, where: str, ca_file: str) -> Proxy:
    problem = proxy_trouble(address)
    parts = web_address.split(address)
    if problem or parts is None:
        raise SettingsError(f"{where} {problem}.")
    scheme = "socks5" if parts.scheme == "socks5h" else parts.scheme
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(scheme, parts.hostname or "", parts.port or PORTS[scheme], user, password, ca_file)


@lru_cache(maxsize=1024)
def stays(host: str, no_proxy: tuple[str, ...]) -> bool:
    """Whether the host is reached without a proxy. A name is not looked up for that: often only the proxy can."""
    host = host.lower().rstrip(".")
    address = read_address(host)
    for entry in no_proxy:
        if entry == "loopback" and (host == "localhost" or host.endswith(".localhost")):  # RFC 6761, section 6.3
            return True
        if address is None:
            name = entry.lower().removeprefix("*").strip(".")
            if entry not in WORDS and (host == name or host.endswith(f".{name}")):
                return True
        elif any(address in one for one in _networks(entry)):
            return True
    return False


def _networks(entry: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(text, strict=False) for text in WORDS.get(entry, (entry,))]
    except ValueError:  # a name
        return []
