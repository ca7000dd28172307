"""A real TAXII server: medallion, with one collection to write and one to read only, in its memory."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import running

from misp_workflow.testing import free_port
from misp_workflow.testing.receiver import Received, Receiver, answer

COLLECTION, READ_ONLY, WRITE_ONLY = (f"5f1d8b8a-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
USER, PASSWORD = "misp", "a pass phrase"
MEDIA = "application/taxii+json;version=2.1"


class Medallion:
    """`url` is the API root; `objects` are the latest versions of the objects, by id."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api"

    def get(self, path: str) -> Any:
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(self.url + path, headers={"Accept": MEDIA, "Authorization": f"Basic {basic}"})
        with urllib.request.urlopen(request, timeout=60) as found:
            return json.load(found)

    def objects(self, collection: str = COLLECTION) -> dict[str, dict[str, Any]]:
        """Of many, medallion takes minutes to say which version is the last one, so it is asked for all of them."""
        found = self.get(f"/collections/{collection}/objects/?match[version]=all").get("objects", [])
        return {one["id"]: one for one in sorted(found, key=lambda one: one.get("modified", ""))}

    def versions(self, uid: str) -> list[dict[str, Any]]:
        """Every version of an object, oldest first."""
        found = self.get(f"/collections/{COLLECTION}/objects/{uid}/?match[version]=all").get("objects", [])
        return sorted(found, key=lambda one: one["modified"])


@contextlib.contextmanager
def medallion_running(folder: Path, limit: int = 5_000_000) -> Iterator[Medallion]:
    pytest.importorskip("medallion", reason="medallion is not installed here")
    port = free_port()
    one = {"can_read": True, "can_write": True, "media_types": ["application/stix+json;version=2.1"]}
    collections = [
        {**one, "id": COLLECTION, "title": "both"},
        {**one, "id": READ_ONLY, "title": "read", "can_write": False},
        {**one, "id": WRITE_ONLY, "title": "write", "can_read": False},
    ]
    empty = [{**each, "objects": [], "manifest": []} for each in collections]
    about = {"title": "api", "versions": [MEDIA], "max_content_length": limit}
    (folder / "data.json").write_text(
        json.dumps({"/discovery": {"title": "t"}, "api": {"information": about, "status": [], "collections": empty}})
    )
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend"}
    told = {"backend": {**backend, "filename": str(folder / "data.json")}, "users": {USER: PASSWORD}}
    (folder / "conf.json").write_text(json.dumps({**told, "taxii": {"max_page_size": 100_000}}))
    words = [Path(sys.executable).with_name("medallion"), "--host", "127.0.0.1", "--port", str(port)]
    with running(*words, folder / "conf.json", port=port, log=folder / "medallion.log"):
        yield Medallion(port)


class Standard:
    """A TAXII server that follows its `way`: takes, is slow, refuses some, tells little."""

    def __init__(self, receiver: Receiver) -> None:
        self.url, self.receiver = f"{receiver.url}/root", receiver
        self.taken: dict[str, str] = {}
        self.statuses: dict[str, dict[str, Any]] = {}
        self.pending = 0  # how often a status is still pending
        self.bad: Callable[[dict[str, Any]], bool] = lambda one: False
        self.terse = False
        self.before: Callable[[Received], Any] = lambda request: None
        receiver.always(self.answer)

    def answer(self, request: Received) -> Any:
        assert request.header("Accept") == MEDIA
        early = self.before(request)
        if early is not None:
            return early
        path = request.path.removeprefix("/root").strip("/").split("/")
        if path == [""]:
            return answer({"title": "root", "versions": [MEDIA], "max_content_length": 1_000_000})
        if path[0] == "status":
            return answer(
                self._told(path[1]) if path[1] in self.statuses else {"title": "Not Found"},
                200 if path[1] in self.statuses else 404,
            )
        if len(path) == 2:
            return answer({"id": path[1], "title": "c", "can_read": True, "can_write": True})
        if path[2] == "manifest":
            ids = dict(request.query)["match[id]"].split(",")
            rows = [{"id": uid, "version": self.taken[uid], "date_added": "x"} for uid in ids if uid in self.taken]
            return answer({"objects": rows})
        assert request.header("Content-Type") == MEDIA
        return self._add(request.json()["objects"])

    def _add(self, objects: list[dict[str, Any]]) -> Any:
        bad = [one for one in objects if self.bad(one)]
        good = [one for one in objects if one not in bad]
        self.taken |= {one["id"]: one.get("modified") or one.get("created") or "" for one in good}
        failures = [{"id": one["id"], "version": "x", "message": "no such pattern"} for one in bad]
        told = {"total_count": len(objects), "success_count": len(good), "failure_count": len(bad), "pending_count": 0}
        name = f"status-{len(self.statuses) + 1}"
        more = {} if self.terse else {"successes": [{"id": one["id"]} for one in good], "failures": failures}
        self.statuses[name] = {"id": name, "status": "complete", **told, **more}
        return answer(self._told(name), 202)

    def _told(self, name: str) -> dict[str, Any]:
        if self.pending > 0:
            self.pending -= 1
            counts = {"total_count": 1, "success_count": 0, "failure_count": 0, "pending_count": 1}
            return {"id": name, "status": "pending", **counts}
        return self.statuses[name]

    def posts(self) -> int:
        return sum(one.method == "POST" for one in self.receiver.requests)
