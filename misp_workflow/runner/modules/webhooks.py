"""MISP's webhook. Nobody sends it; what it would send is noted. Mirrors Module_webhook and the errors of its curl."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

from misp_workflow import php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import wire
from misp_workflow.runner.modules import moduleapi
from misp_workflow.runner.modules.execution import Call, Outcome
from misp_workflow.runner.modules.moduleapi import NoAnswerError

CURL_TIMEOUT = 300_000  # milliseconds; MISP sets none of its own


def curl_error(kind: str, url: str) -> str:
    """What MISP's curl says of a receiver that does not answer: "timeout", or anything else for one that refuses."""
    if kind == "timeout":
        waited = f"Operation timed out after {CURL_TIMEOUT} milliseconds with 0 bytes received"
        return f"curl error 28 'Timeout was reached': {waited}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host, port = url, 80
    refused = f"Failed to connect to {host} port {port} after 0 ms: Couldn't connect to server"
    return f"curl error 7 'Couldn't connect to server': {refused}"


_METHODS = ("get", "post", "put", "delete")
_CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
_NOT_ALLOWED = (401, 403)


def webhook(call: Call) -> Outcome:
    """Note the request. Nobody sends it; where the world scripts an answer, it is read as MISP reads it."""
    values = call.values()
    if not call.around.world.arbitrary_urls:
        return Outcome(False, ["`Security.rest_client_enable_arbitrary_urls` is turned off"])
    if php.empty(values["url"]):
        return Outcome(False, ["URL not provided."])
    method, kind = values["request_method"], values["content_type"]
    if method not in _METHODS:
        raise PhpCrash("Error", "Call to a member function isOk() on null")
    request = {
        "method": method.upper(),
        "url": values["url"],
        "data": "" if method == "get" else _payload(values["payload"], call.data(), kind),
        "headers": {
            "Accept": "application/json",
            "Content-Type": _CONTENT_TYPES["form" if kind == "form" else "json"],
            "User-Agent": f"MISP {call.misp.version}",
            **_headers(values["headers"]),
        },
    }
    return _sent(call, request)


def _sent(call: Call, request: dict[str, Any]) -> Outcome:
    call.effect("webhook", f"{request['method']} {request['url']}", request)
    try:
        answer = call.around.server.webhook(request)
    except NoAnswerError as error:
        reason = curl_error(error.kind, request["url"])
        return Outcome(False, [f"Something went wrong while sending the request. Error returned: {reason}"])
    if answer is not None and answer.status in _NOT_ALLOWED:
        return Outcome(False, ["Authentication failed."])
    if answer is not None and answer.status not in moduleapi.OK_CODES:
        body = answer.body.decode("utf-8", "replace")
        return Outcome(
            False, [f"Something went wrong with the request or the remote side is having issues. Body returned: {body}"]
        )
    return Outcome(True, why="nobody sent it" if answer is None else f"HTTP {answer.status}")


def _payload(payload: Any, data: Any, kind: Any) -> Any:
    """A form as it is; JSON re-encoded, text that is none as a JSON string; without a payload the data itself.

    A lone 0 is a payload, which curl then takes for none.
    """
    given = payload == "0" or not php.empty(payload)
    content = payload if given else data
    if given and kind == "json":
        with contextlib.suppress(InputError, AttributeError):
            content = wire.decode(payload.encode("utf-8", "surrogatepass"))
    try:
        body = content if kind == "form" else wire.encode(content).decode()
    except wire.EncodingError as error:
        raise PhpCrash("JsonException", str(error)) from error
    return "" if body == "0" else body


def _headers(text: Any) -> dict[str, str]:
    lines = text.splitlines() if isinstance(text, str) else []
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}
