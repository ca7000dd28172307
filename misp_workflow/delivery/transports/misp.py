"""MISP: makes a `MispChange` in the operator's own MISP, through PyMISP.

Where MISP is, and with which key, the settings say at each try: an effect holds no more than a name for it. Another
MISP than the operator's own is reached by `talk`. The only file that imports PyMISP; its requests go the way of all
others (one shared session, a deadline for the whole change, networks checked).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import urljoin

import orjson
from pymisp import PyMISP, PyMISPError

from misp_workflow import settings
from misp_workflow.delivery import changes, retry
from misp_workflow.delivery.changes import look
from misp_workflow.delivery.changes.look import hiding, plain
from misp_workflow.delivery.guard import Found, Unsaid
from misp_workflow.delivery.reply import Reply
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network.tries import Try, trying
from misp_workflow.effects import MispChange, Post, mask
from misp_workflow.errors import DeliveryError, SettingsError
from misp_workflow.printable import logger
from misp_workflow.settings import misps

LOG = logger("misp_workflow.delivery")

MAX_ANSWER = 32 * 2**20
"""Bytes of one of MISP's answers; an event of 10,000 attributes has about ten million."""

MOST_PROVED = 4096
"""Events of which it is remembered that a MISP has them, where there are several."""

Method = Literal["GET", "POST"]
Result = TypeVar("Result")


def send(change: MispChange, key: str, deadline: float) -> Answer:
    """Make the change before `deadline` (a time of `time.monotonic()`), and return what came of it.

    Interrupted, by the deadline too, it can be made again: what is done then needs no doing.
    """
    try:
        rules = misps.named(settings.current(), change.misp, (change.event, change.event_number))
    except SettingsError as error:  # the operator can mend them meanwhile
        return Answer(outcome="again" if change.keep else "refused", detail=str(error).rstrip("."))
    tally = changes.Tally.of(change, deadline)
    marks = changes.Marks(rules.state_folder, rules.outbox.window)
    try:
        with hiding(change.secrets):
            _with_misp(rules, deadline, lambda misp: changes.make(misp, change, tally, marks, key))
    except changes.Stop as end:
        return _unfinished(end.answer, tally, change.keep)
    except changes.MarksError as error:
        return Answer(outcome="again", detail=str(error))
    return Answer(outcome="refused" if tally.failed else "delivered", detail=tally.sentence())


TOO_SLOW = "MISP was too slow for the time that a gate has (answer_within in the settings); try again"


def _unfinished(answer: Answer, tally: changes.Tally, later: bool) -> Answer:
    """Return an early end's answer with how far the change has come. Without any progress there is more to wait for.

    `later`: the rest follows, other than for what a gate needs now or never.
    """
    if answer.detail == changes.NO_TIME and not later:
        return dataclasses.replace(answer, detail=TOO_SLOW)
    so_far = tally.so_far()
    told = f"{so_far}; {answer.detail}" if so_far else answer.detail
    return dataclasses.replace(answer, detail=told, more=answer.more and bool(tally.changed or tally.settled))


def read_event(reference: str, rules: settings.Settings, deadline: float, row_only: bool = False) -> dict[str, Any]:
    """Return MISP's own view of an event, {"Event": …}, by its id or uuid; DeliveryError when it cannot be had.

    `row_only`: without attributes, which the search by uuid can leave out.
    """

    def ask(misp: Client) -> Any:
        if not row_only:
            return misp.direct_call(f"events/view/{reference}")
        listed = misp.search("events", uuid=reference, metadata=True)
        return listed[0] if isinstance(listed, list) and listed else None

    try:
        found = _with_misp(rules, deadline, ask)
    except changes.Stop as end:
        raise DeliveryError(f"{end.answer.detail}.") from None
    if not isinstance(found, dict) or not isinstance(found.get("Event"), dict):
        raise DeliveryError("MISP's answer is not an event.")
    return found


MOST_TAGS = 50
"""Numbers of tags whose names are asked for, one by one; nobody has so many on an event that is about to be saved."""


class SilentError(DeliveryError):
    """Nobody answered."""

    silent = True


def read_tags(missing: Unsaid, rules: settings.Settings, deadline: float) -> Found | None:
    """Return the tags that a call of MISP's left out, None when MISP does not know their subject.

    DeliveryError when MISP cannot be asked, SilentError when nobody answered.
    """
    return reading(lambda misp: _tags(misp, missing), rules, deadline)


def reading(question: Callable[[Client], Result], rules: settings.Settings, deadline: float) -> Result:
    """Return what a question to MISP learns; DeliveryError when it cannot be asked, SilentError for no answer."""
    try:
        return _with_misp(rules, deadline, question)
    except changes.Stop as end:
        kind = SilentError if end.answer.down else DeliveryError
        raise kind(f"{end.answer.detail.rstrip('.')}.") from None


