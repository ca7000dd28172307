"""CrowdSec's local API: decisions within an alert, all of a request or none; what was there before is deleted after.

https://docs.crowdsec.net/docs/local_api/intro, tried with 1.4.6. A decision's scenario holds the attribute's uuid, so
that the decisions about an attribute are found by it, whatever its value was.
"""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

import orjson

from misp_workflow import settings
from misp_workflow.delivery.lanes import name_of
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.lists.limits import refusal
from misp_workflow.delivery.lists.values import Entry, UnfitError, read
from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer, http_outcome, http_phrase, part
from misp_workflow.delivery.transports.dialects import Ask
from misp_workflow.delivery.transports.request import tokens
from misp_workflow.delivery.transports.request.answers import quotable
from misp_workflow.effects import Bulk, Json, Post
from misp_workflow.errors import WorkflowError
from misp_workflow.settings.lists import ListRules

TOKEN_SECONDS = 1800.0
"""How long a login is used; CrowdSec gives it for an hour."""
_TURNS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""One batch at a time for each CrowdSec: two at once lock its SQLite database for each other."""


def content(bulk: Bulk) -> tuple[str, str]:
    """Return the alert with the decisions for what stands and may stand."""
    there = [(one, found) for one, found in _entries(bulk) if isinstance(found, Entry)]
    return (json.dumps([_alert(bulk, there)]) if there else ""), "application/json"


def exchange(bulk: Bulk, post: Post, ask: Ask) -> Answer:
    """Delete the decisions on what is withdrawn, make the new ones, then delete those that they take the place of."""
    session = _Session(bulk, post, ask)
    turn = _TURNS[session.base]
    if not turn.acquire(timeout=max(ask.deadline - time.monotonic(), 0)):
        return Answer(outcome="again", detail="others were decided on all the time")
    try:
        return session.run()
    except _EndedError as error:
        return error.answer
    finally:
        turn.release()


def judge(bulk: Bulk, reply: Reply) -> Answer:
    """Return that all are in but those that may not be: CrowdSec takes all of a request or none."""
    refused = {place: found for place, (_, found) in enumerate(_entries(bulk)) if isinstance(found, str)}
    ids = {place: _scenario(one["key"]) for place, one in enumerate(bulk.records)}
    return part(len(bulk.records), refused, {}, ids=ids)


class _EndedError(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Session:
    """The requests for one batch; what ends it before its last one is raised as an _EndedError."""

    def __init__(self, bulk: Bulk, post: Post, ask: Ask) -> None:
        parts = urlsplit(bulk.url)
        self.base = f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/alerts')}"
        self._key = (self.base, bulk.options["machine"], bulk.options["password"])
        self._decisions = f"{self.base}/decisions"
        self._bulk, self._post, self._ask = bulk, post, ask

    def run(self) -> Answer:
        self._delete(str(one["key"]) for one in self._bulk.records if one["body"] is None)
        before = self._before([str(one["key"]) for one in self._bulk.records if one["body"] is not None])
        reply = Reply(200, {}, b"", False)
        if self._post.body:
            reply = self._made(standing=set(before.values()))
        for number in sorted(before):  # not earlier: an address must not be without a decision in between
            self._asked(replace(self._post, url=f"{self._decisions}/{number}", method="DELETE", body=None), 200)
        return judge(self._bulk, reply)

    def _made(self, standing: set[str]) -> Reply:
        """Make the new decisions; of a request that fails nothing is left.

        When its database is locked, CrowdSec answers 500 and keeps some of the decisions without their alert, by which
        the next try would find them. They go by their scenario, and with them all that an attribute has; so not where
        one of before is standing: it must not go because CrowdSec is ill.
        """
        try:
            return self._asked(self._post, 201)
        except _EndedError as error:
            if error.answer.down:
                self._delete(str(one["key"]) for one in self._bulk.records if one["key"] not in standing)
            raise

    def _delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            query = {"scenario": _scenario(key)}
            self._asked(replace(self._post, url=self._decisions, method="DELETE", body=None, query=query), 200)

    def _before(self, there: list[str]) -> dict[int, str]:
        """Return the numbers of the decisions that there are about these attributes, and about which one each is.

        Asked for those that the ledger knows to be there, and for the first one in any case: perhaps a try before this
        one got through, and nobody heard of it. An answer shows whole alerts, and so most of the others.
        """
        try:
            sent = ledger_of(settings.current()).items(str(self._bulk.options["event"]), name_of(self._bulk), there)
            known = {key for key, row in sent.items() if not row.withdrawn}
        except WorkflowError:
            known = set(there)
        found: dict[int, str] = {}
        for key in dict.fromkeys([*there[:1], *(key for key in there if key in known)]):
            if key not in found.values():
                found |= self._of_alerts(key, set(there))
        return found

    def _of_alerts(self, key: str, wanted: set[str]) -> dict[int, str]:
        query = {"scenario": _scenario(key), "has_active_decision": "true"}
        reply = self._asked(replace(self._post, method="GET", body=None, query=query), 200)
        try:
            decisions = [one for alert in orjson.loads(reply.body) or () for one in alert["decisions"] or ()]
            told = {int(one["id"]): str(one["scenario"]).removeprefix(PREFIX) for one in decisions if _is_active(one)}
        except (ValueError, KeyError, TypeError):
            why = "it did not tell of its alerts as CrowdSec does: check the address"
            raise _EndedError(Answer(outcome="refused", detail=why)) from None
        return {number: about for number, about in told.items() if about in wanted}

    def _asked(self, post: Post, success: int) -> Reply:
        """Ask as the machine; a login that is over is made anew, once."""
        kept = tokens.known(self._key)
        for given in (kept, "") if kept else ("",):
            token = given or self._login()
            reply = self._ask(replace(post, bearer=token, secrets=(*post.secrets, token)))
            if reply.status != 401:
                break
            tokens.forget(self._key)
        if reply.status != success:
            raise _EndedError(_failed(reply, self._bulk))
        return reply

    def _login(self) -> str:
        given = {"machine_id": self._bulk.options["machine"], "password": self._bulk.options["password"]}
        url = f"{self.base}/watchers/login"
        asked = replace(self._post, url=url, method="POST", json={**given, "scenarios": []}, body=None)
        reply = self._ask(asked)
        try:
            token = str(orjson.loads(reply.body)["token"]) if reply.status == 200 else ""
        except (ValueError, KeyError, TypeError):
            why = "it did not answer a login as CrowdSec does: check the address"
            raise _EndedError(Answer(outcome="refused", detail=why)) from None
        if not token:
            told = f"the login was answered with {http_phrase(reply.status)}"
            if http_outcome(reply.status) == "again":
                raise _EndedError(Answer(outcome="again", detail=told, down=reply.status >= 500))
            told += ": check machine_id and password, and cscli machines list"
            raise _EndedError(Answer(outcome="refused", detail=told))
        tokens.keep(self._key, token, TOKEN_SECONDS)
        return token


def _failed(reply: Reply, bulk: Bulk) -> Answer:
    said = quotable(reply.body.decode("utf-8", "replace"), bulk.secrets)
    detail = f"it answered {http_phrase(reply.status)}: {said}"
    again = http_outcome(reply.status) == "again"
    return Answer(outcome="again" if again else "refused", detail=detail, down=reply.status >= 500)


def _entries(bulk: Bulk) -> list[tuple[Json, Entry | str | None]]:
    """Return each record with the address or network to decide on, or why there is none; None: it is withdrawn."""
    rules, lists = settings.current(), ListRules(format="plain", reserved=bool(bulk.options.get("reserved")))
    found: list[tuple[Json, Entry | str | None]] = []
    for one in bulk.records:
        if one["body"] is None:
            found.append((one, None))
            continue
        row = json.loads(one["body"])
        try:
            entry = next(entry for entry in read(str(row["type"]), str(row["value"])) if entry.kind == "ip")
        except UnfitError as error:
            found.append((one, f"a value {error}"))
            continue
        why = refusal(entry, lists, rules.lists)
        found.append((one, f"an address {why}" if why else entry))
    return found


def _alert(bulk: Bulk, there: list[tuple[Json, Entry]]) -> Json:
    options, at = bulk.options, datetime.datetime.fromtimestamp(bulk.at, datetime.timezone.utc)
    when = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    decisions = [
        {
            "duration": f"{options['hours']}h",
            "origin": options["origin"],
            "scenario": _scenario(one["key"]),
            "scope": "Range" if "/" in entry.value else "Ip",
            "type": options["type"],
            "value": entry.value,
        }
        for one, entry in there
    ]
    empty = {"scenario_hash": "", "scenario_version": "", "events": [], "events_count": 0, "leakspeed": "0"}
    return {
        **empty,
        "scenario": f"misp/event/{options['event']}",
        "message": options["message"],
        "start_at": when,
        "stop_at": when,
        "capacity": 0,
        "simulated": False,
        "source": {"scope": "misp", "value": options["event"]},
        "decisions": decisions,
    }


PREFIX = "misp/"


def _scenario(key: str) -> str:
    return f"{PREFIX}{key}"


def _is_active(decision: dict[str, Json]) -> bool:
    return not str(decision["duration"]).startswith("-")
