"""What every action is for, when it runs, and when another module serves better: read from the files themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from misp_workflow.testing.contract import ActionFile

GROUPS = {
    "gate": "stop what MISP is about to do",
    "tell": "tell people, or a program",
    "feed": "put records, lists and documents into machines, and take them back",
    "case": "open and keep a case, ticket or alert",
    "ask": "ask somebody about the data, and use the answer",
    "write back": "change what is in MISP",
}
"""What actions are for, in the order in which they are shown."""

ANY = "any"
KEPT = "event-publish, attribute-after-save, event-after-save, and others with an event or attribute"
EVENTS = "any with an event or attribute"


@dataclass(frozen=True)
class Told:
    """One action. `updates` and `withdraws` are "" for what sends nothing to anybody: a gate, a change in MISP.

    `also` is what people look for it by besides.
    """

    name: str
    description: str
    group: str
    blocking: bool
    triggers: str
    updates: str
    withdraws: str
    instead: str
    also: str = ""

    def has(self, word: str) -> bool:
        """Say whether a word stands in what is said of it."""
        return (
            word.casefold() in " ".join((self.name, self.description, self.group, self.instead, self.also)).casefold()
        )


def told(files: Iterable[Path]) -> list[Told]:
    """Return what is to be said of each action file, by group and name."""
    found = [_told(ActionFile.load(file)) for file in files]
    return sorted(found, key=lambda one: (list(GROUPS).index(one.group), one.name))


@cache
def others() -> Mapping[str, str]:
    """Return when to take a module of MISP or of misp-modules instead, or beside: action of ours -> sentence."""
    text = (resources.files("misp_workflow.cli") / "instead.json").read_text(encoding="utf-8")
    found: Mapping[str, str] = json.loads(text)
    return found


def _told(action: ActionFile) -> Told:
    config, info = action.module.moduleconfig, action.module.moduleinfo
    leaves = config.get("leaves_home", not config["blocking"])
    group = group_of(config, leaves)
    said = {name: config.get(name, "no") if leaves else "" for name in ("updates", "withdraws")}
    usual = {"feed": KEPT, "case": KEPT, "write back": EVENTS, "ask": EVENTS}.get(group, ANY)
    triggers = ", ".join(config.get("triggers", ())) or usual
    instead = others().get(action.name, "")
    also = "chat" if "mention" in config["params"] else ""
    return Told(
        action.name, info["description"], group, config["blocking"], triggers, instead=instead, also=also, **said
    )


def group_of(config: Mapping[str, Any], leaves: bool) -> str:
    """Return what an action is for: what it says itself, else what its table of parameters shows."""
    if "group" in config:
        return str(config["group"])
    if config["blocking"]:
        return "gate"
    if not leaves:
        return "write back"
    if "on_withdraw" in config["params"]:
        return "case"
    return "feed" if "updates" in config else "tell"
