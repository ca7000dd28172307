"""Splunk's HTTP Event Collector: events one after the other, an answer that names the first bad one.

https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector
"""

from __future__ import annotations

import json

from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports.http import Reply
from misp_workflow.effects import Bulk

SUCCESS = 0
BAD_EVENT = frozenset((5, 6, 12, 13, 15))
"""Codes about one event: no data, invalid format, event field required or blank, fields that are none."""


def content(bulk: Bulk) -> tuple[str, str]:
    """Return the events; what is withdrawn is an event that says so, because nothing is ever taken out of Splunk."""
    lines = []
    for one in bulk.records:
        event = json.loads(one["body"]) if one["body"] else {"attribute_uuid": one["key"]}
        told = {"time": bulk.at, "event": {**event, "withdrawn": one["body"] is None}}
        lines.append(json.dumps({**told, **bulk.options}, ensure_ascii=False))
    return "\n".join(lines), "application/json"


def judge(bulk: Bulk, reply: Reply) -> Answer:
    """Return what came of the events. Of those beside a bad one nothing is known: they are sent again without it."""
    try:
        said = json.loads(reply.body)
        code, bad = int(said["code"]), said.get("invalid-event-number")
    except (ValueError, KeyError, TypeError):
        return Answer(outcome="refused", detail="it did not answer as the HTTP Event Collector does: check the address")
    number = len(bulk.records)
    if code == SUCCESS:
        ids = {place: str(one["topic"]) for place, one in enumerate(bulk.records)}
        return part(number, {}, {}, ids=ids)
    text = f"{said.get('text', 'error')} (code {code})"
    if code in BAD_EVENT and isinstance(bad, int) and 0 <= bad < number:
        others = dict.fromkeys((place for place in range(number) if place != bad), "beside an event that was refused")
        return part(number, {bad: text}, others)
    return Answer(outcome="refused", detail=text)
