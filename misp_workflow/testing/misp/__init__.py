"""A local stand-in for MISP's API, with a memory: it answers as a real MISP 2.5.1 was recorded to.

    with MispStandIn() as misp:
        event = misp.add_event({"info": "…", "Attribute": [{"type": "domain", "value": "a.example"}]})
        …                              # let the code under test change it through misp.url and misp.key
        assert misp.tags(event["Attribute"][0]["uuid"]) == {"tlp:green": "local"}

It does what write-back needs, with MISP's traps: tags found with LIKE, a bulk tag that ignores `local` in the body, a
bulk edit that switches correlation off, a warninglist whose entries stand inside it and are replaced by an edit, a 405
for a missing attribute. tests/misp holds every answer against the recordings, and names those that have none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from misp_workflow.installed import own_actions
from misp_workflow.testing.misp.additions import Additions
from misp_workflow.testing.misp.answers import ROUTES, no, route
from misp_workflow.testing.misp.events import Events
from misp_workflow.testing.misp.lists import Lists
from misp_workflow.testing.misp.tags import Tags
from misp_workflow.testing.misp.workflows import Workflows
from misp_workflow.testing.receiver import CLOSE, Answer, Received, Receiver, answer

KEY = "k3YofTheAdminOfThisStandIn00000000000000"
READ_ONLY_KEY = "k3YofAReaderOfThisStandIn000000000000000"
OUTSIDE_KEY = "k3YofAnotherOrganisation0000000000000000"

READING = re.compile("restSearch|/tags/search")
"""What everybody may ask, though it is asked by POST."""

NO_KEY = (
    "Authentication failed. "
    "Please make sure you pass the API key of an API enabled user along in the Authorization header."
)
NO_PERMISSION = "You do not have permission to use this functionality."


class MispStandIn(Events, Tags, Lists, Additions, Workflows, Receiver):
    """MISP's API on a loopback port, with three keys, of which one is another organisation's; a context manager.

    `recorded`: exchanges whose answers to plain questions (GET) are given as they were. `bulk_local`: whether the bulk
    tag call takes `local:1` in its address. `exclusive`: taxonomies of which a thing has one tag at most.
    """

    def __init__(
        self,
        *,
        recorded: Iterable[Mapping[str, Any]] = (),
        bulk_local: bool = True,
        exclusive: Iterable[str] = ("tlp",),
        host: str = "127.0.0.1",
    ) -> None:
        Receiver.__init__(self, host=host)
        Events.__init__(self, exclusive)
        Workflows.__init__(self, (file.stem for file in own_actions()))
        self.key, self.read_only_key, self.outside_key = KEY, READ_ONLY_KEY, OUTSIDE_KEY
        self.is_site_admin = True
        self.bulk_local = bulk_local
        self._recorded = {one["request"]["path"]: one["response"] for one in reversed(list(recorded))}
        self.always(self._respond)

    def __enter__(self) -> MispStandIn:
        super().__enter__()
        return self

    def calls(self, path: str = "") -> list[str]:
        """Return "METHOD /path" of every request so far whose path begins so."""
        return [f"{one.method} {one.path}" for one in self.requests if one.path.startswith(path)]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask it as its site admin, and return the decoded answer; AssertionError for a path that it does not know."""
        for known, pattern, name in ROUTES:
            found = pattern.fullmatch(f"/{path}")
            if known == method and found:
                with self._lock:
                    said: Answer = getattr(self, name)(f"/{path}", body, *found.groups())
                    return json.loads(said.body)
        raise AssertionError(f"{method} {path} is not answered here")

    # --- answering ----------------------------------------------------------------------------------------------------

    def _respond(self, request: Received) -> Answer:
        if len(request.body) < int(request.header("Content-Length") or 0):
            return CLOSE  # whoever asked is gone in the middle of it
        path = unquote(request.path)
        key = request.header("Authorization")
        if key not in (self.key, self.read_only_key, self.outside_key):
            return no(403, NO_KEY, path)
        if path in self._recorded and path.startswith("/workflows/moduleIndex"):  # what is installed there
            return answer(self._recorded[path]["body"], self._recorded[path]["status"])
        for method, pattern, name in ROUTES:
            found = pattern.fullmatch(path)
            if method == request.method and found:
                for_admins = READING.search(path) is None if method == "POST" else path.startswith("/workflow")
                if key == self.read_only_key and for_admins:
                    return no(403, NO_PERMISSION, path)
                with self.asking_as("2" if key == self.outside_key else "1"):
                    said: Answer = getattr(self, name)(path, request.json() if request.body else None, *found.groups())
                    return said
        if path in self._recorded:
            return answer(self._recorded[path]["body"], self._recorded[path]["status"])
        return no(404, "Not Found", path)

    @route("GET", "/servers/getVersion")
    def _version(self, path: str, body: Any) -> Answer:
        return answer({"version": "2.5.1", "pymisp_recommended_version": "2.5.1", "perm_sync": True})
