"""Records for machines: one per event or per attribute, in the layout that the reader wants."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from misp_workflow import web_address
from misp_workflow.action.call import Call
from misp_workflow.action.fields import TLS
from misp_workflow.action.params import Table
from misp_workflow.action.shared import ecs, stix
from misp_workflow.action.shared.standing import STANDING, Standing, standing
from misp_workflow.action.wording import rendering
from misp_workflow.effects import Batch, Receipt
from misp_workflow.errors import InputError, ParameterError
from misp_workflow.event import flag, text

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

EVENT_FIELDS = ("id", "uuid", "info", "date", "timestamp", "published", "threat_level_id", "analysis", "distribution")
ATTRIBUTE_FIELDS = ("type", "category", "value", "comment", "timestamp", "first_seen", "last_seen")

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
    found = complete(call, said, carrier, records(call, said, topic, carrier.at, bool(carrier.stix), style), at_once)
    if report and said.whole and said.rows and not call.refusal:
        row = {"uuid": said.event, "timestamp": call.view.event.get("timestamp")}
        one = _record(call, topic, row, _json(stix.report(call, said)), carrier.at, style=style)
        alone = {**carrier.stix, "only": "report"}
        found = [replace(each, standing=(*each.standing, said.event)) if each.rest_of else each for each in found]
        found.append(replace(carrier, event=said.event, records=(one,), about=(said.event,), stix=alone))
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


def records(
    call: Call, said: Standing, topic: str, at: float, as_stix: bool = False, style: str = "text"
) -> list[dict[str, Any]]:
    """Return the records of this call, tombstones among them: {"id", "topic", "key", "body"}.

    `topic` names the parameter with the topic, a template that may use `attribute`, `at` is when the call came: an
    attribute that was taken back and comes again in the same state is no repetition. A tombstone has no body; in STIX
    it has one, of what it takes back. `style` is that of event text within a topic.
    """
    record = partial(_record, style=style)
    if as_stix:
        return _stix(call, said, topic, at, record)
    if getattr(call.params, "granularity", "attribute") == "event":
        body = None if not said.rows and said.whole else _json(_event(call, said.rows))
        return [record(call, topic, {"uuid": said.event, "timestamp": call.view.event.get("timestamp")}, body, at)]
    head = {name: call.view.event[name] for name in EVENT_FIELDS if name in call.view.event}
    write = {"flat": _flat, "misp": _misp, "ecs": _ecs}[getattr(call.params, "layout", "flat")]
    there = [record(call, topic, row, _json(write(call, head, row)), at) for row in said.rows]
    return there + [record(call, topic, row, None, at) for row in said.gone]


def _stix(
    call: Call, said: Standing, topic: str, at: float, record: Callable[..., dict[str, Any]]
) -> list[dict[str, Any]]:
    if getattr(call.params, "granularity", "attribute") == "event":
        row = {"uuid": said.event, "timestamp": call.view.event.get("timestamp")}
        return [record(call, topic, row, _json(stix.event(call, said)), at, not said.rows and said.whole)]
    return [
        record(call, topic, row, _json({"Attribute": row}), at, back)
        for rows, back in ((said.rows, False), (said.gone, True))
        for row in rows
    ]


def batches(carrier: Carrier, found: list[dict[str, Any]], at_once: int = AT_ONCE) -> Iterator[Carrier]:
    """Yield the effects that carry the records, at most so many each; tombstones apart from what is there."""
    for back in (False, True):
        chosen = [one for one in found if one.get("withdrawn", one["body"] is None) == back]
        for start in range(0, len(chosen), at_once):
            some = tuple(chosen[start : start + at_once])
            about = tuple(one["key"] for one in some)
            yield replace(carrier, records=some, about=about, takes_back=back)


def _record(
    call: Call, topic: str, row: Mapping[str, Any], body: str | None, at: float, back: bool = False, style: str = "text"
) -> dict[str, Any]:
    """Return a record; `back`: it takes something back, although it has a body."""
    uuid = text(row.get("uuid"))
    return {
        "id": f"{uuid}/{text(row.get('timestamp'))}/{at:.3f}{'/withdrawn' if back or body is None else ''}",
        "topic": _topic(call, topic, row, style),
        "key": uuid,
        "body": body,
        **({"withdrawn": True} if back else {}),
    }


def _topic(call: Call, name: str, row: Mapping[str, Any], style: str) -> str:
    source = getattr(call.params, name, "")
    if "{" not in source:
        return str(source)
    written = rendered(call, name, row, style).strip()
    if not written or not written.isprintable():
        raise ParameterError(f"Parameter '{name}' came out empty or with line breaks; nothing was sent.")
    return written


def rendered(call: Call, name: str, row: Mapping[str, Any], style: str = "text") -> str:
    """Return the parameter `name` as a template that may also use `attribute`."""
    try:
        return rendering.render(getattr(call.params, name), _With(call.context, row), style)
    except InputError as error:
        raise type(error)(f"Parameter '{name}': {error}") from None


def flat(call: Call, row: Mapping[str, Any], withdrawn: bool) -> str:
    """Return an attribute as one plain JSON object that says whether it is withdrawn."""
    head = {name: call.view.event[name] for name in EVENT_FIELDS if name in call.view.event}
    return _json({**_flat(call, head, row), "withdrawn": withdrawn})


class _With(Mapping[str, Any]):
    """What templates of a call may read, and the attribute that the record is about."""

    def __init__(self, context: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        self._context = context
        self._row = row

    def __getitem__(self, name: str) -> Any:
        return self._row if name == "attribute" else self._context[name]

    def __contains__(self, name: object) -> bool:
        return name == "attribute" or name in self._context

    def __iter__(self) -> Iterator[str]:
        yield "attribute"
        yield from self._context

    def __len__(self) -> int:
        return len(self._context) + 1


def _flat(call: Call, head: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute as one object without others in it, but for the list of its tags."""
    told: dict[str, Any] = {"attribute_uuid": row.get("uuid"), "to_ids": flag(row.get("to_ids"))}
    told |= {name: text(row.get(name)) for name in ATTRIBUTE_FIELDS}
    told["tags"] = call.tags_of(row)
    told |= _plain(head)
    told |= {"event_organisation": call.view.organisation, "object": call.view.object_name(row), "link": call.link}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _plain(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the head of an event in the same types whatever MISP sent: before a save "0" is false, 77 is "77"."""
    return {f"event_{name}": flag(value) if name == "published" else text(value) for name, value in head.items()}


def _misp(call: Call, head: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute within the head of its event, as MISP itself publishes one."""
    return {"Event": dict(head), "Attribute": row}


def _ecs(call: Call, head: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return ecs.document(call, row)


def _event(call: Call, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if call.params.layout == "misp":
        chosen = {"Attribute": rows, "Object": []} if call.selected is not None else {}
        return {"Event": {**call.view.event, **chosen}}
    head = {name: call.view.event[name] for name in EVENT_FIELDS if name in call.view.event}
    return {
        **_plain(head),
        "event_organisation": call.view.organisation,
        "tags": call.view.tags,
        "link": call.link,
        "attributes": [
            {name: said for name in ("uuid", *ATTRIBUTE_FIELDS) if (said := text(row.get(name)))} for row in rows
        ],
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
