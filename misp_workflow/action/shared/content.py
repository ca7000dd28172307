"""What stands in a record for machines: one attribute, or one event, in the layout that the reader wants."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from misp_workflow.action.call import Call
from misp_workflow.action.shared import ecs, stix
from misp_workflow.action.shared.standing import Standing
from misp_workflow.action.wording import rendering
from misp_workflow.errors import InputError, ParameterError
from misp_workflow.event import flag, text

EVENT_FIELDS = ("id", "uuid", "info", "date", "timestamp", "published", "threat_level_id", "analysis", "distribution")
ATTRIBUTE_FIELDS = ("type", "category", "value", "comment", "timestamp", "first_seen", "last_seen")


@dataclass(frozen=True)
class Writer:
    """Writes the records of one call, tombstones among them: {"id", "topic", "key", "body"}.

    `topic` names the parameter with the topic, a template that may use `attribute`; `style` is that of event text in
    it. `at` is when the call came: an attribute that was taken back and comes again in the same state is no repetition.
    """

    call: Call
    said: Standing
    topic: str
    at: float
    style: str

    def plain(self) -> list[dict[str, Any]]:
        """Return the records in the node's layout; a tombstone has no body."""
        call, said = self.call, self.said
        if self._is_whole():
            return [self._of_event(None if not said.rows and said.whole else as_json(_event(call, said.rows)))]
        head = _head(call)
        write = {"flat": _flat, "misp": _misp, "ecs": _ecs}[getattr(call.params, "layout", "flat")]
        there = [self._of(row, as_json(write(call, head, row))) for row in said.rows]
        return there + [self._of(row, None) for row in said.gone]

    def stix(self) -> list[dict[str, Any]]:
        """Return the records for STIX, where a tombstone has a body, too: what it takes back."""
        call, said = self.call, self.said
        if self._is_whole():
            return [self._of_event(as_json(stix.event(call, said)), back=not said.rows and said.whole)]
        return [
            self._of(row, as_json({"Attribute": row}), back=back)
            for rows, back in ((said.rows, False), (said.gone, True))
            for row in rows
        ]

    def report(self) -> dict[str, Any]:
        """Return the record of the event's STIX report."""
        return self._of_event(as_json(stix.report(self.call, self.said)))

    def _is_whole(self) -> bool:
        return getattr(self.call.params, "granularity", "attribute") == "event"

    def _of_event(self, body: str | None, back: bool = False) -> dict[str, Any]:
        return self._of({"uuid": self.said.event, "timestamp": self.call.view.event.get("timestamp")}, body, back)

    def _of(self, row: Mapping[str, Any], body: str | None, back: bool = False) -> dict[str, Any]:
        """Return a record; `back`: it takes something back, although it has a body."""
        uuid = text(row.get("uuid"))
        return {
            "id": f"{uuid}/{text(row.get('timestamp'))}/{self.at:.3f}{'/withdrawn' if back or body is None else ''}",
            "topic": self._topic(row),
            "key": uuid,
            "body": body,
            **({"withdrawn": True} if back else {}),
        }

    def _topic(self, row: Mapping[str, Any]) -> str:
        source = getattr(self.call.params, self.topic, "")
        if "{" not in source:
            return str(source)
        written = rendered(self.call, self.topic, row, self.style).strip()
        if not written or not written.isprintable():
            raise ParameterError(f"Parameter '{self.topic}' came out empty or with line breaks; nothing was sent.")
        return written


def rendered(call: Call, name: str, row: Mapping[str, Any], style: str = "text") -> str:
    """Return the parameter `name` as a template that may also use `attribute`."""
    context = ChainMap({"attribute": row}, cast(Any, call.context))
    try:
        return rendering.render(getattr(call.params, name), context, style)
    except InputError as error:
        raise type(error)(f"Parameter '{name}': {error}") from None


def flat(call: Call, row: Mapping[str, Any], withdrawn: bool) -> str:
    """Return an attribute as one plain JSON object that says whether it is withdrawn."""
    return as_json({**_flat(call, _head(call), row), "withdrawn": withdrawn})


def as_json(value: Any) -> str:
    """Return the text that a record carries."""
    return orjson.dumps(value).decode()


def _head(call: Call) -> dict[str, Any]:
    return {name: call.view.event[name] for name in EVENT_FIELDS if name in call.view.event}


def _flat(call: Call, head: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute as one object without others in it, but for the list of its tags."""
    told: dict[str, Any] = {"attribute_uuid": row.get("uuid"), "to_ids": flag(row.get("to_ids"))}
    told |= {name: text(row.get(name)) for name in ATTRIBUTE_FIELDS}
    told["tags"] = call.tags_of(row)
    told |= _plain(head)
    told |= {"event_organisation": call.view.organisation, "object": call.view.object_name(row), "link": call.link}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _plain(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the head of an event in the same types whatever MISP sent: before a save "0" is false, 77 is "77"."""
    return {f"event_{name}": flag(value) if name == "published" else text(value) for name, value in head.items()}


def _misp(call: Call, head: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute within the head of its event, as MISP itself publishes one."""
    return {"Event": dict(head), "Attribute": row}


def _ecs(call: Call, head: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return ecs.document(call, row)


def _event(call: Call, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if call.params.layout == "misp":
        chosen = {"Attribute": rows, "Object": []} if call.selected is not None else {}
        return {"Event": {**call.view.event, **chosen}}
    return {
        **_plain(_head(call)),
        "event_organisation": call.view.organisation,
        "tags": call.view.tags,
        "link": call.link,
        "attributes": [
            {name: said for name in ("uuid", *ATTRIBUTE_FIELDS) if (said := text(row.get(name)))} for row in rows
        ],
    }
