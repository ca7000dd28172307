"""Tags and clusters that are for the own organisation arrive nowhere, by any action: messages, records, lists, cases."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from leaks_kit import World, Written, ask, scheme_of_a_broker, settle, variants, written
from planted_secrets import CORE, leaks, of_different_data

from misp_workflow.testing.contract import ActionFile

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")

HOME: tuple[dict[str, Any], ...] = (
    {"local": True},
    {"local": "1", "exportable": True},
    {"local": False, "local_only": True},
    {"local": False, "exportable": False},
)


def kept_home(value: Any, way: int) -> None:
    """Give every item of the data, the event included, a tag and a cluster that may not leave."""
    if isinstance(value, list):
        for item in value:
            kept_home(item, way)
    if not isinstance(value, dict):
        return
    for item in value.values():
        kept_home(item, way)
    if "uuid" in value and {"value", "info", "content"} & value.keys():
        tag = {"name": f"{CORE}:case", **HOME[way]}
        cluster = {"type": "ours", "value": f"{CORE} actor", "tag_name": f'misp-galaxy:ours="{CORE}"', "local": True}
        value["Tag"] = [*(value.get("Tag") or []), tag]
        value["Galaxy"] = [{"name": f"{CORE} galaxy", "type": "ours", "GalaxyCluster": [cluster]}]
        value["_allTags"] = [*(value.get("_allTags") or []), {"name": tag["name"], "inherited": True}]


@pytest.fixture(scope="session")
def at_home(captures: dict[str, Any]) -> Callable[[str, int], Written]:
    """Return a captured body with such tags and clusters; each is written once for all actions."""

    @cache
    def body_of(name: str, way: int) -> Written:
        data = copy.deepcopy(captures[name]["data"])
        kept_home(data, way)
        return written({"data": data})

    return body_of


def test_what_stays_home_arrives_nowhere_by_any_action(
    action: ActionFile, world: World, captures: dict[str, Any], at_home: Callable[[str, int], Written]
) -> None:
    config = action.module.version()["config"]
    leaves = config.get("leaves_home", not config["blocking"])
    heard = []
    for number, (name, more) in enumerate(itertools.product(of_different_data(captures), variants(action))):
        given = at_home(name, number % len(HOME))
        wanted, before = {**more, "selected_or_all": "all"}, world.heard()
        ask(action, given, world.params(action, **wanted))
        unheard = world.heard() == before or "open_when" in action.params  # nobody here plays its other side
        if "dry_run" in action.params and leaves and unheard:
            said = ask(action, given, world.params(action, **wanted, dry_run="true"))
            heard.append((f"dry run of {name}", json.dumps(said).encode()))
    settle()
    if scheme_of_a_broker(action) or "open_when" in action.params:
        assert any(b'"dry-run"' in said for _, said in heard), "nobody was told what would be sent"
    own = "-" if leaves else "misp"
    assert leaks((where, content) for where, content in world.arrived() if not where.startswith(own)) == []
    assert leaks(heard) == []
