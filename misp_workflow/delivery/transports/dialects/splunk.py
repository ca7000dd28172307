"""Splunk's HTTP Event Collector: events one after the other, an answer that names the first bad one.

https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector; with acknowledgement, see
https://docs.splunk.com/Documentation/Splunk/latest/Data/AboutHECIDXAck, they are in when they are indexed.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from dataclasses import replace

import orjson

from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports.dialects import Ask
from misp_workflow.effects import Bulk, Post

SUCCESS = 0
BAD_EVENT = frozenset((5, 6, 12, 13, 15))
"""Codes about one event: no data, invalid format, event field required or blank, fields that are none."""


def content(bulk: Bulk) -> tuple[str, str]:
    """Return the events; what is withdrawn is an event that says so, because nothing is ever taken out of Splunk."""
    lines, named = [], {name: value for name, value in bulk.options.items() if name != "acknowledge"}
    for one in bulk.records:
        event = json.loads(one["body"]) if one["body"] else {"attribute_uuid": one["key"]}
        told = {"time": int(bulk.at), "event": {**event, "withdrawn": one["body"] is None}}
        lines.append(json.dumps({**told, **named}, ensure_ascii=False))
    return "\n".join(lines), "application/json"


CHANNEL = str(uuid.uuid4())
"""Names this process to Splunk, which numbers acknowledgements by channel."""
LOOK_EVERY = 0.5
LOOK_LATER = 10.0
MOST_UNSETTLED = 10_000
PATIENCE = 300.0
"""Seconds after which events that were not acknowledged are sent again, as Splunk advises."""
WAITING = "it has taken them and not yet said that they are indexed"

_lock = threading.Lock()
_unsettled: dict[str, tuple[int, float]] = {}
"""By what was sent: the number of its acknowledgement, and when it was sent."""


def exchange(bulk: Bulk, post: Post, ask: Ask) -> Reply | Answer:
    """Send the events; with acknowledgement, wait until they are indexed, in this try or a later one."""
    if not bulk.options.get("acknowledge"):
        return ask(post)
    sent = hashlib.sha256((post.url + (post.body or "")).encode()).hexdigest()
    with _lock:
        number, since = _unsettled.get(sent, (-1, 0.0))
    if number < 0 or time.monotonic() - since > PATIENCE:
        reply = ask(replace(post, headers={**post.headers, "X-Splunk-Request-Channel": CHANNEL}))
        number, since = _number(reply), time.monotonic()
        if number < 0:  # an error; or a token that acknowledges nothing
            return reply
        with _lock:
            while len(_unsettled) >= MOST_UNSETTLED:
                del _unsettled[next(iter(_unsettled))]
            _unsettled[sent] = (number, since)
    while not _is_indexed(post, number, ask):
        if time.monotonic() + 2 * LOOK_EVERY > ask.deadline:
            return Answer(outcome="again", detail=WAITING, retry_after=LOOK_LATER)
        time.sleep(LOOK_EVERY)
    with _lock:
        _unsettled.pop(sent, None)
    return Reply(200, {}, b'{"text": "Success", "code": 0}', False)


def _number(reply: Reply) -> int:
    try:
        said = orjson.loads(reply.body)
        return int(said["ackId"]) if int(said["code"]) == SUCCESS else -1
    except (ValueError, KeyError, TypeError, OverflowError):
        return -1


def _is_indexed(post: Post, number: int, ask: Ask) -> bool:
    url = f"{post.url.removesuffix('/event')}/ack"
    reply = ask(replace(post, url=url, query={"channel": CHANNEL}, json={"acks": [number]}, body=None, content_type=""))
    try:
        return orjson.loads(reply.body)["acks"][str(number)] is True
    except (ValueError, KeyError, TypeError):
        return False


def judge(bulk: Bulk, reply: Reply) -> Answer:
    """Return what came of the events. Of those beside a bad one nothing is known: they are sent again without it."""
    try:
        said = orjson.loads(reply.body)
        code, bad = said["code"], said.get("invalid-event-number")
    except (ValueError, KeyError, TypeError, AttributeError):
        code = None
    if type(code) is not int:
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
