"""Tags and clusters that are for the own organisation arrive nowhere, by any action: messages, records, lists, cases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from leaks_kit import CORE, World, ask, leaks, settle, variants

from misp_workflow.testing.contract import ActionFile

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")

HOME: tuple[dict[str, Any], ...] = (
    {"local": True},
    {"local": "1", "exportable": True},
    {"local": False, "local_only": True},
    {"local": False, "exportable": False},
)


def kept_home(value: Any, number: int) -> None:
    """Give every item of the data, the event included, a tag and a cluster that may not leave."""
    if isinstance(value, list):
        for item in value:
            kept_home(item, number)
    if not isinstance(value, dict):
        return
    for item in value.values():
        kept_home(item, number)
    if "uuid" in value and {"value", "info", "content"} & value.keys():
        tag = {"name": f"{CORE}:case", **HOME[number % len(HOME)]}
        cluster = {"type": "ours", "value": f"{CORE} actor", "tag_name": f'misp-galaxy:ours="{CORE}"', "local": True}
        value["Tag"] = [*(value.get("Tag") or []), tag]
        value["Galaxy"] = [{"name": f"{CORE} galaxy", "type": "ours", "GalaxyCluster": [cluster]}]
        value["_allTags"] = [*(value.get("_allTags") or []), {"name": tag["name"], "inherited": True}]


def test_what_stays_home_arrives_nowhere_by_any_action(
    action: ActionFile, world: World, captures: dict[str, Any]
) -> None:
    config = action.module.version()["config"]
    leaves = config.get("leaves_home", not config["blocking"])
    heard = []
    for number, (name, more) in enumerate((name, more) for name in captures for more in variants(action)):
        body = json.loads(json.dumps(captures[name]))
        kept_home(body["data"], number)
        given = {"data": body["data"]}
        wanted = {**more, "selected_or_all": "all"}
        ask(action, given, world.params(action, **wanted))
        if "dry_run" in action.params and leaves:  # for those whose other side none of these servers plays
            said = ask(action, given, world.params(action, **wanted, dry_run="true"))
            heard.append((f"dry run of {name}", json.dumps(said).encode()))
    settle()
    at_home = "-" if leaves else "misp"
    assert leaks((where, content) for where, content in world.arrived() if not where.startswith(at_home)) == []
    assert leaks(heard) == []
