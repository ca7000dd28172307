"""misp-workflow run --loop: goes on with the triggers that the changes in MISP would fire, until all is quiet.

MISP is the stand-in of the test kit, loaded with the event. The actions of this pack that change MISP act on it, all
others say yes without being asked: nothing leaves this machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from rich.markup import escape

from misp_workflow.cli.screen import Console
from misp_workflow.cli.servers import actions
from misp_workflow.delivery import deliver
from misp_workflow.errors import InputError
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.moduleapi import LocalServer, Scripted
from misp_workflow.runner.walk.records import Run
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing.misp import MispStandIn

CHANGING = frozenset(
    [
        "misp_tag",
        "misp_attribute_edit",
        "misp_event_edit",
        "misp_sighting",
        "misp_note",
        "misp_report",
        "warninglist_check",
    ]
)
"""Actions that change MISP and ask nobody else."""


def simulate(workflow: Workflow, data: Any, most: int, console: Console, world: World | None = None) -> bool:
    """Run the workflow, and again for each time that its changes fire its trigger; whether it came to rest.

    `most` runs at most. Raises InputError for data that is no event.
    """
    event = data.get("Event") if isinstance(data, Mapping) else None
    if not isinstance(event, dict) or not event.get("info"):
        raise InputError("A loop is simulated on an event; the data given holds none.")
    console.print("Dry run: MISP is a stand-in on this machine, and nothing leaves it.", highlight=False)
    with MispStandIn() as misp, _settings(misp):
        stored = misp.add_event(event)
        trigger = workflow.trigger_id or ""
        subjects = stored["Attribute"] if trigger == "attribute-after-save" else [stored]
        waiting = [row["uuid"] for row in subjects]
        server = _server()
        for number in range(1, most + 1):
            if not waiting:
                console.print(f"Quiet after {_runs(number - 1)}: nothing fires {trigger} any more.")
                return True
            misp.fired.clear()
            done = run(workflow, misp.trigger_data(trigger, waiting.pop(0)), server, world=world)
            waiting += [uuid for fired, uuid in misp.fired if fired == trigger]
            _print(number, done, [fired for fired, _ in misp.fired], console)
    told = f"[red]Still going after {_runs(most)}[/]: each fires {trigger} again." if waiting else "Quiet."
    console.print(told)
    return not waiting


def _runs(number: int) -> str:
    return f"{number} run{'' if number == 1 else 's'}"


def _server() -> Scripted:
    """Actions that change MISP act; everybody else says yes."""
    local = LocalServer(actions())
    listed = local.modules()
    yes = [{"type": "ok", "body": {"data": True}}]
    return Scripted(listed, {str(one["name"]): yes for one in listed if one["name"] not in CHANGING}, local)


def _print(number: int, done: Run, fired: list[str], console: Console) -> None:
    told = [f"{one.module}: {_answer(one.result)}" for one in done.exchanges if one.module in CHANGING]
    console.print(f"[bold]run {number}[/] {escape('; '.join(told)) or 'changes nothing in MISP'}", highlight=False)
    console.print(f"      fires {', '.join(dict.fromkeys(fired)) or 'nothing'}", highlight=False)


def _answer(result: Any) -> str:
    found = result.get("error") or result.get("data") if isinstance(result, dict) else result
    return str(found.get("detail") if isinstance(found, dict) else found)


@contextmanager
def _settings(misp: MispStandIn) -> Iterator[None]:
    """Settings, state and outbox of the simulation's own, in place of the operator's."""
    with tempfile.TemporaryDirectory(prefix="misp-workflow-loop-") as folder:
        settings = Path(folder) / "settings.toml"
        settings.touch(mode=0o600)
        settings.write_text(f"[misp]\nurl = {_quoted(misp.url)}\nkey = {_quoted(misp.key)}\n")
        own = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(Path(folder) / "state")}
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            yield
        finally:
            deliver.stop()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