def _tags(misp: look.Misp, missing: Unsaid) -> Found | None:
    event, attributes, names = missing.event, missing.attributes, missing.tags
    own: list[Any] = []
    if missing.row:
        row = misp.direct_call(f"attributes/view/{missing.row}").get("Attribute") or {}
        event, own = str(row.get("event_id") or ""), row.get("Tag") or []
        if not event:
            return None
    said = None
    if event:
        by = {"uuid": event} if "-" in event else {"eventid": event}
        row = _first(misp.search("events", metadata=True, **by)).get("Event")
        if not isinstance(row, dict):
            return None
        said = [*(row.get("Tag") or []), *own]
    found = {}
    if attributes:
        listed = misp.search("attributes", uuid=list(attributes)).get("Attribute") or []
        found = {str(row.get("uuid")): row.get("Tag") or [] for row in listed if isinstance(row, dict)}
        if not found.keys() >= set(attributes):
            return None
    if len(names) > MOST_TAGS:
        return None
    called = {number: _tag_name(misp.direct_call(f"tags/view/{number}")) for number in names if number.isdigit()}
    return Found(said, found, called) if all(called.values()) and len(called) == len(names) else None


def _first(found: Any) -> dict[str, Any]:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


def _tag_name(said: Any) -> str:
    row = said.get("Tag", said) if isinstance(said, dict) else {}
    return str(row.get("name") or "") if isinstance(row, dict) else ""


@dataclass(frozen=True)
class Said:
    """One answer of MISP's API: its status, the decoded content, and `refusal`: "", or MISP's no as a sentence."""

    status: int
    content: Any
    refusal: str = ""


def ask(rules: settings.Settings, method: Method, path: str, body: Any = None, *, seconds: float = 30.0) -> Said:
    """Put one question to the API of the MISP in these settings, and return its yes or no.

    DeliveryError when nobody answers, what answers is no MISP, or the key is not accepted.
    """
    try:
        return _with_misp(rules, time.monotonic() + seconds, lambda misp: misp.said(method, path, body))
    except changes.Stop as end:
        raise DeliveryError(f"{_capital(end.answer.detail.rstrip('.'))}.") from None


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _end(outcome: retry.Outcome, detail: str, **more: Any) -> changes.Stop:
    return changes.Stop(Answer(outcome=outcome, detail=detail, **more))


def _with_misp(rules: settings.Settings, deadline: float, work: Callable[[Client], Result]) -> Result:
    """Return what `work` returns; Stop for whatever ends it early."""
    if not rules.misp.url:
        why = "the settings do not say where MISP is: they need [misp] with url and key"
        raise _end("refused", rules.misp.missing if rules.misp.choices else why)
    try:
        key = rules.misp.key
    except SettingsError as error:
        raise _end("refused", f"the setting {str(error).rstrip('.')}") from None
    if not (key.isascii() and key.isalnum()):
        raise _end("refused", f"the setting {rules.misp.table}.key is no API key: those are letters and digits")
    return talk(rules.misp, key, deadline, lambda misp: work(_proved(misp, rules.misp)), own_key(rules.misp))


def own_key(place: settings.Misp) -> str:
    """Return where the key of one of the operator's own MISPs stands, for people."""
    return f"{place.table}.key in the settings"


_known: dict[tuple[str, ...], None] = {}


def _proved(misp: Client, place: settings.Misp) -> Client:
    """Return the client; Stop when there are several MISPs and this is another one than that which asked.

    An event has its uuid in each MISP that it was synchronised to, and a number of its own in each.
    """
    uuid, number = place.event
    if not uuid or (place.url, uuid, number) in _known:
        return misp
    row = _first(misp.search("events", uuid=uuid, metadata=True)).get("Event") or {}
    if str(row.get("id") or "") != number:
        there = f"has this event as number {row['id']}, not {number}" if row.get("id") else "does not show this event"
        raise _end("refused", f"the MISP of [{place.table}] {there}, so it is another one that asked: check 'misp'")
    if len(_known) >= MOST_PROVED:
        _known.clear()
    _known[place.url, uuid, number] = None
    return misp


def talk(place: settings.Misp, key: str, deadline: float, work: Callable[[Client], Result], key_at: str) -> Result:
    """Return what `work` makes of the API of a MISP; Stop for whatever ends it early. `key_at` says where its key is
    from, for people."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise _end("again", "there was no time left to ask MISP")
    with trying(deadline, place.proxy) as this:
        try:
            with hiding(_secrets(this, key)):
                return work(Client(place, key, this, key_at))
        except changes.Refusal as no:
            outcome = retry.http_outcome(no.status)
            raise _end("refused" if outcome == "delivered" else outcome, str(no), down=no.status >= 500) from None
        except (*http.TROUBLES, ValueError) as error:
            raise changes.Stop(_failure(error, this, seconds, key)) from None
        except (PyMISPError, LookupError, TypeError, AttributeError):
            LOG.exception("an answer of MISP's has an unknown form")
            raise _end("again", "MISP's answer was not understood; the log of misp-modules names the place") from None


def _secrets(this: Try, key: str) -> list[str]:
    """Return what an answer may quote and nobody shall read: the key, and the proxy's login."""
    return [key, *(this.proxy.secrets if this.proxy else ())]


