"""[scripts]: the programs of the operator's own that a workflow may run, and the bounds of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from misp_workflow.errors import SettingsError, did_you_mean
from misp_workflow.settings.secrets import resolve
from misp_workflow.settings.table import Table

LONGEST = 600.0
"""Seconds: a program that takes longer is no step of a workflow."""
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class Script:
    """One program. `program` is its file's name in the folder, `user` whom it runs as ("": whoever we are).

    `timeout` in seconds, `memory` in bytes, all its processes together; `processes` is how many of them there may be
    at a time, `output` how many bytes it may write to each of its two outputs. The values of `environment` may be
    references to secrets.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    user: str = ""
    timeout: float = 2.5
    memory: int = 256 * 1024 * 1024
    processes: int = 16
    output: int = 64 * 1024

    def resolved(self) -> dict[str, str]:
        """Return the environment with every secret read from where it is kept; SettingsError says which cannot be."""
        where = f"scripts.{self.name}.environment"
        return {name: resolve(value, f"{where}.{name}") for name, value in self.environment.items()}


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """The folder, None when no program may be run, and the programs in it by the name that a node says."""

    folder: Path | None = None
    known: Mapping[str, Script] = field(default_factory=lambda: MappingProxyType({}))

    def named(self, name: str) -> Script:
        """Return the script of that name; SettingsError when there is none, with the nearest known one."""
        if name not in self.known:
            near = did_you_mean(name, self.known)
            raise SettingsError(f"No script is called “{name}” in [scripts] of the settings{near}.")
        return self.known[name]

    def values(self) -> Iterator[tuple[str, str]]:
        """Yield each variable that a script gets, as the settings name it, and what they say."""
        for name, script in self.known.items():
            for variable, value in script.environment.items():
                yield f"scripts.{name}.environment.{variable}", value


def read_scripts(table: Table) -> Scripts:
    """Return what the table [scripts] says; SettingsError names the line."""
    folder = table.text("folder")
    if folder and not Path(folder).is_absolute():
        raise table.error("folder", "must be an absolute path")
    known = {name: _script(table.table(name), name) for name in table.names()}
    return Scripts(folder=Path(folder) if folder else None, known=MappingProxyType(known))


def _script(table: Table, name: str) -> Script:
    memory, output = table.size("memory", 8 * 1024**2), table.size("output", 1024)
    processes = table.number("processes", 1, 4096)
    script = Script(
        name=name,
        program=table.text("program", name),
        arguments=table.strings("arguments"),
        environment=_environment(table.table("environment")),
        user=table.text("user"),
        timeout=table.seconds("timeout", 0.1, LONGEST) or Script.timeout,
        memory=memory or Script.memory,
        processes=int(processes or Script.processes),
        output=output or Script.output,
    )
    if not _FILE.fullmatch(script.program):
        raise table.error("program", "must be a file's name in the folder, of letters, digits, dots, dashes and _")
    if any("\0" in argument for argument in script.arguments):
        raise table.error("arguments", "may hold no NUL")
    table.done()
    return script


def _environment(table: Table) -> Mapping[str, str]:
    found = {name: table.text(name) for name in table.names()}
    for name, value in found.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise table.error(name, "must be a variable's name, and its value text without a NUL")
    return MappingProxyType(found)
