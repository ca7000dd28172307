"""MISP's workflow API, as a real 2.5.1 was recorded to answer it: what it has, saving, enabling.

Its traps are known here and nowhere else: a workflow is made by asking for its editor, which answers 500 all the same;
names that MISP does not know are "Enabled"; lists with holes come as objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from misp_workflow import php
from misp_workflow.delivery.transports import misp
from misp_workflow.errors import DeliveryError, InputError
from misp_workflow.remote.document import MOST_LEVELS, Content, slug
from misp_workflow.runner.data import wire
from misp_workflow.runner.data.profiles import NEWEST, Profile, profile
from misp_workflow.settings import Settings
from misp_workflow.words import whole_number

PAGE = 500
"""Events that one answer lists, without their attributes."""

MOST_EVENTS = 1_000_000
"""Events of one listing: a MISP that has more for every page that is asked for would be asked for ever."""


class Misp:
    """The MISP of these settings. Every method raises DeliveryError when MISP says no, or nothing."""

    def __init__(self, rules: Settings) -> None:
        self._rules = rules
        self.url = rules.misp.url.rstrip("/")

    def version(self) -> str:
        found = self._get("servers/getVersion")
        version = found.get("version") if isinstance(found, Mapping) else None
        if not isinstance(version, str):
            raise DeliveryError("What answers is no MISP, for it has no version: check its address.")
        return version

    # --- workflows ----------------------------------------------------------------------------------------------------

    def workflows(self) -> dict[str, Stored]:
        """Return every workflow by its trigger; DeliveryError for two of one, of which MISP runs only one."""
        found: dict[str, Stored] = {}
        for row in _rows(self._get("workflows/index"), "Workflow"):
            one = Stored(row if "data" in row else self._view(row.get("id")))
            if other := next((known for known in found if slug(known) == slug(one.trigger)), ""):
                names = f"“{found[other].content.name}” ({found[other].id}) and “{one.content.name}” ({one.id})"
                raise DeliveryError(
                    f"MISP has two workflows for {other}, {names}, and runs one: delete the other there."
                )
            found[one.trigger] = one
        return found

    def workflow(self, trigger: str) -> Stored | None:
        """Return the workflow of a trigger, None when it has none."""
        return self.workflows().get(trigger)

    def create(self, trigger: str) -> Stored:
        """Make the workflow of a trigger that has none."""
        said = misp.ask(self._rules, "GET", f"workflows/editor/{quote(trigger, safe='')}")
        made = self.workflow(trigger)
        if made is None:
            raise DeliveryError(f"MISP makes no workflow for {trigger}. {said.refusal or 'It does not say why.'}")
        return made

    def save(self, stored: Stored, content: Content) -> None:
        """Write name, description, debug mode and graph of a workflow."""
        fields = {
            "name": content.name,
            "description": content.description,
            "debug_enabled": content.debug,
            "data": json.dumps(content.graph),  # as text: an object is answered with an internal error
        }
        self._post(f"workflows/edit/{quote(stored.id, safe='')}", {"Workflow": fields})

    def delete(self, stored: Stored) -> None:
        self._post(f"workflows/delete/{quote(stored.id, safe='')}", {})

    def _view(self, number: Any) -> dict[str, Any]:
        found = self._get(f"workflows/view/{quote(str(number), safe='')}")
        row = found.get("Workflow") if isinstance(found, Mapping) else None
        if not isinstance(row, dict):
            raise DeliveryError(f"MISP does not show workflow {number}.")
        return row

    # --- what is enabled ----------------------------------------------------------------------------------------------

    def triggers(self) -> dict[str, bool]:
        """Return whether each trigger is enabled."""
        return _enabled(self._get("workflows/triggers"))

    def modules(self) -> dict[str, bool]:
        """Return whether each module is enabled, MISP's own and those of misp-modules."""
        found = [self._get(f"workflows/moduleIndex/type:{kind}") for kind in ("logic", "action")]
        return {name: on for listed in found for name, on in _enabled(listed).items()}

    def enable(self, name: str, on: bool, *, trigger: bool = False) -> None:
        """Enable or disable a module or trigger. MISP says yes to any name: look afterwards."""
        self._post(f"workflows/toggleModule/{quote(name, safe='')}/{int(on)}{'/1' if trigger else ''}", {})

    # --- blueprints ---------------------------------------------------------------------------------------------------

    def blueprints(self) -> list[dict[str, Any]]:
        """Return every blueprint as MISP exports it, {"WorkflowBlueprint": {…}}."""
        name = "WorkflowBlueprint"
        found = _rows(self._get("workflowBlueprints/index"), name)
        if deep := next((row for row in found if wire.depth(row) > MOST_LEVELS), None):
            raise DeliveryError(f"The blueprint “{deep.get('name')}” nests deeper than {MOST_LEVELS} levels.")
        return [{name: row} for row in found]

    # --- events -------------------------------------------------------------------------------------------------------

    def events_since(self, age: str) -> Iterator[tuple[str, str]]:
        """Yield (uuid, timestamp) of the events that were changed within `age` ("30d"), as MISP lists them.

        DeliveryError also for more than MOST_EVENTS.
        """
        known: set[str] = set()
        page = 1
        while True:
            query = {"returnFormat": "json", "timestamp": age, "metadata": True, "limit": PAGE, "page": page}
            found = {str(one.get("uuid")): one for one in _rows(self._post("events/restSearch", query), "Event")}
            fresh = {uuid: str(one.get("timestamp")) for uuid, one in found.items() if uuid not in known}
            yield from fresh.items()
            if not fresh:  # a MISP that knows no pages says the same again
                return
            known |= fresh.keys()
            page += 1
            if len(known) > MOST_EVENTS:
                raise DeliveryError(
                    f"MISP lists more than {MOST_EVENTS:,} events within {age}: ask for a shorter time."
                )

    def event(self, uuid: str) -> dict[str, Any]:
        """Return an event, {"Event": …}."""
        try:
            found = self._get(f"events/view/{quote(uuid, safe='')}")
        except DeliveryError as error:
            raise DeliveryError(f"Event {uuid}: {error}") from None
        if not isinstance(found, dict) or not isinstance(found.get("Event"), dict):
            raise DeliveryError(f"MISP's answer for event {uuid} is no event.")
        return found

    # ------------------------------------------------------------------------------------------------------------------

    def _get(self, path: str) -> Any:
        return _yes(misp.ask(self._rules, "GET", path))

    def _post(self, path: str, body: Any) -> Any:
        return _yes(misp.ask(self._rules, "POST", path, body))