def _failure(error: Exception, this: Try, seconds: float, key: str) -> Answer:
    """Return the answer for an exchange that came to no end.

    Our own time running out says nothing about a MISP that has answered until then: only one that kept a single request
    waiting for half of it looks ill.
    """
    answer = http.failure(error, this, "MISP", seconds)
    ours = this.late and time.monotonic() - this.asked < seconds / 2
    detail = changes.NO_TIME if ours else mask(answer.detail, _secrets(this, key))
    return dataclasses.replace(answer, detail=detail, down=answer.down and not ours, more=ours)


class Client(PyMISP):
    """PyMISP without the three questions that it begins with, whose requests belong to one try."""

    def __init__(self, place: settings.Misp, key: str, this: Try, key_at: str) -> None:
        self._key_at = key_at
        self.root_url = f"{place.url.rstrip('/')}/"
        self.key = key
        self.global_pythonify = False
        self._place = place
        self._try = this
        self._began = time.monotonic()

    def default_category(self, kind: str) -> str:
        """Return the category that MISP gives an attribute of this type when none is named, "" for an unknown type."""
        known = self.describe_types_local
        defaults = known["sane_defaults"] if isinstance(known, dict) else {}
        return str(defaults.get(kind, {}).get("default_category", ""))

    def ask(self, post: Post, who: str) -> Reply:
        """Ask somebody else than MISP within the same deadline; Stop, with `who`, when there is no answer."""
        self._try.wish = ""
        try:
            return http.ask(post, self._try, MAX_ANSWER)
        except http.TROUBLES as error:
            answer = http.failure(error, self._try, who, max(self._try.deadline - self._began, 0))
            raise changes.Stop(dataclasses.replace(answer, down=False)) from None  # that is not MISP's illness

    def said(self, method: Method, path: str, body: Any) -> Said:
        """Ask, and return yes or no; Refusal only when every other question would be refused as well."""
        reply = self._prepare_request(method, path, body)
        try:
            return Said(reply.status, self._check_response(reply))
        except changes.Refusal as no:
            if reply.status < 300 or "API key:" in str(no):
                raise
            return Said(reply.status, None, f"{_capital(str(no).rstrip('.'))}.")

    def _prepare_request(  # type: ignore[override]
        self, request_type: Any, url: str, data: Any = None, params: Any = None, kw_params: Any = None, **_: Any
    ) -> Reply:
        named = "".join(f"/{name}:{value}" for name, value in (kw_params or {}).items())
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value is not None}
        post = Post(
            url=f"{urljoin(self.root_url, url.lstrip('/'))}{named}",
            method=request_type,
            headers={"Authorization": self.key, "Accept": "application/json"},
            json=data,
            query=params or {},
            verify_tls=self._place.verify_tls,
            ca_file=self._place.ca_file,
        )
        self._try.asked, self._try.wish = time.monotonic(), self._place.proxy
        return http.ask(post, self._try, MAX_ANSWER)

    def _check_response(  # type: ignore[override]
        self, response: Reply, lenient_response_type: bool = False, expect_json: bool = False
    ) -> Any:
        try:
            said = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            said = None
        if not 200 <= response.status < 300:
            raise _refusal(response.status, said, self._key_at)
        if said is None:
            address = f"{self._place.table}.url" if self._key_at == own_key(self._place) else "its address"
            what = "more than can be read" if response.cut else f"something that is not JSON: check {address}"
            raise changes.Refusal(400, f"MISP answered {what}")
        return said["response"] if isinstance(said, dict) and said.get("response") is not None else said


def _refusal(status: int, said: Any, key_at: str) -> changes.Refusal:
    """Return MISP's no as a sentence with what to do about it."""
    fields = said if isinstance(said, dict) else {}
    words = plain(fields.get("message") or fields.get("name") or "")
    if fields.get("errors"):
        words = f"{words}: {plain(fields['errors'])}" if words else plain(fields["errors"])
    lower = words.lower()
    if status in (401, 403) and "authentication failed" in lower:
        return changes.Refusal(status, f"MISP does not accept the API key: check {key_at}", True)
    if status == 403 and "users of the host organisation" in lower:
        sentence = (
            "only users of MISP's host organisation (MISP.host_org_id) may attach local tags, and the API key's user"
        )
        return changes.Refusal(status, f"{sentence} is of another")
    if status == 403 and "permission" in lower:
        sentence = "MISP does not let the API key's user do that: its role or organisation lacks the permission"
        return changes.Refusal(status, sentence, "functionality" in lower)
    if status in (404, 405):
        return changes.Refusal(status, f"MISP does not have it{f' ({words})' if words else ''}")
    if status == 423 or "locked" in lower:
        return changes.Refusal(status, f"MISP keeps it locked ({words or status})")
    return changes.Refusal(status, f"MISP answered {retry.http_phrase(status)}{f': {words}' if words else ''}")
