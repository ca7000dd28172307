"""Stand-ins for trackers: each answers as its documentation, or the real server, says, and keeps what it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

from misp_workflow.testing import Received, Receiver, answer
from misp_workflow.testing.receiver import Answer


class Tracker:
    """Keeps cases; `history` are the comments and changes of each, in order. `before` may answer in its place."""

    def __init__(self, receiver: Receiver) -> None:
        self.url = receiver.url
        self.cases: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[str]] = {}
        self.lock = threading.Lock()
        self.before: Callable[[Received], Answer | None] = lambda request: None
        self.after: Callable[[Received], Answer | None] = lambda request: None
        receiver.always(self._answered)

    def _answered(self, request: Received) -> Answer:
        early = self.before(request)
        if early is not None:
            return early
        with self.lock:
            made = self.answer(request)
        return self.after(request) or made

    def answer(self, request: Received) -> Answer:
        raise NotImplementedError

    def add(self, fields: dict[str, Any], number: str = "") -> str:
        number = number or str(len(self.cases) + 1)
        self.cases[number] = fields
        self.history[number] = ["created"]
        return number


class RequestTracker(Tracker):
    """RT 5, REST 2, as seen on the real one."""

    params: ClassVar = {"username": "misp", "password": "a pass phrase"}

    def answer(self, request: Received) -> Answer:
        path = request.path.removeprefix("/REST/2.0")
        if path == "/tickets":
            query = dict(request.query)["query"]
            found = [{"id": number, "type": "ticket"} for number, one in self.cases.items() if _fits(one, query)]
            return answer({"total": len(found), "items": found})
        if path == "/ticket":
            told = request.json()
            number = self.add({**told, "mark": told["RefersTo"][0], "Status": "new"})
            return answer({"id": number, "type": "ticket"}, 201)
        number = path.split("/")[2]
        if number not in self.cases:
            return answer({"message": "Not Found"}, 404)
        ticket = self.cases[number]
        if path.endswith("/comment"):
            self.history[number].append(request.json()["Content"])
            return answer(["Comments added"], 201)
        if request.method == "GET":
            shown = {name: value for name, value in ticket.items() if name != "mark"}
            return answer({**shown, "id": int(number), "Owner": {"id": "Nobody"}})
        said = []
        for name, value in request.json().items():
            if name == "Status" and value not in ("new", "open", "resolved"):
                said.append(f"Ticket {number}: Status '{value}' isn't a valid status for this ticket.")
            elif ticket.get(name) != value:
                said.append(f"Ticket {number}: {name} changed from '{ticket.get(name)}' to '{value}'")
                ticket[name] = value
                self.history[number].append(f"{name}: {value}")
        return answer(said)


def _fits(ticket: dict[str, Any], query: str) -> bool:
    """Whether RT's search language, as we use it, means this ticket."""
    return query == f"Queue = '{ticket.get('Queue')}' AND RefersTo = '{ticket['mark']}'"
