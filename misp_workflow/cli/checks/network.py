"""The way out: which proxy what takes, whether it is there, and that one stands in the environment and is not used."""

from __future__ import annotations

import time
from collections.abc import Collection

from misp_workflow.cli.checks.finding import Finding, error, ok, warning
from misp_workflow.cli.checks.web import PATIENCE
from misp_workflow.delivery.transports.network import proxies, tries, tunnels
from misp_workflow.delivery.transports.network.proxies import WEB, Proxy
from misp_workflow.errors import SettingsError
from misp_workflow.settings import Destination, Settings, current

SUBJECT = "network"
_TODO = "correct 'proxy' in the settings"
EXAMPLE = "somewhere.example"
"""A web address that stands for all those that no setting names."""


def check(rules: Settings) -> list[Finding]:
    """Return the findings about [network]: one only where there is a proxy at all."""
    found = _unused(rules)
    try:
        proxy = proxies.way("", "https", EXAMPLE, 443, rules)
    except SettingsError as trouble:
        return [*found, error(SUBJECT, str(trouble).rstrip("."), _TODO)]
    if proxy is None:
        return found
    if problem := unreachable(proxy):
        return [*found, error(SUBJECT, problem, "check network.proxy and the way there")]
    said = f"web addresses are asked through the proxy {proxy.shown}"
    if rules.network.proxy != "environment":
        said += f", but for {', '.join(rules.network.no_proxy) or 'none'}"
    return [*found, ok(SUBJECT, said)]


def _unused(rules: Settings) -> list[Finding]:
    name = proxies.in_environment()
    wishes = [rules.network.proxy, rules.defaults.proxy, *(place.proxy for place in rules.destinations.values())]
    if not name or "environment" in wishes or rules.network.proxy == "none":
        return []
    todo = 'write proxy = "environment" in [network] to use it, or "none" to say that this is meant'
    return [warning(SUBJECT, f"the environment names a proxy ({name}), which is not used", todo)]


def unreachable(proxy: Proxy) -> str:
    """Return "" when the proxy takes connections, otherwise the sentence that says why not."""
    with tries.trying(time.monotonic() + PATIENCE) as this:
        try:
            for one in tunnels.to_proxy(proxy, this):
                one.close()
        except OSError as trouble:
            return str(trouble)
    return ""


def way(
    subject: str, place: Destination, scheme: str, host: str, port: int, params: Collection[str]
) -> tuple[list[Finding], Proxy | None]:
    """Return a finding about the way to this address, where there is a proxy anywhere, and the proxy."""
    rules = current()
    try:
        proxy = proxies.way(place.proxy, scheme, host, port, rules)
    except SettingsError as trouble:
        return [error(subject, str(trouble).rstrip("."), _TODO)], None
    if proxy is None:
        if not (place.proxy or rules.network.proxy or proxies.in_environment()):
            return [], None
        web = "" if scheme in WEB or not rules.network.proxy or place.proxy else ": network.proxy is for web addresses"
        return [ok(subject, f"{host} is reached without a proxy{web}")], None
    if scheme not in (*WEB, "smtp") and not ("facility" in params and scheme in ("tcp", "tls")):
        return [error(subject, proxies.UNABLE.format(what=f"what is sent to {scheme}://{host}"), _TODO)], None
    if why := tunnels.refusal(host):
        return [error(subject, why, "correct the address")], None
    return [ok(subject, f"{host} is reached through the proxy {proxy.shown}, which looks its name up")], proxy


def apprise(subject: str, place: Destination) -> list[Finding]:
    """Return a finding when the apprise library would not take the way that the settings want."""
    if why := proxies.apprise_trouble(place.proxy, current()):
        return [error(subject, why, _TODO)]
    name = proxies.in_environment()
    return [ok(subject, f"the apprise library takes the proxy of the environment ({name})")] if name else []
