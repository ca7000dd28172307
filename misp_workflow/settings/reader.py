"""From the text of the settings file to `Settings`: every key known, every value checked, or one clear sentence."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from misp_workflow import local_time, web_address
from misp_workflow.errors import SettingsError
from misp_workflow.event import is_expression
from misp_workflow.markings import PAP_LEVELS, TLP_LEVELS
from misp_workflow.secret_names import is_secret_name
from misp_workflow.settings.lists_table import read_list, read_lists
from misp_workflow.settings.mail_table import read_mail
from misp_workflow.settings.misps import in_force, read_misps
from misp_workflow.settings.model import (
    BROKERS,
    DISTRIBUTIONS,
    Destination,
    Networks,
    Outbox,
    Settings,
)
from misp_workflow.settings.network_table import NETWORK_WORDS, read_network, read_proxy
from misp_workflow.settings.routes import read_route
from misp_workflow.settings.scripts import read_scripts
from misp_workflow.settings.secrets import is_reference
from misp_workflow.settings.table import EXPRESSION, Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

LONGEST_ANSWER = 60.0
DEFAULTS = Destination()


def read(text: str, path: Path, state_folder: Path) -> Settings:
    """Return the settings that `text` holds; SettingsError names the file, the line and what to do.

    `state_folder` is what holds when the text names none.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None
    except RecursionError:
        raise SettingsError(f"{path} is nested too deeply.") from None
    return settings_of(Table(values, (), str(path), text), path, state_folder)


def settings_of(top: Table, path: Path, state_folder: Path) -> Settings:
    """Return the settings of the file's top table."""
    everywhere = replace(DEFAULTS, timezone=_timezone(top, ""))
    defaults = _destination("", top.table("defaults"), everywhere)
    destinations = _destinations(top.table("destinations"), defaults)
    misps = read_misps(top.table("misp"))
    settings = Settings(
        path=path,
        answer_within=top.seconds("answer_within", 0.1, LONGEST_ANSWER) or Settings.answer_within,
        largest_request=top.size("largest_request", 1024),
        state_folder=_folder(top, "state_folder", state_folder),
        modules_url=top.web_address("modules_url", Settings.modules_url),
        misp=in_force(misps),
        misps=misps,
        outbox=_outbox(top.table("outbox")),
        ledger_age=_ledger(top.table("ledger")),
        mail=read_mail(top.table("mail")),
        network=read_network(top.table("network")),
        networks=_networks(top.table("networks")),
        lists=read_lists(top.table("lists")),
        scripts=read_scripts(top.table("scripts")),
        rules=_rules(top.table("rules")),
        defaults=defaults,
        destinations=destinations,
        routes=tuple(read_route(table, destinations) for table in top.tables("routes")),
    )
    top.done()
    return settings


def literal_secrets(settings: Settings) -> list[str]:
    """Return the names of the settings that hold a secret itself instead of a reference to one."""
    found = []
    misps = settings.misps.values()
    found += [f"{one.table}.key" for one in misps if one.key_reference and not is_reference(one.key_reference)]
    if not is_reference(settings.outbox.url_reference) and _has_user(settings.outbox.url_reference):
        found.append("outbox.url")
    addresses = {f"{one.table}.url": one.url for one in misps} | {"modules_url": settings.modules_url}
    found += [name for name, url in addresses.items() if _has_user(url)]
    if settings.outbox.key_reference and not is_reference(settings.outbox.key_reference):
        found.append("outbox.key")
    phrases = {"pgp": settings.mail.pgp.passphrase_reference, "smime": settings.mail.smime.passphrase_reference}
    found += [f"mail.{way}.passphrase" for way, one in phrases.items() if one and not is_reference(one)]
    proxies = {"network.proxy": settings.network.proxy} | {f"{one.table}.proxy": one.proxy for one in misps}
    proxies |= {f"destinations.{place.name}.proxy": place.proxy for place in settings.destinations.values()}
    found += [name for name, proxy in proxies.items() if not is_reference(proxy) and _has_user(proxy)]
    if settings.lists.token_reference and not is_reference(settings.lists.token_reference):
        found.append("lists.token")
    for destination in settings.destinations.values():
        for name, value in destination.values.items():
            if value and not is_reference(value) and _holds_secret(name, value):
                found.append(f"destinations.{destination.name}.parameters.{name}")
    for where, value in settings.scripts.values():
        if value and not is_reference(value) and _holds_secret(where.rpartition(".")[2], value):
            found.append(where)
    return found


def _holds_secret(name: str, value: str) -> bool:
    """Whether the value lets somebody in: by its name, or as a web address that is its own key (a webhook)."""
    return is_secret_name(name) or "webhook" in name.casefold() or (name.endswith("url") and _has_user(value))


def _has_user(url: str) -> bool:
    """Whether an address has a user in it, maybe with a password; one that cannot be read may have one."""
    parts = web_address.split(url)
    return "@" in (url if parts is None else parts.netloc)


