"""A real event, through a workflow, an action of this pack and the real misp-modules server, to a local receiver.

make demo
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from misp_workflow.cli.tree import print_run
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import HttpServer
from misp_workflow.runner.walk.walk import run
from misp_workflow.testing import MispModulesServer, Receiver, answer

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / "examples" / "workflows" / "notify-on-tlp.json"
EVENT = ROOT / "tests" / "captures" / "event-publish.json"
PORT = 6666

SETTINGS = """
[destinations.soc-chat]
actions = ["slack_message"]
[destinations.soc-chat.parameters]
webhook_url = "{url}/services/soc-chat"
"""


def main() -> int:
    """Run the demonstration; 0 when the message arrived."""
    console = Console()
    with Receiver() as receiver, tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "misp-workflow.toml"
        settings.touch(mode=0o600)
        settings.write_text(SETTINGS.format(url=receiver.url))
        environment = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(Path(folder) / "state")}
        receiver.always(answer(b"ok"))  # Slack's yes to a webhook
        console.print(f"A receiver that stands in for a chat server listens on {receiver.url}.")
        with (
            console.status("Starting the real misp-modules with the pack …"),
            MispModulesServer(PORT, environment={**os.environ, **environment}) as server,
        ):
            taken = "" if server.port == PORT else f" (port {PORT} is taken)"
            console.print(f"misp-modules serves {len(server.loaded())} modules on {server.url}{taken}.")
            event = json.loads(EVENT.read_text())["data"]
            done = run(load(WORKFLOW.read_bytes()), event, HttpServer(server.url))
        print_run(done, console)
        for request in receiver.requests:
            message = Text(request.json()["text"], overflow="fold")
            console.print(Panel(message, title=f"The receiver got {request.method} {request.path}", title_align="left"))
        console.print("Stopped the server and the receiver.")
        delivered = all(step.outcome != "error" for step in done.steps)
        return 0 if done.success and delivered and receiver.requests else 1


if __name__ == "__main__":
    sys.exit(main())
