"""The doctor as the tests call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from misp_workflow.cli.commands.doctor import command
from misp_workflow.testing.receiver import Receiver

Findings = list[dict[str, str]]
NOBODY = "http://127.0.0.1:9"  # nothing listens on the discard port
ROOT = Path(__file__).resolve().parents[2]
CHAT = '[destinations.chat]\nactions = ["slack_message"]\n'


def states(found: list[tuple[str, str]]) -> list[str]:
    return [state for state, _ in found]


class Doctor:
    """Calls the command with a settings file."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "settings.toml"
        self.status = 0
        self.text = ""
        monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(self.path))
        monkeypatch.setenv("MISP_WORKFLOW_STATE", str(folder / "state"))

    def write(self, text: str, mode: int = 0o600) -> None:
        self.path.write_text(f'modules_url = "{NOBODY}"\n{text}' if "modules_url" not in text else text)
        self.path.chmod(mode)

    def __call__(self, *arguments: str) -> Findings:
        result = CliRunner().invoke(command, [*arguments, "--json"])
        self.status, self.text = result.exit_code, result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        found = json.loads(result.stdout)
        assert found["ok"] == (result.exit_code == 0) == all(row["state"] != "error" for row in found["findings"])
        return found["findings"]

    def about(self, subject: str, *arguments: str) -> list[tuple[str, str]]:
        """Return state and sentence of the findings about a subject."""
        return [(row["state"], row["what"]) for row in self(*arguments) if row["subject"] == subject]


def configured(receiver: Receiver, key: str = "goodkey") -> str:
    return f"[misp]\nurl = '{receiver.url}'\nkey = '{key}'"
