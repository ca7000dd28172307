"""What the operator's settings say, as frozen values. Nothing here reads a file, and no repr shows a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from misp_workflow import event, web_address
from misp_workflow.errors import SettingsError, did_you_mean
from misp_workflow.settings.gathering import Gathering
from misp_workflow.settings.lists import ListRules, Lists
from misp_workflow.settings.mail import Mail
from misp_workflow.settings.routes import Route
from misp_workflow.settings.scripts import Scripts
from misp_workflow.settings.secrets import resolve

DISTRIBUTIONS = tuple(event.DISTRIBUTIONS[level] for level in range(4))
"""MISP's distribution levels 0 to 3 in words: those that bound how far an item may go."""

DAY = 86_400.0

BROKERS = ("redis", "rediss", "amqp", "amqps")
"""How the address of an outbox that machines share may begin."""

GROUP_NAME = "name:"
"""What a sharing group's name begins with in the settings, where it could be taken for a number or a uuid."""


@dataclass(frozen=True, kw_only=True)
class Misp:
    """The operator's own MISP; `url` is "" when it is not known, `version` when it is to be asked.

    `proxy` is as in `Destination`. `name` is that of a table [misp.NAME], "" for [misp] itself. `organisations` are the
    names or uuids of those whose events this MISP is asked about, where there are several MISPs. `choices` are the
    names of several of which nobody said which is meant, and then there is no url. `event` is the uuid and the number
    of an event that the one that is meant has so: proof that it is the right one.
    """

    name: str = ""
    organisations: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    event: tuple[str, str] = ("", "")
    url: str = ""
    key_reference: str = field(default="", repr=False)
    verify_tls: bool = True
    ca_file: str = ""
    version: str = ""
    proxy: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """The API key, read from where the settings say at each use; SettingsError when it cannot be read."""
        return resolve(self.key_reference, f"{self.table}.key")

    @property
    def table(self) -> str:
        """The name of its table in the settings."""
        return f"misp.{self.name}" if self.name else "misp"

    @property
    def missing(self) -> str:
        """Why there is none to ask, for the middle of a sentence; "" when there is."""
        if self.url:
            return ""
        if not self.choices:
            return "the settings name no [misp] to ask"
        return (
            f"the settings name several MISPs ({', '.join(self.choices)}), and neither the node's 'misp' nor what MISP "
            "sent says which one is meant"
        )


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Where accepted effects wait. Ages and windows in seconds, sizes in bytes.

    `url` "" is the SQLite file in the state folder; "redis://…" and "amqp://…" are shared by several machines. `key`
    seals what waits; "" is the key file in the state folder, which several machines cannot share.
    """

    url_reference: str = field(default="", repr=False)
    key_reference: str = field(default="", repr=False)
    max_bytes: int = 256 * 1024 * 1024
    max_age: float = 3 * DAY
    window: float = 600.0
    workers: int = 4

    @property
    def url(self) -> str:
        """The address, its password included; SettingsError when it cannot be read."""
        url = resolve(self.url_reference, "outbox.url").strip()
        if url and (problem := web_address.trouble(url, BROKERS)):
            raise SettingsError(f"outbox.url {problem}.")
        return url

    @property
    def key(self) -> str:
        """The sealing key or pass phrase; SettingsError when it cannot be read."""
        return resolve(self.key_reference, "outbox.key")


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Where connections may go, on top of what is never allowed (see docs/clearance.md).

    Both hold networks ("10.0.0.0/8"), addresses, or the words "loopback" and "private"; `allow` wins over `deny`.
    """

    deny: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Network:
    """The way out: `proxy` for web addresses, and which hosts are reached without it (see docs/proxies.md).

    `proxy` is as in `Destination`, with "" for none. `no_proxy` holds names (they stand for what is below them, too),
    addresses and networks, and the words "loopback" and "private". `proxy_ca_file` holds the authorities that an
    https proxy's certificate may come from, in PEM form; "" are those that all connections trust.
    """

    proxy: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ("loopback",)
    proxy_ca_file: str = ""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A named place that things go to.

    `values` are the parameters it fixes, as the settings write them: secrets are still references there, `resolved()`
    has the real ones. `tlp` is the highest TLP that may go there, `pap` the highest PAP ("" when PAP does not matter),
    `distribution` the least distribution that an item must have (0 to 3), `sharing_groups` the sharing groups that
    may go there in spite of such a bound, by number, by uuid, or by name ("Partners"; "name:7"). `unmarked` is the TLP
    of what carries none, `unmarked_there` of what MISP sends without its marking and which stays unknown ("": red for
    posts, log entries and events before they are saved, else what was sent decides). `local_tags` says that tags may go
    there that are attached locally or not exportable. `rate` is effects per second (None: no bound), `digest` for how
    long messages are gathered (None: as the node says), `max_age` the seconds for which delivery is tried again (None:
    as the outbox says; 0: once). `actions` names the actions that may use it (empty: all). `max_characters` and
    `max_bytes` bound a message and a body (None: only the vendor's own limit).
    `list` says how the list for devices is kept that this destination is (None: it is no list).
    `proxy` is the way there: "" as [network] says, "none", "environment" (`HTTPS_PROXY` and its like), or an address
    or a reference to one. `timezone` is the zone that times are told in there ("": UTC).
    """

    name: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    tlp: str = "amber+strict"
    pap: str = ""
    distribution: int = 0
    sharing_groups: tuple[str, ...] = ()
    local_tags: bool = False
    unmarked: str = "amber"
    unmarked_there: str = ""
    unmarked_pap: str = "amber"
    markings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rate: float | None = None
    digest: Gathering | None = None
    max_age: float | None = None
    actions: tuple[str, ...] = ()
    max_characters: int | None = None
    max_bytes: int | None = None
    list: ListRules | None = None
    proxy: str = field(default="", repr=False)
    timezone: str = ""

    def allows(self, action: str) -> bool:
        """Whether the action of this name may use this destination."""
        return not self.actions or action in self.actions

    def resolved(self) -> dict[str, str]:
        """Return `values` with every secret read from where it is kept, now; SettingsError says which cannot be."""
        where = f"destinations.{self.name}.parameters"
        return {name: resolve(value, f"{where}.{name}") for name, value in self.values.items()}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings. `problem` is "" or the sentence that says why the file on disk is not what is in force.

    `largest_request` is how many bytes a request may have (None: as many as misp-modules takes).
    `ledger_age` is the seconds for which it is remembered what was sent where.
    `usable` is False when there is a file, it cannot be used, and no earlier reading of it can stand in: then no
    destination is given out, because nobody knows what bounds the operator wrote. `rules` are the rule files of the
    gates, by name. `misp` is the one in force, `misps` are all of them, by name: see `misps.py`.
    """

    path: Path | None = None
    problem: str = ""
    usable: bool = True
    answer_within: float = 4.0
    largest_request: int | None = None
    state_folder: Path = Path()
    ledger_age: float = 365 * DAY
    modules_url: str = "http://127.0.0.1:6666"
    misp: Misp = Misp()
    misps: Mapping[str, Misp] = field(default_factory=lambda: MappingProxyType({}))
    outbox: Outbox = Outbox()
    mail: Mail = field(default_factory=Mail)
    network: Network = Network()
    networks: Networks = Networks()
    lists: Lists = field(default_factory=Lists)
    scripts: Scripts = field(default_factory=Scripts)
    rules: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    defaults: Destination = Destination()
    destinations: Mapping[str, Destination] = field(default_factory=lambda: MappingProxyType({}))
    routes: tuple[Route, ...] = ()

    def route(self, name: str) -> list[Route]:
        """Return the lines of a route in their order; SettingsError when nothing is called so."""
        if not self.usable:
            raise SettingsError(f"{self.problem} Nothing is sent until it is mended.")
        found = [one for one in self.routes if one.name == name]
        if not found:
            known = did_you_mean(name, {one.name for one in self.routes})
            raise SettingsError(f"No route is called “{name}” in {self.path or 'the settings'}{known}.")
        return found

    def destination(self, name: str) -> Destination:
        """Return the destination of that name; "" gives what holds for a node that names none.

        Raises SettingsError for an unknown name, with the nearest known one.
        """
        if not self.usable:
            raise SettingsError(f"{self.problem} Nothing is sent until it is mended.")
        name = name.strip()
        if not name:
            return self.defaults
        if name in self.destinations:
            return self.destinations[name]
        if self.path is None:
            raise SettingsError(
                f"No destination is called “{name}”: there is no settings file that could name one "
                "(MISP_WORKFLOW_CONFIG or /etc/misp-workflow.toml)."
            )
        raise SettingsError(
            f"No destination is called “{name}” in {self.path}{did_you_mean(name, self.destinations)}."
            + (f" {self.problem}" if self.problem else "")
        )
