"""What does not fit together before a run, such as an event that the trigger never hands over; and what it does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from misp_workflow.errors import InputError, did_you_mean
from misp_workflow.event import text
from misp_workflow.runner.data.firing import attributes, fire, handed_over_itself
from misp_workflow.runner.data.triggers import TRIGGERS, find
from misp_workflow.runner.said.check.subject import BARE_EVENT

_EVENT = frozenset(("id", "uuid", "info", "Attribute", "Object", "_AttributeFlattened"))
_KINDS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "a log entry": lambda data: isinstance(data.get("Log"), dict),
    "a post": lambda data: isinstance(data.get("Post"), dict),
    "an event": lambda data: isinstance(data.get("Event"), dict) and not _EVENT.isdisjoint(data["Event"]),
    "a user": lambda data: "email" in data and "Event" not in data,
    "a workflow": lambda data: isinstance(data.get("Workflow"), dict),
}
_WANTED = (("log-", "a log entry"), ("post-", "a post"), ("user-", "a user"))


def trigger_named(name: str) -> str:
    """Return the trigger's name; InputError, with the nearest one, when MISP has none of that name."""
    if find(name) is None:
        raise InputError(f"MISP has no trigger “{name}”{did_you_mean(name, TRIGGERS)}.")
    return name


def refuse_unfit(data: Any, trigger: str | None, path: object) -> None:
    """Raise InputError for data that the trigger (None: any) never hands over, such as an error that MISP answered."""
    found = data if isinstance(data, Mapping) else {}
    kinds = [kind for kind, is_it in _KINDS.items() if is_it(found)]
    wanted = next((kind for start, kind in _WANTED if (trigger or "").startswith(start)), "an event")
    if wanted in kinds or (trigger is None and kinds) or handed_over_itself(trigger or "", data):
        return
    what = f"holds {kinds[0]}" if kinds else _otherwise(found)
    hands_over = f"{trigger} hands over {wanted}" if trigger else "a module is handed an event, a user, a log entry"
    raise InputError(f"{path} {what}; {hands_over}{'' if trigger else ' or a post'}.")


def handed_over(trigger: str, data: Any) -> tuple[Any, dict[str, Any], list[str]]:
    """Return what the trigger hands over of an event, what the `World` needs for it, and what to say of it.

    Raises InputError for an event that has nothing which would fire the trigger.
    """
    fired = fire(trigger, data)
    if fired is None:
        searched = {"rest_search": [data]} if isinstance(data, Mapping) and "Event" in data else {}
        return data, searched, _more_than_misp_gives(trigger, data)
    event = "bare event" if all("Attribute" not in row for row in fired.rows["events"].values()) else "event"
    said = f"{trigger} hands over {fired.of}, the first in this event, and the {event} around it."
    return fired.data, {"rows": fired.rows, "fetched_events": [data]}, [said]


def _more_than_misp_gives(trigger: str, data: Any) -> list[str]:
    event = data.get("Event") if isinstance(data, Mapping) else None
    count = sum(1 for _ in attributes(event)) if isinstance(event, Mapping) else 0
    if trigger == "attribute-after-save" and count > 1:
        return [f"MISP fires {trigger} for each attribute by itself; this run was given {count} at once."]
    if trigger in BARE_EVENT and count:
        return [f"MISP hands over {BARE_EVENT[trigger]} at {trigger}; what this run was given has more."]
    return []


def _otherwise(data: Mapping[str, Any]) -> str:
    if "message" in data or "errors" in data:
        said = text(data.get("message") or data.get("name")) or "no reason"
        return f"holds no event but an error that MISP answered ({said[:100]})"
    return "holds nothing that MISP hands over"


def refuse_unknown(named: Collection[str], known: Collection[str], what: str) -> None:
    """Raise InputError for the first name that is none of the known ones, with the nearest."""
    for name in named:
        if name not in known:
            raise InputError(f"{what}: there is no module “{name}”{did_you_mean(name, known)}.")