def _outbox(table: Table) -> Outbox:
    url = table.text("url")
    if url and not is_reference(url) and (problem := web_address.trouble(url, BROKERS)):
        raise table.error("url", f"{problem}, or be left out")
    max_age = table.seconds("max_age")
    window = table.seconds("window")
    outbox = Outbox(
        url_reference=url,
        key_reference=table.text("key"),
        max_bytes=table.size("max_bytes", 1024 * 1024) or Outbox.max_bytes,
        max_age=Outbox.max_age if max_age is None else max_age,
        window=Outbox.window if window is None else window,
        workers=int(table.number("workers", 1, 32) or Outbox.workers),
    )
    table.done()
    return outbox


def _ledger(table: Table) -> float:
    age = table.seconds("max_age")
    table.done()
    return Settings.ledger_age if age is None else age


def _networks(table: Table) -> Networks:
    networks = Networks(deny=table.strings("deny"), allow=table.strings("allow"))
    for key, entries in (("deny", networks.deny), ("allow", networks.allow)):
        for entry in entries:
            if entry not in NETWORK_WORDS:
                _check_network(table, key, entry)
    table.done("proxies stand in [network]")
    return networks


def _check_network(table: Table, key: str, entry: str) -> None:
    try:
        ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise table.error(
            key, f"has “{entry}”, which is no network, address, or one of {', '.join(NETWORK_WORDS)}"
        ) from None


def _rules(table: Table) -> Mapping[str, Path]:
    """Return the rule files of the gates by name; each is read when a gate needs it."""
    return MappingProxyType({name: _folder(table, name, Path()) for name in table.names()})


def _destinations(table: Table, defaults: Destination) -> Mapping[str, Destination]:
    found = {name: _destination(name, table.table(name), defaults) for name in table.names()}
    return MappingProxyType(found)


def _distribution(table: Table, defaults: Destination) -> int:
    """Return the level, which the file may write as MISP's number too."""
    numbers = tuple(map(str, range(len(DISTRIBUTIONS))))
    written = table.choice("distribution", (*DISTRIBUTIONS, *numbers), numbers[defaults.distribution])
    return numbers.index(written) if written in numbers else DISTRIBUTIONS.index(written)


def _destination(name: str, table: Table, defaults: Destination) -> Destination:
    """Return one destination; what its table leaves out is as in `defaults`."""
    rate = table.number("rate", 0.001)
    digest = table.gathering("digest")
    max_age = table.seconds("max_age")
    characters = table.number("max_characters", 20)
    size = table.size("max_bytes", 256)
    destination = Destination(
        name=name,
        values=_parameters(table) if name else DEFAULTS.values,
        tlp=_level(table, "tlp", TLP_LEVELS, defaults.tlp),
        pap=_level(table, "pap", PAP_LEVELS, defaults.pap),
        distribution=_distribution(table, defaults),
        sharing_groups=table.strings("sharing_groups", defaults.sharing_groups),
        local_tags=table.flag("local_tags", defaults.local_tags),
        unmarked=_level(table, "unmarked", TLP_LEVELS, defaults.unmarked),
        unmarked_there=_level(table, "unmarked_there", TLP_LEVELS, defaults.unmarked_there),
        unmarked_pap=_level(table, "unmarked_pap", PAP_LEVELS, defaults.unmarked_pap),
        markings=_markings(table.table("markings"), defaults.markings),
        rate=defaults.rate if rate is None else rate,
        digest=defaults.digest if digest is None else digest,
        max_age=defaults.max_age if max_age is None else max_age,
        actions=table.strings("actions", defaults.actions),
        max_characters=defaults.max_characters if characters is None else int(characters),
        max_bytes=defaults.max_bytes if size is None else size,
        list=read_list(table.table("list"), name) if name else None,
        proxy=read_proxy(table, defaults.proxy),
        timezone=_timezone(table, defaults.timezone),
    )
    table.done(f"what an action takes as a parameter stands in [destinations.{name or 'NAME'}.parameters]")
    return destination


def _timezone(table: Table, default: str) -> str:
    name = table.text("timezone", default).strip()
    try:
        local_time.zone(name)
    except ValueError:
        sentence = f"is no time zone such as {local_time.EXAMPLE} (where this machine knows none: pip install tzdata)"
        raise table.error("timezone", sentence) from None
    return name


def _level(table: Table, key: str, levels: tuple[str, ...], default: str) -> str:
    level = table.choice(key, (*levels, "white"), default)
    return "clear" if level == "white" else level


def _markings(table: Table, defaults: Mapping[str, str]) -> Mapping[str, str]:
    """Return the operator's own tags with the TLP that each stands for: {"acme:internal*": "amber+strict"}."""
    for tag in filter(is_expression, table.names()):
        raise table.error(tag, EXPRESSION)
    own = {tag.casefold(): _level(table, tag, TLP_LEVELS, "") for tag in table.names()}
    return MappingProxyType({**defaults, **own})


def _parameters(table: Table) -> Mapping[str, str]:
    """Return the parameters that the destination fixes, as text: what MISP sends is text too."""
    below = table.table("parameters")
    return MappingProxyType({name: _as_parameter(below, name) for name in below.names()})


def _as_parameter(table: Table, name: str) -> str:
    value: Any = table.take(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise table.error(name, "must be text, a number, true or false")


def _folder(table: Table, key: str, default: Path) -> Path:
    text = table.text(key)
    if not text:
        return default
    folder = Path(text).expanduser()
    if not folder.is_absolute():
        raise table.error(key, "must be an absolute path")
    return folder
