"""Each destination: secrets there, parameters known, address reachable, credentials accepted, clock and TLS right."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from misp_workflow.action.params import present
from misp_workflow.cli.checks import network, web
from misp_workflow.cli.checks.finding import Finding, error, ok, skipped, warning
from misp_workflow.cli.checks.probes import PROBES, Probe
from misp_workflow.delivery.lists import shelf_of
from misp_workflow.delivery.retry import http_phrase
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.effects import Post, mask
from misp_workflow.errors import SettingsError, did_you_mean
from misp_workflow.settings import Destination, Settings, is_secret_name, state
from misp_workflow.settings.secrets import is_reference
from misp_workflow.words import counted

Params = Mapping[str, Mapping[str, Any]]
"""An action's table of parameters, as misp-modules serves it."""

PORTS = {
    "amqp": 5672,
    "amqps": 5671,
    "kafka": 9092,
    "kafkas": 9093,
    "mqtt": 1883,
    "mqtts": 8883,
    "nats": 4222,
    "redis": 6379,
    "rediss": 6379,
    "smtp": 25,
    "tcp": 514,
    "tls": 0,  # NATS and syslog have each their own
}
SMTP_PORTS = {"starttls": 587, "tls": 465}
CLEAR = {
    "amqp": "use amqps",
    "http": "use https",
    "kafka": "use kafkas",
    "mqtt": "use mqtts",
    "nats": "use tls",
    "redis": "use rediss",
    "smtp": "write starttls or tls into smtp_security",
    "tcp": "use tls",
}
"""What is not encrypted, and what to do instead; mail only where smtp_security is none, tcp only where it is syslog."""


def check(rules: Settings, actions: Mapping[str, Params]) -> list[Finding]:
    """Return the findings about every destination; `actions` are those of this installation."""
    return [
        finding
        for place in rules.destinations.values()
        for finding in (_kept(rules, place) if place.list else check_one(place, actions))
    ]


def check_one(place: Destination, actions: Mapping[str, Params]) -> list[Finding]:
    """Return the findings about one destination."""
    subject = f"destination {place.name}"
    found = list(_names(subject, place, actions))
    try:
        values = place.resolved()
    except SettingsError as trouble:
        return [*found, error(subject, str(trouble).rstrip("."), "put the secret there, or change the reference")]
    action = next(iter(candidates(place, actions)), "")
    values = dict(present(actions.get(action, {}), values))
    given = {**_defaults(actions.get(action, {})), **values}
    secrets = _secrets(place, values, actions.get(action, {}))
    table = actions.get(action, {})
    tells = not table or bool({"message", "body"} & table.keys())  # others would do something
    for finding in (*_reach(subject, place, given, table), *_credentials(place, action, given, tells)):
        found.append(Finding(finding.subject, finding.state, mask(finding.what, secrets), finding.todo))
    return found


def _kept(rules: Settings, place: Destination) -> list[Finding]:
    """Look at a list for devices: it is a file of this machine, with nobody to ask."""
    subject = f"destination {place.name}"
    try:
        shelf = shelf_of(rules, place.name)
        why = state.refusal(rules.state_folder)
        if why and os.geteuid() != 0:
            return [skipped(subject, f"the list cannot be looked at: {why}", "run the doctor as the service's user")]
        found, number = shelf.check(), len(shelf.rows())
    except SettingsError as trouble:
        return [error(subject, str(trouble).rstrip("."), "correct [lists] in the settings")]
    except (OSError, sqlite3.Error) as trouble:
        what = f"the list {shelf.path} cannot be read: {getattr(trouble, 'strerror', None) or trouble}"
        return [error(subject, what, "give the service's user the right to its folder")]
    if found.clean or (found.gone and not number):
        return [ok(subject, f"{shelf.path} has {counted(number, 'entry', 'entries')}")]
    todo = f"see what: misp-workflow list check {place.name}; write it anew: misp-workflow list rebuild {place.name}"
    return [error(subject, f"{shelf.path} is not what the list says", todo)]


def candidates(place: Destination, actions: Mapping[str, Params]) -> list[str]:
    """Return the actions that this destination is made for: those it names, or those that know all its parameters."""
    if place.actions:
        return [name for name in place.actions if name in actions]
    fits = (name for name, params in actions.items() if present(params, place.values).keys() <= params.keys())
    return list(fits) if place.values else []


def _names(subject: str, place: Destination, actions: Mapping[str, Params]) -> Iterator[Finding]:
    """Find misspelt actions and parameters: nobody else would ever say so."""
    for name in place.actions:
        if name not in actions:
            what = f"no action is called {name}{did_you_mean(name, actions)}"
            yield error(subject, what, "correct 'actions' in the settings")
    tables = [actions[name] for name in place.actions if name in actions] or list(actions.values())
    known = {known for params in tables for name, spec in params.items() for known in (name, *spec.get("formerly", ()))}
    for name in place.values:
        if name not in known:
            what = f"no action that may use it has a parameter {name}{did_you_mean(name, known)}"
            yield error(subject, what, "correct 'parameters' in the settings")


def _defaults(params: Params) -> dict[str, str]:
    return {name: str(spec["default"]) for name, spec in params.items() if spec.get("default") not in (None, "")}


