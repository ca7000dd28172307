"""A file that a service wants before the message that shows it.

What the service calls the file is noted at once (`threads`, one file of this machine): who is killed before the message
does not bring it again. A file that no message shows is seen by nobody, so to bring it twice does no harm.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from misp_workflow import web_address
from misp_workflow.delivery.guard.networks import read_address
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network import proxies
from misp_workflow.delivery.transports.network.tries import Try, trying
from misp_workflow.delivery.transports.request import answers, threads
from misp_workflow.delivery.transports.request.filling import filled
from misp_workflow.effects import Json, Messages, Post

Values = dict[str, Json]
"""What `put` may name."""

DONE = Answer(outcome="delivered", detail="")


def brought(effect: Messages, key: str, deadline: float) -> tuple[Answer, Values]:
    """Bring the file, unless a try before did, and return what may be put into the messages."""
    values = {"content": effect.file["text"], "length": len(effect.file["text"].encode("utf-8", "replace"))}
    noted = _noted(effect, key)
    if known := threads.first(noted):
        return DONE, values | json.loads(known)
    answer, taken = _bring(effect, values, deadline)
    if answer.outcome != "delivered":
        answer = dataclasses.replace(answer, detail=f"the file was not taken: {answer.detail}")
        return answers.without(answer, effect.secrets), values
    wanted = {name for message in effect.messages for name in (message.get("put") or {}).values()}
    threads.began(noted, json.dumps({name: taken[name] for name in wanted & taken.keys()}))  # not the address: a secret
    return answer, values | taken


def forget(effect: Messages, key: str) -> None:
    """Forget a file whose message was refused: maybe it is not there any more."""
    threads.lost(_noted(effect, key))


def _noted(effect: Messages, key: str) -> Post:
    return Post(url=effect.url, bearer=effect.bearer, thread=f"file {key} {effect.file['name']}")


def _bring(effect: Messages, values: Values, deadline: float) -> tuple[Answer, Values]:
    seconds, taken, answer = deadline - time.monotonic(), Values(), DONE
    if seconds <= 0:
        return Answer(outcome="again", detail=f"there was no time left to ask {effect.service}"), taken
    with trying(deadline, proxies.wish(effect.destination)) as this:
        try:
            for request in effect.uploads:
                answer, said = _made(effect, request, values | taken, this)
                if answer.outcome != "delivered":
                    break
                taken |= said
        except ValueError as error:
            detail = f"the request to {effect.service} cannot be made: {error}"
            answer = Answer(outcome="refused", detail=detail)
        except http.TROUBLES as error:
            answer = http.failure(error, this, effect.service, seconds)
    return (answer if this.proxy is None else answers.without(answer, this.proxy.secrets)), taken


def _made(effect: Messages, request: Mapping[str, Any], values: Values, this: Try) -> tuple[Answer, Values]:
    """Make one request, and return what is taken of the answer."""
    take: Mapping[str, str] = request.get("take") or {}
    own = filled(request, request.get("put") or {}, lambda name: values[name])
    post = _post(effect, {name: value for name, value in own.items() if name not in ("take", "put")}, take)
    if "url" in (request.get("put") or {}):
        if why := refusal(post.url, effect.url):
            return Answer(outcome="refused", detail=f"{effect.service} {why}"), {}
        post = dataclasses.replace(post, secrets=(*post.secrets, post.url))  # whoever has it may write there
        this.public = urlsplit(post.url).hostname != urlsplit(effect.url).hostname
    try:
        answer, content = http.perform(post, "", this, harmless=True)
    finally:
        this.public = False
    said = {name: answers.at(content, path) for name, path in take.items()}
    if answer.outcome == "delivered" and not all(isinstance(one, str) and one for one in said.values()):
        detail = f"{effect.service} did not say where the file is: check the address"
        return Answer(outcome="refused", detail=detail), {}
    return answers.without(answer, post.secrets), said


def _post(effect: Messages, own: Mapping[str, Any], take: Mapping[str, str]) -> Post:
    nothing: dict[str, Any] = {"json": None, "form": None, "body": None, "file": {}, "thread": "", "key_at": ""}
    return effect.plain(**{**nothing, "expect_fields": tuple(take.values()), **own})


def refusal(url: str, service: str) -> str:
    """Return why an address that a service's answer names is not asked, "" when it may be.

    It must be the service's own host, or a name below it (files.slack.com of slack.com), by the same scheme and port.
    So nothing goes where the operator did not send it, whoever answers.
    """
    named, own = _parts(url), _parts(service)
    if named is None or own is None or not _PLAIN.fullmatch(url):
        return "names an address for the file that cannot be read"
    if named[0] != own[0] and not _is_below(named[0], own[0]):
        return f"names another host for the file ({named[0]}), where nothing is sent"
    return "" if named[1:] == own[1:] else f"names another scheme or port of {named[0]} for the file"


_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:[/?][!-\[\]-~]*)?")
"""An address that everybody reads in the same way: no user, no backslash, nothing but ASCII."""


def _is_below(host: str, home: str) -> bool:
    return host.endswith(f".{home}") and read_address(home) is None


def _parts(url: str) -> tuple[str, str, int | None] | None:
    """Return host, scheme and port."""
    parts = web_address.split(url)
    if parts is None or not parts.hostname:
        return None
    return parts.hostname.rstrip("."), parts.scheme, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