class Stored:
    """A workflow as MISP has it: its number there, and what it holds."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.id = str(row.get("id"))
        self.content = Content.of_row(row)

    @property
    def trigger(self) -> str:
        return self.content.trigger


def rules_of(version: str) -> Profile:
    """Return the engine's rules of a version of MISP; of one that is not mirrored, those of the newest that is."""
    try:
        return profile(version)
    except InputError:
        return profile(NEWEST)


def _yes(said: misp.Said) -> Any:
    if said.refusal:
        raise DeliveryError(said.refusal)
    return said.content


def _rows(found: Any, member: str = "") -> list[dict[str, Any]]:
    """Return the objects in a list of MISP's, or what each has under `member`.

    DeliveryError when it is no such list: taken for an empty one it would say that MISP has nothing.
    """
    if isinstance(found, Mapping) and found and all(whole_number(str(place)) is not None for place in found):
        found = list(found.values())  # a list with holes
    inner = [
        one.get(member) if member and isinstance(one, dict) else one
        for one in (found if isinstance(found, list) else ())
    ]
    rows = [one for one in inner if isinstance(one, dict)]
    if not isinstance(found, list) or len(rows) < len(found):
        raise DeliveryError(f"MISP's answer is no list{f' of {member}s' if member else ''}: check its address.")
    return rows


def _enabled(found: Any) -> dict[str, bool]:
    return {str(one["id"]): not php.truthy(one.get("disabled")) for one in _rows(found) if "id" in one}
