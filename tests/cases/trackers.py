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

    def change(self, number: str, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            self.history[number].append(f"{name}: {value}")
        self.cases[number] |= fields

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
            found = [
                {"id": number, "type": "ticket", "_hyperlinks": [{"ref": "refers-to", "_url": one["mark"]}]}
                for number, one in self.cases.items()
                if _fits(one, query)
            ]
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


class GitLab(Tracker):
    """https://docs.gitlab.com/api/issues/ and /notes/."""

    params: ClassVar = {"project": "soc/cases", "token": "glpat-very-secret"}
    name = "GitLab issue 1"

    def answer(self, request: Received) -> Answer:
        if request.header("PRIVATE-TOKEN") != self.params["token"]:
            return answer({"message": "401 Unauthorized"}, 401)
        path = request.target.partition("?")[0].removeprefix("/api/v4/projects/soc%2Fcases/issues")
        if not path and request.method == "GET":
            wanted = dict(request.query)["search"]
            return answer([self._shown(iid) for iid, one in self.cases.items() if wanted in one["description"]])
        if not path:
            return answer(self._shown(self.add({**request.json(), "state": "opened"})), 201)
        iid = path.split("/")[1]
        if iid not in self.cases:
            return answer({"message": "404 Issue Not Found"}, 404)
        told = request.json()
        if path.endswith("/notes"):
            self.history[iid].append(told["body"])
            return answer({"id": 302, "body": told["body"]}, 201)
        event = told.pop("state_event", "")
        told |= {"state": {"close": "closed", "reopen": "opened"}[event]} if event else {}
        self.change(iid, told)
        return answer(self._shown(iid))

    def _shown(self, iid: str) -> dict[str, Any]:
        return {**self.cases[iid], "id": 1000 + int(iid), "iid": int(iid)}


class GitHub(Tracker):
    """https://docs.github.com/rest/issues/issues."""

    params: ClassVar = {"repository": "soc/cases", "token": "ghp_very_secret_token"}
    name = "GitHub issue 1"

    def answer(self, request: Received) -> Answer:
        if request.header("Authorization") != f"Bearer {self.params['token']}":
            return answer({"message": "Bad credentials"}, 401)
        if request.path == "/search/issues":  # what was made a moment ago is not in the index yet
            return answer({"total_count": 0, "incomplete_results": False, "items": []})
        path = request.path.removeprefix("/repos/soc/cases/issues")
        if not path and request.method == "GET":
            return answer([self._shown(number) for number in reversed(self.cases)])
        if not path:
            return answer(self._shown(self.add({**request.json(), "state": "open"})), 201)
        number = path.split("/")[1]
        if number not in self.cases:
            return answer({"message": "This issue was deleted"}, 410)
        if path.endswith("/comments"):
            self.history[number].append(request.json()["body"])
            return answer({"id": 1}, 201)
        self.change(number, request.json())
        return answer(self._shown(number))

    def _shown(self, number: str) -> dict[str, Any]:
        return {**self.cases[number], "id": 1000 + int(number), "number": int(number)}


class ServiceNow(Tracker):
    """The Table API of an instance."""

    params: ClassVar = {"username": "misp", "password": "a pass phrase"}
    name = "ServiceNow incident INC0000001"

    def answer(self, request: Received) -> Answer:
        path = request.path.removeprefix("/api/now/table/incident")
        if not path and request.method == "GET":
            wanted = dict(request.query)["sysparm_query"]
            rows = [one for one in self.cases.values() if wanted.startswith(f"correlation_id={one['correlation_id']}^")]
            return answer({"result": rows})
        if not path:
            there = f"{len(self.cases) + 1:032x}"
            row = {**request.json(), "state": "1", "sys_id": there, "number": f"INC{len(self.cases) + 1:07d}"}
            self.add(row, there)
            return answer({"result": row}, 201)
        there = path.removeprefix("/")
        if there not in self.cases:
            error = {
                "message": "No Record found",
                "detail": "Record doesn't exist or ACL restricts the record retrieval",
            }
            return answer({"error": error, "status": "failure"}, 404)
        told = request.json()
        if note := told.pop("work_notes", ""):
            self.history[there].append(note)
        self.change(there, told)
        return answer({"result": self.cases[there]})


class Jira(Tracker):
    """Cloud, API v3; `v2` for Data Center. The search knows an issue as soon as `indexed` is true."""

    params: ClassVar = {"username": "misp@example.org", "token": "ATATT-very-secret", "project": "SOC"}
    name = "Jira issue SOC-1"
    version = "3"
    indexed = True

    def answer(self, request: Received) -> Answer:
        path = request.path.removeprefix(f"/rest/api/{self.version}")
        if path == ("/search/jql" if self.version == "3" else "/search"):
            wanted = dict(request.query)["jql"]
            found = [self._shown(key) for key, one in self.cases.items() if f'"{one["labels"][-1]}"' in wanted]
            return answer({"issues": found if self.indexed else []})
        if path == "/issue":
            told = request.json()["fields"]
            assert len(told["summary"]) <= 255, "Jira refuses it"
            key = self.add({**told, "status": "To Do"}, f"SOC-{len(self.cases) + 1}")
            return answer({"id": "10001", "key": key, "self": f"{self.url}/rest/api/{self.version}/issue/10001"}, 201)
        key = path.split("/")[2]
        if key not in self.cases:
            return answer({"errorMessages": ["Issue does not exist or you do not have permission to see it."]}, 404)
        if path.endswith("/comment"):
            self.history[key].append(_text_of(request.json()["body"]))
            return answer({"id": "10000"}, 201)
        if path.endswith("/transitions") and request.method == "GET":
            return answer({"transitions": [{"id": "31", "name": "Done"}, {"id": "11", "name": "To Do"}]})
        if path.endswith("/transitions"):
            self.change(key, {"status": {"31": "Done", "11": "To Do"}[request.json()["transition"]["id"]]})
        else:
            self.change(key, request.json()["fields"])
        return answer(status=204)

    def _shown(self, key: str) -> dict[str, Any]:
        return {"id": "10001", "key": key, "fields": {"labels": self.cases[key]["labels"]}}


class JiraDataCenter(Jira):
    """API v2, a personal access token."""

    params: ClassVar = {"token": "very-secret-pat", "project": "SOC", "deployment": "datacenter"}
    version = "2"


class Redmine(Tracker):
    """https://www.redmine.org/projects/redmine/wiki/Rest_Issues."""

    params: ClassVar = {"api_key": "0123456789abcdef", "project": "soc"}
    name = "Redmine issue 1"

    def answer(self, request: Received) -> Answer:
        if request.path == "/issues.json" and request.method == "GET":
            wanted = dict(request.query)["description"].removeprefix("~")
            rows = [self._shown(number) for number, one in self.cases.items() if wanted in one["description"]]
            return answer({"issues": rows, "total_count": len(rows), "offset": 0, "limit": 25})
        if request.path == "/issues.json":
            return answer({"issue": self._shown(self.add({"status_id": 1, **request.json()["issue"]}))}, 201)
        number = request.path.removeprefix("/issues/").removesuffix(".json")
        if number not in self.cases:
            return answer(status=404)
        if request.method == "GET":
            return answer({"issue": self._shown(number)})
        told = request.json()["issue"]
        if note := told.pop("notes", ""):
            self.history[number].append(note)
        self.change(number, told)
        return answer(status=204)

    def _shown(self, number: str) -> dict[str, Any]:
        one = self.cases[number]
        return {**one, "id": int(number), "status": {"id": one["status_id"]}}


def _text_of(body: Any) -> str:
    """Return the text of a comment, be it Atlassian's document or plain."""
    if isinstance(body, str):
        return body
    return "\n".join("".join(part["text"] for part in block["content"]) for block in body["content"])


def _fits(ticket: dict[str, Any], query: str) -> bool:
    """Whether RT's search language, as we use it, means this ticket."""
    return query == f"Queue = '{ticket.get('Queue')}' AND RefersTo = '{ticket['mark']}'"


class TheHive(Tracker):
    """TheHive 5, API v1: type, source and sourceRef are unique together; `blind` loses an observable without a word."""

    params: ClassVar = {"api_key": "a-very-secret-key"}
    name = "TheHive alert ~1"
    blind = False
    observables: ClassVar[list[tuple[str, str]]] = []

    def answer(self, request: Received) -> Answer:
        path = request.path.removeprefix("/api/v1")
        if path == "/query":
            wanted = {step["_eq"]["_field"]: step["_eq"]["_value"] for step in request.json()["query"][1:]}
            return answer([one for one in self.cases.values() if wanted.items() <= one.items()])
        if path == "/alert":
            told = request.json()
            same = ("type", "source", "sourceRef")
            if any(all(one[name] == told[name] for name in same) for one in self.cases.values()):
                return answer({"type": "CreateError", "message": "Alert already exists"}, 400)
            seen = [(one["dataType"], one["data"]) for one in told.pop("observables")]
            if len(seen) != len(set(seen)):
                return answer({"type": "CreateError", "message": "Observable already exists"}, 400)
            there = f"~{len(self.cases) + 1}"
            row = {**told, "_id": there, "status": "New", "observableCount": len(seen) - self.blind}
            self.add(row, there)
            self.observables = seen
            return answer(row, 201)
        there = path.split("/")[2].replace("%7E", "~")
        if there not in self.cases:
            return answer({"type": "NotFoundError", "message": "Alert not found"}, 404)
        if path.endswith("/comment"):
            self.history[there].append(request.json()["message"])
            return answer({"_id": "~99"}, 201)
        if path.endswith("/observable"):
            one = (request.json()["dataType"], request.json()["data"])
            if one in self.observables:
                return answer({"type": "CreateError", "message": "Observable already exists"}, 400)
            self.observables.append(one)
            return answer([{"_id": "~98"}], 201)
        if request.method == "PATCH":
            self.change(there, request.json())
            return answer(b"", 204)
        return answer(self.cases[there])


class Iris(Tracker):
    """DFIR-IRIS, API v2: a page of alerts, an alert as it is, and 400 with a message."""

    params: ClassVar = {"api_key": "a-very-secret-key"}
    name = "IRIS alert 1"

    def answer(self, request: Received) -> Answer:
        path = request.path.removeprefix("/api/v2/alerts")
        if not path and request.method == "GET":
            query = dict(request.query)
            wanted = (query["source_reference"], query["alert_source"])
            found = [one for one in self.cases.values() if (one["alert_source_ref"], one["alert_source"]) == wanted]
            return answer({"total": len(found), "data": found, "last_page": 1, "current_page": 1, "next_page": None})
        if not path:
            told = request.json()
            row = {**told, "alert_id": len(self.cases) + 1}
            self.add(row)
            return answer(row, 201)
        there = path.split("/")[1]
        if there not in self.cases:
            return answer(b"", 404)
        if path.endswith("/comments"):
            self.history[there].append(request.json()["comment_text"])
            return answer({"comment_id": 1}, 201)
        if request.method == "PUT":
            self.change(there, request.json())
        return answer(self.cases[there])

    def change(self, number: str, fields: dict[str, Any]) -> None:
        told = {name.removeprefix("alert_"): value for name, value in fields.items()}
        self.history[number] += [f"{name}: {value}" for name, value in told.items()]
        self.cases[number] |= fields


class FlowIntel(Tracker):
    """FlowIntel 3.3.0, as seen on the real one: a search that knows open cases by their titles, which are unique."""

    params: ClassVar = {"api_key": "a-very-secret-key"}
    name = "FlowIntel case 1"

    def answer(self, request: Received) -> Answer:
        if request.header("X-API-KEY") != self.params["api_key"]:
            return answer({"message": "You don't have the permission to access the requested resource."}, 403)
        path, told = request.path.removeprefix("/api/case"), request.json() if request.body else {}
        if path == "/search":
            wanted = told["search"].lower()
            rows = [self._shown(cid) for cid, one in self.cases.items() if wanted in one["title"].lower()]
            return answer({"cases": [row for row in rows if not row["completed"]]})
        if path == "/title":
            rows = [self._shown(cid) for cid, one in self.cases.items() if one["title"] == told["title"]]
            return answer(rows[0]) if rows else answer({"message": "Case not found"}, 404)
        if path == "/create_with_event":
            if any(one["title"] == told["title"] for one in self.cases.values()):
                return answer({"message": "Title already exist"}, 400)
            made = int(self.add({**told, "status_id": 1, "completed": False}))
            whole = isinstance(told.get("event"), dict) and "Event" in told["event"]
            return answer({"message": f"Case created, id: {made}", "case_id": made}, 201) if whole else answer("", 500)
        cid = path.split("/")[1]
        if cid not in self.cases:
            return answer({"message": "Case not found"}, 404)
        if path.endswith("/append_case_note"):
            self.history[cid].append(told["note"].strip())
            return answer({"message": f"Note for Case {cid} edited"})
        if path.endswith("/edit") or path.endswith("/change_status"):
            self.change(cid, told)
            return answer({"message": f"Case {cid} edited"})
        return answer(self._shown(cid))

    def _shown(self, cid: str) -> dict[str, Any]:
        return {**{name: value for name, value in self.cases[cid].items() if name != "event"}, "id": int(cid)}