def _reach(subject: str, place: Destination, values: Mapping[str, str], params: Params) -> list[Finding]:
    """Ask the address something harmless."""
    url = next((values[name] for name in _address_names(values, params) if _usual(values[name])), "")
    if not url and values.get("smtp_server"):
        port = values.get("smtp_port") or SMTP_PORTS.get(values.get("smtp_security", ""), 25)
        url = f"smtp://{values['smtp_server']}:{port}"
    if not url and "service_url" in params and (trouble := network.apprise(subject, place)):
        return trouble
    if not url:
        return [skipped(subject, "the settings give no address to try", "it is given by the node, or by the action")]
    try:
        parts = urlsplit(url)
        host, wanted = parts.hostname or "", parts.port
    except ValueError:
        return [error(subject, "the address is not a valid one", "correct it in the settings")]
    port = wanted or PORTS.get(parts.scheme, 0)
    told, proxy = network.way(subject, place, parts.scheme, host, port, list(params))
    if any(finding.state == "error" for finding in told):
        return told
    clear = _in_clear(subject, parts.scheme, host, values)
    if parts.scheme in ("http", "https"):
        return told + _ask(subject, place, url, host, values) + clear
    if not port:
        return [*told, skipped(subject, "the address has no port to try", "write the port into it")]
    problem = web.connects(host, port, proxy)
    if problem:
        return [*told, error(subject, problem, "check the address and the way there"), *clear]
    return [*told, ok(subject, f"{host} can be reached"), *clear]


def _in_clear(subject: str, scheme: str, host: str, values: Mapping[str, str]) -> list[Finding]:
    """Warn of what everybody on the way can read; on this machine there is no way."""
    todo = CLEAR.get(scheme, "")
    only_where = {"smtp": values.get("smtp_security") == "none", "tcp": "facility" in values}
    if not todo or not only_where.get(scheme, True) or proxies.stays(host, ("loopback",)):
        return []
    return [warning(subject, "what is sent there is not encrypted", f"{todo}, unless the way there is your own")]


def _usual(url: str) -> bool:
    """Whether this is an address that can be tried; apprise's, for one, only look like it."""
    scheme = url.partition("://")[0]
    return "://" in url and (scheme in PORTS or scheme in ("http", "https"))


def _address_names(values: Mapping[str, str], params: Params) -> list[str]:
    """Return the parameters that hold an address by the action's own declaration, the most telling first."""
    declared = {name for name, spec in params.items() if spec.get("address") or spec.get("format") == "url"}
    names = [name for name in values if name in declared or name.endswith(("url", "address"))]
    return sorted(names, key=lambda name: (name == "server_url", name != "url"))


def _ask(subject: str, place: Destination, url: str, host: str, values: Mapping[str, str]) -> list[Finding]:
    plain = url.partition("{")[0]  # a template begins here
    verify, ca_file = values.get("verify_tls", "true").casefold() != "false", values.get("ca_file", "")
    asked = Post(url=plain, method="GET", verify_tls=verify, ca_file=ca_file, secrets=(url, plain))
    heard = web.ask(asked, place.proxy)
    if heard.problem:
        return [error(subject, heard.problem, "check the address, the way there, and networks.deny")]
    found = [_answered(subject, host, heard.status), *web.clock(subject, heard.headers, time.time())]
    if not verify and url.startswith("https"):
        todo = "give the issuing authority in ca_file instead"
        return [*found, warning(subject, "its TLS certificate is not verified", todo)]
    return found + web.certificate(subject, url, ca_file, time.time(), place.proxy)


def _answered(subject: str, host: str, status: int) -> Finding:
    """Judge the answer to a GET: most receivers of messages refuse one, and that is an answer."""
    said = f"{host} answers {http_phrase(status)} to a request without a message"
    if status >= 500:
        return warning(subject, said, "the service is ill; what is sent now would wait in the outbox")
    if status in (404, 410):
        return warning(subject, said, "normal for some webhooks; if nothing arrives, check the address")
    return ok(subject, f"{host} can be reached")


def _credentials(place: Destination, action: str, values: Mapping[str, str], tells: bool) -> list[Finding]:
    """Try the credentials where the service has a question for that."""
    subject = f"destination {place.name}"
    probe = PROBES.get(action)
    question = probe.request(values) if probe else None
    if (probe is None or question is None) and not tells:
        return []
    if probe is None or question is None:
        todo = f"send a test message: misp-workflow doctor --send {place.name}"
        return [skipped(subject, "the credentials can only be tried by sending", todo)]
    heard = web.ask(question, place.proxy)
    if heard.problem:
        return [error(subject, heard.problem, "check the address and the way there")]
    content = heard.json()
    told = content if isinstance(content, Mapping) else {}
    if heard.status < 300 and all(told.get(name) == value for name, value in probe.yes.items()):
        return [ok(subject, "the credentials are accepted"), *_lacking(subject, probe, values, heard)]
    said = _told(told) or http_phrase(heard.status)
    return [error(subject, f"the credentials are not accepted: {said}", "make new ones, and put them in place")]


def _lacking(subject: str, probe: Probe, values: Mapping[str, str], heard: web.Heard) -> Iterator[Finding]:
    """What the credentials are not for, where the service says what they are for."""
    granted = (heard.headers or {}).get("x-oauth-scopes")
    scopes = {one.strip() for one in (granted or "").split(",")}
    for scope, (parameter, value) in probe.scopes.items():
        if granted is not None and scope not in scopes and values.get(parameter, value) == value:
            what = f"{parameter} is {value}, and the token lacks {scope}" if parameter else f"the token lacks {scope}"
            yield error(subject, what, f"add {scope} to the app, and install it anew in the workspace")


def _told(content: Mapping[str, Any]) -> str:
    """Return the service's own word for why not, on one line."""
    names = ("error", "message", "description", "msg")
    return next((quotable(content[name]) for name in names if isinstance(content.get(name), str)), "")


def _secrets(place: Destination, values: Mapping[str, str], params: Params) -> list[str]:
    """Return the values that must not be shown."""
    return [
        values[name]
        for name, written in place.values.items()
        if is_reference(written) or params.get(name, {}).get("secret") or is_secret_name(name)
    ]
