"""Microsoft Sentinel: the upload API for STIX objects, an answer of 200 that may name those it refused.

https://learn.microsoft.com/azure/sentinel/stix-objects-api
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import orjson

from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer, http_phrase, part
from misp_workflow.delivery.transports.dialects import Ask
from misp_workflow.delivery.transports.request import tokens
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.effects import Bulk, Post

_WAIT = re.compile(r"in (\d{1,5}) second")
LATER = ("AADSTS90033", "AADSTS90006", "temporarily_unavailable", "server_error")
"""What Entra says of its own troubles: https://learn.microsoft.com/entra/identity-platform/reference-error-codes."""


def content(bulk: Bulk) -> tuple[str, str]:
    """Return the request's body: indicators, each with the event's title as its name."""
    name = str(bulk.stix["event"].get("info") or "MISP")
    objects = [{"name": name, **json.loads(one["body"])} for one in bulk.records]
    return json.dumps({"sourcesystem": bulk.options["source"], "stixobjects": objects}), "application/json"


def exchange(bulk: Bulk, post: Post, ask: Ask) -> Reply | Answer:
    """Send the request with a token of Entra's; one that is refused is asked for anew, once."""
    key = (bulk.options["token_url"], bulk.options["client_id"], bulk.options["client_secret"])
    kept = tokens.known(key)
    for token in (kept, "") if kept else ("",):
        if not token:
            given = _token(bulk, ask)
            if isinstance(given, Answer):
                return given
            token, seconds = given
            tokens.keep(key, token, seconds)
        reply = ask(replace(post, bearer=token, secrets=(*post.secrets, token)))
        if reply.status != 401:
            break
        tokens.forget(key)
    if reply.status == 429:
        found = _WAIT.search(reply.body.decode("utf-8", "replace"))
        header = reply.headers.get("retry-after", "")
        wish = float(header) if header.isdecimal() else float(found[1]) if found else None
        return Answer(outcome="again", detail="it takes no more than 100 requests a minute", retry_after=wish)
    return reply


def _token(bulk: Bulk, ask: Ask) -> tuple[str, float] | Answer:
    options = bulk.options
    form = {"grant_type": "client_credentials", "scope": str(options["scope"])}
    form |= {"client_id": str(options["client_id"]), "client_secret": str(options["client_secret"])}
    url = str(options["token_url"])
    reply = ask(Post(url=url, form=form, verify_tls=bulk.verify_tls, ca_file=bulk.ca_file, secrets=bulk.secrets))
    try:
        said = orjson.loads(reply.body)
        if reply.status == 200:
            return str(said["access_token"]), float(said.get("expires_in", 3600))
        why = quotable(str(said.get("error_description") or said.get("error") or ""), bulk.secrets)
    except (ValueError, KeyError, TypeError, AttributeError):
        why = ""
    later = reply.status >= 500 or reply.status == 429 or any(word in why for word in LATER)
    told = f"Entra gave no token ({http_phrase(reply.status)}{f': {why}' if why else ''})"
    return Answer(outcome="again" if later else "refused", detail=told, down=reply.status >= 500)


def judge(bulk: Bulk, reply: Reply) -> Answer:
    """Return what came of each indicator: all are in but those that the answer names."""
    try:
        said = orjson.loads(reply.body) if reply.body.strip() else {}
        errors = said.get("errors") or []
        refused = {int(one["recordIndex"]): _why(bulk, one) for one in errors}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer(outcome="refused", detail="it did not answer as the upload API does: check the address")
    number = len(bulk.records)
    if any(not 0 <= place < number for place in refused):
        return Answer(outcome="refused", detail="it named objects that were not sent: check the address")
    if reply.status == 400:
        why = "; ".join(dict.fromkeys(refused.values())) or quotable(
            str(said.get("message", "bad format")), bulk.secrets
        )
        return Answer(outcome="refused", detail=f"it answered 400 Bad Request: {why}")
    ids = {place: str(one["topic"]) for place, one in enumerate(bulk.records)}
    return part(number, refused, {}, ids=ids)


def _why(bulk: Bulk, error: dict[str, list[str]]) -> str:
    return quotable(" ".join(map(str, error["errorMessages"])), bulk.secrets)
