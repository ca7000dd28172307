"""What an answer over HTTP says: whether it is a yes, when to come back, and in which words to tell of it."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from misp_workflow.delivery import retry
from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports.request import threads
from misp_workflow.effects import Json, Post, mask

MAX_QUOTE = 200
"""Characters of another side's own words in a sentence of ours."""

_MISSING = object()
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def judge(post: Post, who: str, reply: Reply) -> Answer:
    """Return what an answer means, by what the effect says of it; nothing is done about it but beginning a thread."""
    status = reply.status
    needs_json = bool(post.expect or post.expect_fields or post.refuse or post.error_at or post.retry_after_at)
    content = parsed(reply.body) if needs_json else None
    wish = retry.retry_after(reply.headers.get("retry-after"), time.time())
    if wish is None and post.retry_after_at:
        seconds = _at(content, post.retry_after_at)
        unit = 1000 if post.retry_after_at.endswith("_ms") else 1
        wish = min(seconds / unit, retry.LONGEST_WISH) if _is_wait(seconds) else None
    outcome = retry.http_outcome(status)
    if (limit := retry.limit(status, reply.headers, time.time())) is not None:
        outcome, wish = "again", limit if wish is None else wish
    if post.expect_status:
        outcome = "delivered" if status in post.expect_status else ("refused" if outcome == "delivered" else outcome)
    said = next(filter(None, (_text_at(content, path, post.secrets) for path in post.error_at.split("|"))), "")
    said = said or quotable(reply.headers.get("ratelimit-reason", ""), post.secrets)
    if outcome == "refused" and 200 <= status < 300:
        wanted = " or ".join(map(retry.http_phrase, post.expect_status))
        said = said or _plain_text(reply, post.secrets) or f"only {wanted} says yes; check the address"
    if outcome != "delivered":
        said = said or _plain_text(reply, post.secrets)
        if said and said in post.retry_on:
            outcome = "again"
        detail = _status_sentence(who, status, said)
        return Answer(outcome=outcome, detail=detail, retry_after=wish, down=status >= 500, status=status)
    problem = _unexpected(post, content, reply)
    if not problem:
        if post.thread and (first := _text_at(content, post.thread_at, post.secrets)):
            threads.began(post, first)
        return Answer(outcome="delivered", detail=f"{who} answered {retry.http_phrase(status)}", status=status)
    again = bool(said) and said in post.retry_on
    outcome, detail = "again" if again else "refused", f"{who} answered {said or problem}"
    return Answer(outcome=outcome, detail=detail, retry_after=wish, status=status)


def _status_sentence(who: str, status: int, said: str) -> str:
    sentence = f"{who} answered {retry.http_phrase(status)}"
    more = "; ".join(filter(None, (said, retry.ADVICE.get(status, ""))))
    return f"{sentence}: {more}" if more else sentence


def parsed(body: bytes) -> Json:
    """Return the JSON of an answer, None where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _at(content: Json, path: str) -> Any:
    """Return what stands at a dotted path (a number is a position in a list), or _MISSING."""
    for step in path.split("."):
        if isinstance(content, Mapping) and step in content:
            content = content[step]
        elif isinstance(content, list) and step.isdigit() and int(step) < len(content):
            content = content[int(step)]
        else:
            return _MISSING
    return content


def _is_wait(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _text_at(content: Json, path: str, secrets: Iterable[str] = ()) -> str:
    found = _at(content, path)
    if found is _MISSING or found in (None, "", False, [], {}):
        return ""
    return quotable(found if isinstance(found, str) else json.dumps(found), secrets)


def _plain_text(reply: Reply, secrets: Iterable[str]) -> str:
    """Return the answer's body when it is a few plain words ("no_service"), else ""."""
    plain = reply.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain"
    return quotable(reply.body.decode("utf-8", "replace"), secrets) if plain and len(reply.body) <= MAX_QUOTE else ""


def quotable(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text on one line, without control characters, not too long, its secrets masked before it is cut."""
    text = " ".join("".join(c if c.isprintable() else " " for c in mask(text, secrets)).split())
    return text if len(text) <= MAX_QUOTE else text[: MAX_QUOTE - 1] + "…"


def _unexpected(post: Post, content: Json, reply: Reply) -> str:
    """Return how the body of a good status still says no, or ""."""
    if post.expect_text and reply.body.strip() != post.expect_text.encode():
        return f'without the "{post.expect_text}" that says yes: check the address'
    says_yes = post.expect or post.expect_fields or post.expect_text or post.expect_status
    if reply.status == 200 and post.method != "GET" and not says_yes and _PAGE.match(reply.body):  # 201 says it
        return "with a web page, as one for signing in is: check the address (or set expect_status where that is a yes)"
    if content is None and (post.expect or post.expect_fields):
        return "with too much to read" if reply.cut else "with something that is not JSON: check the address"
    for path in post.expect_fields:
        if _at(content, path) in (_MISSING, None):
            return f'without "{path}": check the address'
    for path, wanted in post.expect.items():
        found = _at(content, path)
        if found is _MISSING:
            return f'without "{path}": check the address'
        if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
            return f'with "{path}": {_text_at(content, path, post.secrets) or json.dumps(found)}'
    for path, unwanted in post.refuse.items():
        found = _at(content, path)
        if found == unwanted and isinstance(found, bool) == isinstance(unwanted, bool):
            return f'with "{path}": {json.dumps(found)}'
    return ""


def at(content: Json, path: str) -> Json:
    """Return what stands at a dotted path (a number is a position in a list), None when nothing does."""
    found = _at(content, path)
    return None if found is _MISSING else found


def without(answer: Answer, secrets: Iterable[str]) -> Answer:
    """Return the answer with these secrets masked in its sentence."""
    said = mask(answer.detail, secrets)
    return answer if said == answer.detail else dataclasses.replace(answer, detail=said)
