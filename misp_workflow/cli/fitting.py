"""What does not fit together before a run: an event that the trigger never hands over, names that nobody has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from misp_workflow.errors import InputError, did_you_mean
from misp_workflow.event import text
from misp_workflow.runner.data.triggers import TRIGGERS

_EVENT = frozenset(("id", "uuid", "info", "Attribute", "Object", "_AttributeFlattened"))
_KINDS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "a log entry": lambda data: isinstance(data.get("Log"), dict),
    "a post": lambda data: isinstance(data.get("Post"), dict),
    "an event": lambda data: isinstance(data.get("Event"), dict) and not _EVENT.isdisjoint(data["Event"]),
    "a user": lambda data: "email" in data and "Event" not in data,
}
_WANTED = (("log-", "a log entry"), ("post-", "a post"), ("user-", "a user"))


def trigger_named(name: str) -> str:
    """Return the trigger's name; InputError, with the nearest one, when MISP has none of that name."""
    if name not in TRIGGERS:
        raise InputError(f"MISP has no trigger “{name}”{did_you_mean(name, TRIGGERS)}.")
    return name


def refuse_unfit(data: Any, trigger: str | None, path: object) -> None:
    """Raise InputError for data that the trigger (None: any) never hands over, such as an error that MISP answered."""
    found = data if isinstance(data, Mapping) else {}
    kinds = [kind for kind, is_it in _KINDS.items() if is_it(found)]
    wanted = next((kind for start, kind in _WANTED if (trigger or "").startswith(start)), "an event")
    if wanted in kinds or (trigger is None and kinds):
        return
    what = f"holds {kinds[0]}" if kinds else _otherwise(found)
    hands_over = f"{trigger} hands over {wanted}" if trigger else "a module is handed an event, a user, a log entry"
    raise InputError(f"{path} {what}; {hands_over}{'' if trigger else ' or a post'}.")


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
