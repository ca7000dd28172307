"""What the tests of scripts share: a folder of programs, the settings that name them, and calls as MISP makes them."""

from __future__ import annotations

import itertools
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

from misp_workflow.testing.contract import ActionFile

ACTIONS = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
EVENT = "11111111-2222-4333-8444-555555555555"
USER = "nobody" if os.geteuid() == 0 else ""
_COUNT = itertools.count(1_800_000_000)


class Shop:
    """The programs. `out` is where they may write; `token` stands in the environment of each, so that it is found."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.token = folder / "programs", folder / "out", uuid.uuid4().hex
        self.folder.mkdir(mode=0o755)
        self.out.mkdir()
        self.out.chmod(0o777)
        self.settings = folder / "settings.toml"
        self._tables: list[str] = []
        self.put_in_force()

    def put_in_force(self, *lines: str, within: str = "30 s") -> None:
        """Write the settings anew, with further lines."""
        head = [f'answer_within = "{within}"', "[scripts]", f'folder = "{self.folder}"']
        self.settings.write_text("\n".join([*head, *self._tables, *lines]) + "\n")
        self.settings.chmod(0o600)

    def add(self, name: str, body: str, user: str = USER, **bounds: Any) -> Path:
        """Write a program in sh, and name it in the settings with these bounds."""
        program = self.folder / name
        program.write_text(f"#!/bin/sh\ncd {self.out}\n{body}\n")
        program.chmod(0o755)
        environment = {"TOKEN": self.token, **bounds.pop("environment", {})}
        lines = [f"[scripts.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in bounds.items())]
        lines += [f'user = "{user}"'] if user else []
        lines += [f"[scripts.{name}.environment]", *(f"{key} = {json.dumps(it)}" for key, it in environment.items())]
        self._tables += lines
        self.put_in_force()
        return program

    def written(self, name: str) -> bytes:
        return (self.out / name).read_bytes()

    def wait_for(self, name: str) -> bytes:
        """Return what a program writes, once it has."""
        for _ in range(12_000):
            if (self.out / name).exists() and self.written(name):
                return self.written(name)
            time.sleep(0.01)
        raise AssertionError(f"nobody wrote {name}")

    def settle(self) -> list[str]:
        """Return what is left behind once nobody is on his way out any more."""
        for _ in range(12_000):
            if not self.left():
                return []
            time.sleep(0.01)
        return self.left()

    def left(self) -> list[str]:
        """Return the command lines of the processes that a program of this shop has left behind."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if self.token.encode() in (place / "environ").read_bytes():
                    found.append((place / "cmdline").read_text())
            except OSError:
                continue
        return found


def event(info: str = "a title", **more: Any) -> dict[str, Any]:
    """Return the data of a call, of another moment each time."""
    told = {"id": "7", "uuid": EVENT, "info": info, "timestamp": str(next(_COUNT)), **more}
    return {"Event": {"Tag": [{"name": "tlp:green"}], "Attribute": [], **told}}


def ask(module: str, script: str, data: dict[str, Any] | None = None, **params: str) -> dict[str, Any]:
    """Call the action, and return its answer."""
    request = {"module": module, "data": data or event(), "params": {"script": script, **params}}
    return ActionFile.load(ACTIONS / f"{module}.py").module.handler(q=json.dumps(request))
