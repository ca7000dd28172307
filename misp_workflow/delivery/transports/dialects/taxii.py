"""TAXII 2.1: objects for a collection, and a status that says what became of each, at once or later.

https://docs.oasis-open.org/cti/taxii/v2.1/os/taxii-v2.1-os.html, tried with medallion 3.0.0.

Nothing is lost by sending an object again: a server that has this version says so, or counts it as a failure, and then
the manifest knows better. A status that is still pending when the time is over is asked for by the next try.
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from misp_workflow.delivery import retry, stix
from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer, part
from misp_workflow.delivery.transports.dialects import Ask
from misp_workflow.delivery.transports.request import threads
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.effects import Bulk, Post
from misp_workflow.event import number, rows

MEDIA = "application/taxii+json;version=2.1"
SHARED = ("identity", "marking-definition")
"""What many records bring: it decides nothing about any of them."""
TOO_MUCH = (400, 413, 422)
"""How a request is refused that may be good in parts: the smaller ones tell."""
MOST_PARTS = 100
"""Requests that are made smaller, so that a server that refuses everything is not asked for each object."""
DEFAULT_LIMIT = 10_000_000
"""Bytes in a request to a server that does not say how many it takes."""
FIRST_PAUSE, LONGEST_PAUSE, SPARE = 0.1, 5.0, 0.5
"""Seconds between two questions for a status, and what of the time is kept for the answer."""
LATER = 10.0
ASKED, MOST_PAGES = 50, 50
"""Ids in one question for the manifest, and pages of its answer: a server may say for ever that there are more."""
STRANGE = "it did not answer as TAXII 2.1 does: check the address"

Object = dict[str, Any]


def content(bulk: Bulk) -> tuple[str, str]:
    """Return no body yet, and the media type: what is sent stands in `exchange`."""
    return "", MEDIA


def exchange(bulk: Bulk, post: Post, ask: Ask) -> Answer:
    """Send the objects, ask what became of them, and return that for each record."""
    try:
        return _Session(bulk, post, ask).run()
    except _EndedError as error:
        return error.answer


class _EndedError(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Session:
    """The requests for one batch. `_no` are objects that were not taken, by id and with the reason."""

    def __init__(self, bulk: Bulk, post: Post, ask: Ask) -> None:
        self._bulk, self._ask, self._root = bulk, ask, bulk.url
        self._post = replace(post, headers={**post.headers, "Accept": MEDIA})
        self._place = f"{self._root}/collections/{quote(str(bulk.options['collection']), safe='')}"
        self._no: dict[str, str] = {}
        self._unclear: dict[str, str] = {}
        self._asked: list[tuple[Post, str]] = []
        self._pending = self._parts = 0

    def run(self) -> Answer:
        limit, readable = self._rules()
        brought = [orjson.loads(one["body"])["objects"] for one in self._bulk.records]
        objects = stix.named_by_content(one for some in brought for one in some)
        for some in _chunks(objects, limit):
            if len(_envelope(some)) > limit:
                self._no[some[0]["id"]] = f"it is larger than what the API root takes ({limit:,} bytes)"
            else:
                self._send(some)
        if self._pending:
            for sent, name in self._asked:
                threads.began(sent, name)
            told = f"it still works on {self._pending:,} objects, and is asked for them later"
            return Answer(outcome="again", detail=told, retry_after=LATER)
        for sent, _ in self._asked:
            threads.lost(sent)
        self._look_for(objects, readable)
        return self._of_records(brought)

    def _rules(self) -> tuple[int, bool]:
        """Return how many bytes a request may have, and whether the collection can be read."""
        said = self._said(self._get(self._place + "/"), "id")
        if said.get("can_write") is not True:
            told = f"the collection {self._bulk.options['collection']} cannot be written with these credentials"
            raise _EndedError(Answer(outcome="refused", detail=told))
        reply = self._get(self._root + "/")
        limit = self._said(reply).get("max_content_length") if reply.status == 200 else None
        return limit if isinstance(limit, int) and limit > 0 else DEFAULT_LIMIT, said.get("can_read") is True

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send(self, some: list[Object]) -> None:
        """Send objects in one request; in smaller ones when the server does not take all of them together."""
        body = _envelope(some)
        name = hashlib.sha256(body).hexdigest()
        post = replace(self._post, url=f"{self._place}/objects/", method="POST", body=body.decode(), thread=name)
        known = threads.first(post)
        reply = self._get(self._status_of(known)) if known else self._ask(post)
        if known and reply.status == 404:  # it is not kept for ever
            threads.lost(post)
            reply = self._ask(post)
        if reply.status in TOO_MUCH and not known:
            self._in_parts(some, reply)
            return
        said = self._settled(self._said(reply, "id", "status"))
        self._asked.append((post, str(said["id"])))
        self._note(some, said)

    def _in_parts(self, some: list[Object], reply: Reply) -> None:
        self._parts += 1
        if len(some) == 1 or self._parts > MOST_PARTS:
            self._no |= {one["id"]: _why(reply, self._bulk) for one in some}
            return
        half = len(some) // 2
        self._send(some[:half])
        self._send(some[half:])

    def _settled(self, said: Object) -> Object:
        """Return the status when nothing is pending any more, or what it is when the time is over."""
        pause = FIRST_PAUSE
        while said["status"] == "pending" and time.monotonic() + pause < self._ask.deadline - SPARE:
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            said = self._said(self._get(self._status_of(str(said["id"]))), "id", "status")
        return said

    def _status_of(self, name: str) -> str:
        return f"{self._root}/status/{quote(name, safe='')}/"

    def _note(self, some: list[Object], said: Object) -> None:
        """Note what a status says. It need not name all that it counts: of the others nobody knows yet."""
        if said["status"] not in ("pending", "complete"):
            raise _EndedError(Answer(outcome="refused", detail=STRANGE))
        if said["status"] == "pending":
            self._pending += max(number(said.get("pending_count")), 1)
            return
        failed = {str(one["id"]): _message(one, self._bulk) for one in _listed(said, "failures", "id")}
        self._unclear |= failed
        count = number(said.get("failure_count"))
        if "success_count" in said:
            count = max(count, len(some) - number(said["success_count"]))
        count = min(count, len(some))  # whatever it says
        if len(failed) < count:
            clear = {*failed, *(str(one["id"]) for one in _listed(said, "successes", "id"))}
            told = f"it did not take {count:,} of {len(some):,} objects and does not say which"
            self._unclear |= {one["id"]: told for one in some if one["id"] not in clear}

    # --- what became of them ------------------------------------------------------------------------------------------

    def _look_for(self, objects: list[Object], readable: bool) -> None:
        """See which of the failures are there already, in this very version."""
        wanted = [one for one in objects if one["id"] in self._unclear]
        there: set[tuple[str, str]] = set()
        try:
            for start in range(0, len(wanted) if readable else 0, ASKED):
                there |= self._manifest([one["id"] for one in wanted[start : start + ASKED]])
        except _EndedError as error:
            if error.answer.outcome == "again":
                raise
            readable = False
        unread = "" if readable else " (the collection cannot be read, so whether it is there already is not known)"
        for one in wanted:
            version = _moment(one.get("modified") or one.get("created") or "")
            if (one["id"], version) not in there and (version or not any(uid == one["id"] for uid, _ in there)):
                self._no[one["id"]] = self._unclear[one["id"]] + unread

    def _manifest(self, ids: list[str]) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        query = {"match[id]": ",".join(ids), "match[version]": "all"}
        for _ in range(MOST_PAGES):
            said = self._said(self._get(f"{self._place}/manifest/", query))
            versions = _listed(said, "objects", "id", "version")
            found |= {(str(one["id"]), _moment(str(one["version"]))) for one in versions}
            if not said.get("more") or not said.get("next"):
                break
            query = {**query, "next": str(said["next"])}
        return found

    def _of_records(self, brought: list[list[Object]]) -> Answer:
        refused = {}
        for place, some in enumerate(brought):
            own = [one for one in stix.named_by_content(some) if one["type"] not in SHARED]
            if why := next((self._no[one["id"]] for one in own if one["id"] in self._no), ""):
                refused[place] = why
        ids = {place: str(one["topic"]) for place, one in enumerate(self._bulk.records)}
        return part(len(brought), refused, {}, ids=ids)

    # --- one request --------------------------------------------------------------------------------------------------

    def _get(self, url: str, query: dict[str, str] | None = None) -> Reply:
        given = replace(self._post, url=url, method="GET", body=None, content_type="", query=query or {})
        return self._ask(given)

    def _said(self, reply: Reply, *names: str) -> Object:
        """Return what an answer holds, these members among it; one that is no yes ends the try."""
        if reply.status not in (200, 202):
            outcome: retry.Outcome = "again" if retry.http_outcome(reply.status) == "again" else "refused"
            wish = retry.retry_after(reply.headers.get("retry-after"), time.time())
            advice = f"; {retry.ADVICE[reply.status]}" if reply.status in retry.ADVICE else ""
            detail = _why(reply, self._bulk) + advice
            down = reply.status >= 500
            raise _EndedError(Answer(outcome=outcome, detail=detail, retry_after=wish, down=down, status=reply.status))
        try:
            said = orjson.loads(reply.body)
        except ValueError:
            said = None
        if not isinstance(said, dict) or reply.cut or not set(names) <= said.keys():
            raise _EndedError(Answer(outcome="refused", detail=STRANGE))
        return said


def _listed(said: Object, name: str, *members: str) -> list[Object]:
    """Return the objects of a list in an answer that have these members; what else stands there says nothing."""
    return [one for one in rows(said.get(name)) if one.keys() >= set(members)]


def _chunks(objects: list[Object], limit: int) -> Iterator[list[Object]]:
    """Yield the objects, as many at once as a request of so many bytes holds; one that is larger by itself."""
    some: list[Object] = []
    size = frame = len(_envelope([]))
    for one in objects:
        more = len(orjson.dumps(one)) + 1
        if some and size + more > limit:
            yield some
            some, size = [], frame
        some.append(one)
        size += more
    if some:
        yield some


def _envelope(objects: list[Object]) -> bytes:
    return orjson.dumps({"objects": objects})


def _message(failure: Object, bulk: Bulk) -> str:
    return quotable(str(failure.get("message") or "refused without a reason"), bulk.secrets)


def _why(reply: Reply, bulk: Bulk) -> str:
    """Return what an answer that is no yes says, in TAXII's error message or not at all."""
    try:
        said = orjson.loads(reply.body)
        told = ": ".join(str(said[name]) for name in ("title", "description") if said.get(name))
    except (ValueError, AttributeError):
        told = ""
    phrase = f"it answered {retry.http_phrase(reply.status)}"
    return f"{phrase}: {quotable(told, bulk.secrets)}" if told else phrase


def _moment(version: str) -> str:
    """Return a version so that one moment is one text, however many zeros it is written with."""
    try:
        return datetime.datetime.fromisoformat(version.replace("Z", "+00:00")).isoformat()
    except ValueError:
        return version
