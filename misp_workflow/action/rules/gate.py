"""What a gate does with rules: judge a call by the node's own parameters and by the rule file that it names."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from misp_workflow.action.call import Call
from misp_workflow.action.rules.book import judge, rules_named
from misp_workflow.action.rules.checks import in_domains, reasons
from misp_workflow.action.rules.subject import Subject
from misp_workflow.delivery import guard, transports
from misp_workflow.errors import ParameterError
from misp_workflow.event import View, live, text

MOST_NAMED = 5
SHARE = 0.6
"""The part of a gate's time after which no further rule is begun: a condition may take about a second."""


def decide(call: Call) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return every reason to say no, and the notes of rules that only warn.

    Raises InputError for what cannot be decided, which a gate answers as a no.
    """
    own = reasons(call.params, Subject(call.view, lambda _: call.holds("condition")))
    book, now = rules_named(getattr(call.params, "rules", "")), time.monotonic()
    verdicts = judge(book, Subject(call.view, call.is_true), now + (call.deadline - now) * SHARE)
    blocking = [told for verdict in verdicts if verdict.rule.blocks for told in verdict.reasons]
    warnings = [f"Warning: {told}." for verdict in verdicts if not verdict.rule.blocks for told in verdict.reasons]
    return (*own, *blocking), tuple(warnings)


def known_view(call: Call) -> View:
    """Return what the call is about; when MISP only named the event, what MISP says of it on being asked.

    Raises DeliveryError when it cannot be asked.
    """
    reference = text(call.view.event.get("uuid")) or text(call.view.event.get("id"))
    if call.view.attributes or not reference.replace("-", "").isalnum():
        return call.view
    found = transports.read_event(reference, min(call.deadline, time.monotonic() + 10) - 0.2)
    return View(guard.scrub(found))


def says_nothing(view: View) -> bool:
    """Whether MISP left out what this is about, as it does for a hover."""
    return not (view.attributes or view.event.get("id") or view.event.get("info"))


def own_values(view: View, domains: tuple[str, ...], networks: tuple[str, ...]) -> Iterator[str]:
    """Yield a reason when values of the event belong to the operator's own domains or networks."""
    ours = [_network(name) for name in networks]
    found = [value for row in live(view.attributes) for value in text(row.get("value")).split("|")]
    own = [value for value in found if in_domains(f"@{_host(value)}", domains) or _is_in(_host(value), ours)]
    if own:
        named = ", ".join(value[:60] for value in own[:MOST_NAMED])
        more = f" and {len(own) - MOST_NAMED} more" if len(own) > MOST_NAMED else ""
        yield f"{named}{more} {'is' if len(own) == 1 else 'are'} our own"


def _host(value: str) -> str:
    try:
        host = urlsplit(value if "://" in value else f"//{value}").hostname or value
    except ValueError:
        host = value
    return host.rpartition("@")[2].strip()


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        raise ParameterError(f"Parameter 'own_networks': '{name}' is no network, such as 192.0.2.0/24.") from None


def _is_in(host: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        found = ipaddress.ip_network(host, strict=False)
    except ValueError:
        return False
    return any(found.version == network.version and found.overlaps(network) for network in networks)
