"""The requests of a case's steps, made and judged one after the other."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from misp_workflow.delivery.cases.memory import Known
from misp_workflow.delivery.cases.words import document
from misp_workflow.delivery.retry import Answer
from misp_workflow.delivery.transports import http
from misp_workflow.delivery.transports.network.tries import Try
from misp_workflow.delivery.transports.request import answers
from misp_workflow.delivery.transports.request.filling import filled, place
from misp_workflow.effects import Case, Json, Post
from misp_workflow.effects.case import Request

OURS = frozenset(
    {"path", "put", "facts", "told", "gone", "there", "wish", "among", "alone", "silent", "within", "missing"}
)
"""What a request of a step says besides the fields of a `Post`."""
ID = re.compile(r"[A-Za-z0-9~][A-Za-z0-9~_-]{0,127}")
"""What may stand in an address for a case; with ".." it would be the address of something else."""
MOST_ADDED = 200
"""Values that one call adds, a request each."""


class EndError(Exception):
    """The walk is over, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.detail)
        self.answer = answer


class GoneError(Exception):
    """The case that was remembered is not there any more."""


class Tracker:
    """Makes the requests of one try. `unmet` says which wishes the tracker left out, "" for none."""

    def __init__(self, case: Case, key: str, this: Try) -> None:
        self._case, self._key, self._this = case, key, this
        self.unmet = ""

    def found(self) -> Known | None:
        """Return the case that the tracker has; None when it says that there is none."""
        for request in self._case.look:
            content = self.run((request,), None)
            if content is None:
                continue
            if known := self._known(content, self._case.found_at):
                return known
            detail = f"{self._case.service} shows a {self._case.called} of this event without saying what it is called"
            raise EndError(Answer(outcome="refused", detail=f"{detail}: none is made or changed"))
        return None

    def made(self) -> Known:
        """Make the case and return it; EndError when that was refused, or is not certain.

        What comes after the first request is told when it fails: the case is there already.
        """
        first, *others = self._case.create
        made = self._known(self.run((first,), None), self._case.id_at)
        if made is None:
            detail = f"{self._case.service} did not say what the new {self._case.called} is called: check the address"
            raise EndError(Answer(outcome="refused", detail=detail))
        try:
            self.run(others, made)
        except EndError as end:
            self.unmet = end.answer.detail
        except GoneError:
            self.unmet = f"{self._case.service} does not show it"
        return made

    def _known(self, content: Json, id_at: str) -> Known | None:
        there = answers.at(content, id_at)
        if isinstance(there, bool) or not isinstance(there, (str, int)) or not ID.fullmatch(str(there)):
            return None
        name = answers.at(content, self._case.name_at) if self._case.name_at else None
        return Known(_text(there), _text(name) if isinstance(name, (str, int)) and name != "" else _text(there))

    def only(self, step: Sequence[Request], facts: Collection[str] | None) -> tuple[Request, ...]:
        """Return the requests with what of them is about changed facts; None: all of them count as changed."""
        kept = []
        for request in step:
            about: Mapping[str, str] = request.get("facts") or {}
            stale = [path for path, fact in about.items() if facts is not None and fact != "*" and fact not in facts]
            if about and len(stale) == len(about):
                continue
            smaller = json.loads(json.dumps({**request, "facts": {}}))
            for path in stale:
                holder, key = place(smaller, path)
                del holder[key]
            kept.append(smaller)
        return tuple(kept)

    def add(self, known: Known, new: Collection[str]) -> None:
        """Put the attributes with these uuids into the case, as far as the tracker has a place for them.

        What another attribute of the event brought before is left out; what is not taken is counted.
        """
        before = [one for uid, requests in self._case.adds.items() if uid not in new for one in requests]
        wanted = [one for uid in new for one in self._case.adds.get(uid, ()) if one not in before]
        unique = [one for place, one in enumerate(wanted) if one not in wanted[:place]]
        said = []
        for request in unique[:MOST_ADDED]:
            try:
                self.run((request,), known)
            except EndError as end:
                if end.answer.outcome != "refused":
                    raise
                if "there" not in request or request["there"] not in end.answer.detail:
                    said.append(end.answer.detail)
        if said:
            self.unmet = f"{len(said):,} of {len(unique):,} new values are not in it, because {said[0]}"
        elif len(unique) > MOST_ADDED:
            self.unmet = f"only {MOST_ADDED:,} of {len(unique):,} new values are added at once"

    def run(self, step: Sequence[Request], known: Known | None, comment: str = "") -> Json:
        """Make a step's requests and return what the last one answered; EndError or GoneError when one fails."""
        content, told = None, ""
        for request in step:
            post = self._post(request, known, comment, content)
            try:
                answer, content = http.perform(post, self._key, self._this)
            except ValueError as error:
                detail = f"the request to {self._case.service} cannot be made: {error}"
                raise EndError(Answer(outcome="refused", detail=detail)) from None
            if self._is_gone(request, answer, content):
                raise GoneError
            if answer.outcome != "delivered":
                detail = f"{answer.detail} ({told})" if told else answer.detail
                raise EndError(dataclasses.replace(answer, detail=detail))
            said = answers.at(content, request["told"]) if request.get("told") else None
            told = answers.quotable(_text(said), self._case.secrets) if said else told
            self._believe(content)
            content = self._chosen(request, content)
            self._look_at_wishes(request, content)
        return content

    def _believe(self, content: Json) -> None:
        """EndError for a good status with an error inside."""
        told = content if isinstance(content, dict) else {}
        failed = told["status"] if told.get("status") in ("error", "failure") else None
        if wrong := told.get("error") or told.get("errors") or failed:
            said = answers.quotable(_text(wrong), self._case.secrets)
            raise EndError(Answer(outcome="refused", detail=f"{self._case.service} answered with an error: {said}"))

    def _chosen(self, request: Request, content: Json) -> Json:
        """Return what counts of an answer."""
        if "within" in request:
            return answers.at(content, request["within"])
        if "among" not in request:
            return content
        listed, member, text = request["among"]
        rows = answers.at(content, listed) if listed else content
        if "alone" in request:
            rows = [rows]
        if not isinstance(rows, list):
            detail = f"{self._case.service} answered with no list, or with more than can be read: check the address"
            raise EndError(Answer(outcome="refused", detail=detail))
        said = [_said(row, member) for row in rows]
        equal = [row for row, one in zip(rows, said, strict=True) if one == text]
        holding = [row for row, one in zip(rows, said, strict=True) if text in _lines(one)]
        unknown = request.get("silent") if None in said else None
        if not (equal or holding) and (why := unknown or request.get("missing")):
            raise EndError(Answer(outcome="refused", detail=f"{self._case.service}: {why}"))
        return next(iter([*equal, *holding]), None)

    def _post(self, request: Request, known: Known | None, comment: str, before: Json) -> Post:
        values = {"id": known.id if known else "", "name": known.name if known else "", "comment": comment}
        own: dict[str, Any] = {name: value for name, value in request.items() if name not in OURS}
        if request.get("put"):
            own = filled(own, request["put"], lambda name: _value(name, values, before))
        path = str(request["path"])
        for name in ("id", "name"):
            path = path.replace(f"{{{name}}}", quote(values[name], safe=""))
        headers = {**self._case.headers, **own.pop("headers", {})}
        if "expect_status" in own:
            own["expect_status"] = tuple(own["expect_status"])
        return self._case.plain(**{**own, "headers": headers, "url": self._case.url + path})

    @staticmethod
    def _is_gone(request: Request, answer: Answer, content: Json) -> bool:
        if answer.status in (404, 410) and "{" in request["path"]:
            return True
        return any(answers.at(content, path) == value for path, value in (request.get("gone") or {}).items())

    def _look_at_wishes(self, request: Request, content: Json) -> None:
        wishes: Mapping[str, Json] = request.get("wish") or {}
        missed = [path for path, value in wishes.items() if answers.at(content, path) != value]
        if missed:
            self.unmet = f"{self._case.service} left out {', '.join(missed)}"


def _value(name: str, values: Mapping[str, str], before: Json) -> Json:
    """Return what `put` means by a name."""
    if name == "document":
        return document(values["comment"])
    if name == "addition":
        return f"\n\n{values['comment']}"
    if name.startswith("before."):
        return answers.at(before, name.removeprefix("before."))
    return values[name]


def _said(row: Json, member: str) -> Json:
    """Return what a row has at a path, in which "links[].url" is of each of the links; None for nothing."""
    holder, _, inner = member.partition("[].")
    found = answers.at(row, holder)
    return [answers.at(one, inner) for one in found] if inner and isinstance(found, list) else found


def _lines(said: Json) -> list[Json]:
    """Return the lines of a text, or what a list holds. A text that quotes a mark within a line does not bear it."""
    if isinstance(said, str):
        return [line.strip() for line in said.splitlines()]
    return said if isinstance(said, list) else []


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
