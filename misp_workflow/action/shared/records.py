"""Records for machines: one per event or per attribute, in the layout that the reader wants."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from misp_workflow import web_address
from misp_workflow.action.call import Call
from misp_workflow.action.fields import TLS
from misp_workflow.action.params import Table
from misp_workflow.action.shared import stix
from misp_workflow.action.shared.content import Writer
from misp_workflow.action.shared.standing import STANDING, Standing, standing
from misp_workflow.effects import Batch, Receipt
from misp_workflow.errors import ParameterError
from misp_workflow.event import text

RECORDS: Table = {
    "granularity": {
        "description": "attribute: one record for each; event: one record for all that is selected",
        "format": "choice",
        "choices": ["attribute", "event"],
        "default": "attribute",
    },
    "layout": {
        "description": "flat: one plain JSON object; misp: MISP's core format; stix21: a bundle of STIX 2.1 objects",
        "format": "choice",
        "choices": ["flat", "misp", "stix21"],
        "default": "flat",
        "needs": {"stix21": "stix"},
    },
    **STANDING,
}
"""The parameters that `records` reads."""

Carrier = Any
"""A `Batch` or a `Bulk`, which gets the records."""

NOTHING = "nothing was selected; set 'selected_or_all' to all for every attribute"

LEVELS = ("mqtt", "nats", "amqp")
"""Systems whose topics have levels and wildcards; their names are those of the styles that keep event text to one."""

AT_ONCE = 500
"""Records in one effect: what a crash may send again."""


BROKER: Table = {
    "username": {"description": "Name to log in with"},
    "password": {"description": "Password to log in with", "secret": True},
    **TLS,
}
"""The parameters with which `effects` reaches a broker, beside `address`."""


def address(server: str, example: str) -> Table:
    """Return the parameter that names the server."""
    told = {"description": f"Address of {server}, such as {example}", "required": True, "address": True}
    return {"address": told}


def address_trouble(text: str, schemes: Sequence[str]) -> str:
    """Return what is wrong with a server's address, for a sentence that begins with its name; "" for nothing."""
    return web_address.trouble(text, tuple(schemes))


def effects(call: Call, topic: str, system: str, service: str, schemes: Sequence[str], **options: Any) -> Any:
    """Return the batches of this call's records for a broker, or the receipt of a call that says nothing.

    `topic` names the parameter with the topic, `schemes` those that the address may have, `options` are the system's.
    """
    params = call.params
    if trouble := address_trouble(params.address, schemes):
        raise ParameterError(f"Parameter 'address' {trouble}.")
    broker = Batch(
        system=system,
        service=service,
        address=params.address,
        username=params.username,
        password=params.password,
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options=options,
        at=time.time(),
    )
    return carried(call, topic, broker)


def carried(
    call: Call,
    topic: str,
    carrier: Carrier,
    at_once: int = AT_ONCE,
    takes: Collection[str] = (),
    *,
    report: bool = False,
) -> list[Carrier] | Receipt:
    """Return the call's records as effects like `carrier`, tombstones and what is left of the event among them.

    `at_once` is the most records in one effect, `takes` the types of attributes that there can be (none: all).
    `report`: a whole event has a record more, its STIX report.
    """
    said = standing(call)
    if isinstance(said, Receipt):
        return said
    if getattr(call.params, "layout", "") == "stix21":
        carrier = replace(carrier, stix={"event": stix.head(call)})
    others = [row for row in said.rows if takes and text(row.get("type")) not in takes]
    if takes:
        rows, gone = ([row for row in some if text(row.get("type")) in takes] for some in (said.rows, said.gone))
        said = replace(said, rows=rows, gone=gone)
    carrier = replace(carrier, moves="{" in getattr(call.params, topic))
    style = carrier.system if getattr(carrier, "system", "") in LEVELS else "text"
    writer = Writer(call, said, topic, carrier.at, style)
    found = complete(call, said, carrier, writer.stix() if carrier.stix else writer.plain(), at_once)
    if report and said.whole and said.rows and not call.refusal:
        alone = {**carrier.stix, "only": "report"}
        found = [replace(each, standing=(*each.standing, said.event)) if each.rest_of else each for each in found]
        found.append(replace(carrier, event=said.event, records=(writer.report(),), about=(said.event,), stix=alone))
    if others and found and not found[0].rest_of:
        found[0] = replace(found[0], left_out={"of a type that it does not take": len(others)})
    elif others and not said.whole:
        return call.skip(f"{carrier.service} takes none of the types that were selected")
    return found or call.skip(NOTHING)


def complete(
    call: Call, said: Standing, carrier: Carrier, found: list[dict[str, Any]], at_once: int = AT_ONCE
) -> list[Carrier]:
    """Return the effects that carry these records, and what takes back the rest of the event and what is held back.

    The latter is told to those only who know it already.
    """
    each = getattr(call.params, "granularity", "attribute") == "attribute"
    carrier = replace(carrier, event=said.event)
    effects: list[Carrier] = [] if call.refusal else [*batches(carrier, found, at_once)]
    if said.whole and (each or call.refusal):
        stay = tuple(str(row["uuid"]) for row in (*said.rows, *said.gone))
        effects.append(replace(carrier, rest_of=said.event, standing=stay, takes_back=True))
    elif said.hidden and each:
        effects.append(replace(carrier, rest_of=said.event, among=said.hidden, takes_back=True))
    return effects


def batches(carrier: Carrier, found: list[dict[str, Any]], at_once: int = AT_ONCE) -> Iterator[Carrier]:
    """Yield the effects that carry the records, at most so many each; tombstones apart from what is there."""
    for back in (False, True):
        chosen = [one for one in found if one.get("withdrawn", one["body"] is None) == back]
        for start in range(0, len(chosen), at_once):
            some = tuple(chosen[start : start + at_once])
            about = tuple(one["key"] for one in some)
            yield replace(carrier, records=some, about=about, takes_back=back)
