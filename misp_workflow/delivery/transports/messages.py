"""Several messages to one place, in order: the next one goes when the one before has arrived.

What arrived is noted at once (`threads`, one file of this machine), so that who is killed between two of them does not
send the first again. Each has a key of its own for services that know a repetition by it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace

import orjson

from misp_workflow.delivery import retry
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http, uploads
from misp_workflow.delivery.transports.request import threads
from misp_workflow.delivery.transports.request.filling import filled
from misp_workflow.effects import Json, Messages, Post
from misp_workflow.words import counted

ENOUGH = 0.5
"""Seconds. With less left the next one waits for its turn: a service is not ill that has no time to answer."""


def send(effect: Messages, key: str, deadline: float) -> Answer:
    """Send the messages that have not arrived yet, up to the first that does not."""
    number, values = len(effect.messages), uploads.Values()
    if not number:  # gathered with others into one
        return http.send(effect.plain(), key, deadline)
    for place, message in enumerate(effect.messages):
        own = _key(key, message)
        noted = effect.plain(thread=f"message {own}")
        if threads.first(noted):
            continue
        if effect.uploads and not values:
            brought, values = uploads.brought(effect, key, deadline)
            if brought.outcome != "delivered":
                return _broken_off(number, place, brought)
        if (place or values) and deadline - time.monotonic() < ENOUGH:
            return _broken_off(number, place, Answer(outcome="again", detail="there was no time left for more"))
        answer = http.send(_post(effect, message, values), own, deadline)
        if answer.outcome != "delivered":
            if answer.outcome == "refused" and effect.uploads:
                uploads.forget(effect, key)
            return _broken_off(number, place, answer)
        threads.began(noted, own)
    return Answer(outcome="delivered", detail=f"{effect.service}: {_delivered(number)}{' with a file' * bool(values)}")


def _post(effect: Messages, message: Mapping[str, Json], values: uploads.Values) -> Post:
    put = message.get("put") or {}
    own = filled(message, put, lambda name: values[name]) if put else message
    return effect.plain(**{"file": {}, **{name: value for name, value in own.items() if name != "put"}})


def _key(key: str, message: Mapping[str, Json]) -> str:
    """Return the key of one message, which stays the same when those before it are gone."""
    content = orjson.dumps([key, message.get("json"), message.get("form")], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:32]


def _broken_off(number: int, place: int, answer: Answer) -> Answer:
    if not place:
        return answer
    rest = dict.fromkeys(range(place, number), answer.detail)
    again = answer.outcome == "again"
    made = retry.part(
        number, {} if again else rest, rest if again else {}, retry_after=answer.retry_after, down=answer.down
    )
    what = "the rest follows" if again else "the rest was refused"
    return replace(made, detail=f"{place} of {_delivered(number)}, {what}: {answer.detail}", status=answer.status)


def _delivered(number: int) -> str:
    return f"{counted(number, 'message')} {'was' if number == 1 else 'were'} delivered"
