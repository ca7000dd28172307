"""What a MISP has as a folder: workflows/, blueprints/, and misp.json, which says what of it is enabled.

A file that was changed here and not pushed is never overwritten unasked: misp.json holds the fingerprint of what was
pulled into each.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import orjson

from misp_workflow import given
from misp_workflow.errors import DeliveryError, GraphError, InputError, WorkflowError
from misp_workflow.remote import document
from misp_workflow.remote.client import Misp
from misp_workflow.remote.document import Content
from misp_workflow.remote.files import save
from misp_workflow.runner.said.report import secrets_in
from misp_workflow.words import whole_number

MANIFEST = "misp.json"
WORKFLOWS, BLUEPRINTS = "workflows", "blueprints"
OURS = re.compile(rf"(?:{WORKFLOWS}|{BLUEPRINTS})/[a-z0-9-]+\.json")
"""How the files of a pull are called; whoever gives a folder away could write any other name into its misp.json."""


@dataclass
class Manifest:
    """What misp.json says: which MISP was pulled, what was enabled there, the fingerprint of each file as pulled."""

    url: str = ""
    version: str = ""
    triggers: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return what the folder's says, an empty one where there is none; InputError when it is not to be read."""
        path = folder / MANIFEST
        if not path.exists():
            return cls()
        try:
            found = orjson.loads(path.read_bytes())
            misp, enabled = found["misp"], found["enabled"]
            return cls(
                str(misp["url"]),
                str(misp["version"]),
                list(map(str, enabled["triggers"])),
                list(map(str, enabled["modules"])),
                {name: str(known) for name, known in found["pulled"].items() if OURS.fullmatch(name)},
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            raise InputError(f"{path} is not what 'misp-workflow pull' writes: mend it, or pull anew.") from None

    def write(self, folder: Path) -> None:
        content = {
            "misp": {"url": self.url, "version": self.version},
            "enabled": {"triggers": sorted(self.triggers), "modules": sorted(self.modules)},
            "pulled": dict(sorted(self.fingerprints.items())),
        }
        save(folder / MANIFEST, document.text(content))


@dataclass
class Pulled:
    """What a pull did, file by file (names within the folder).

    `kept` were changed here and not pushed, so they were left alone; `secret` hold a secret in a node, by file.
    """

    written: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    secret: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def pull(misp: Misp, folder: Path, *, overwrite: bool = False) -> Pulled:
    """Write what the MISP has into the folder. `overwrite`: also what was changed here since."""
    before = Manifest.read(folder)
    known = before.fingerprints if before.url == misp.url else {}
    workflows = {f"{WORKFLOWS}/{document.slug(name)}.json": one.content for name, one in misp.workflows().items()}
    blueprints, trouble = blueprints_of(misp)
    after = Manifest(misp.url, misp.version())
    after.triggers = [name for name, on in misp.triggers().items() if on]
    after.modules = [name for name, on in misp.modules().items() if on]
    this = _Pull(folder, known, after, overwrite)
    for name, content in workflows.items():
        this.workflow(name, content)
    for name, row in blueprints.items():
        this.blueprint(name, row)
    if trouble:
        this.done.notes.append(f"{trouble} Their files were left as they are.")
        after.fingerprints |= {name: pulled for name, pulled in known.items() if name.startswith(BLUEPRINTS)}
    this.remove_others({*workflows, *(known if trouble else blueprints)})
    strangers = {f"{WORKFLOWS}/{path.name}" for path in workflow_files(folder)} - {*workflows, *this.done.kept}
    this.done.notes += [f"{name} is here only: MISP has no workflow for its trigger." for name in sorted(strangers)]
    after.write(folder)
    return this.done


class _Pull:
    """One pull, file by file."""

    def __init__(self, folder: Path, known: Mapping[str, str], after: Manifest, overwrite: bool) -> None:
        self._folder = folder
        self._known = known
        self._after = after
        self._overwrite = overwrite
        self.done = Pulled()

    def workflow(self, name: str, content: Content) -> None:
        path, secrets = self._within(name), secrets_of(content)
        is_secret = content.is_odd or bool(secrets)
        here = _fingerprint_here(path)
        if content.fingerprint == here:
            self._same(name, path, secret=is_secret)
        elif here is not None and here != self._known.get(name) and not self._overwrite:
            self._keep(name)
            return
        else:
            save(path, document.text({**content.document(), **_beside(path)}), secret=is_secret)
            self.done.written.append(name)
        self._after.fingerprints[name] = content.fingerprint
        if secrets:
            self.done.secret[name] = secrets

    def blueprint(self, name: str, row: Mapping[str, Any]) -> None:
        path, wanted = self._within(name), document.text(row)
        try:
            content = Content.of_row(row["WorkflowBlueprint"])
            secrets, is_secret = secrets_of(content), content.is_odd
        except GraphError:  # no editor made it, but it is what MISP has; nobody knows what is in it
            secrets, is_secret = [], True
        there = text_of(path)
        if there == wanted:
            self._same(name, path, secret=is_secret or bool(secrets))
        elif there is not None and _hash(there) != self._known.get(name) and not self._overwrite:
            self._keep(name)
            return
        else:
            save(path, wanted, secret=is_secret or bool(secrets))
            self.done.written.append(name)
        self._after.fingerprints[name] = _hash(wanted)
        if secrets:
            self.done.secret[name] = secrets

    def remove_others(self, there: Collection[str]) -> None:
        """Remove the files of what MISP has no longer, unless they were changed here."""
        for name in sorted(self._known.keys() - set(there)):
            path = self._within(name)
            text = text_of(path)
            if text is None:
                continue
            if self._known[name] in (_fingerprint_here(path), _hash(text)):
                path.unlink()
                self.done.removed.append(name)
            else:
                self._keep(name)

    def _within(self, name: str) -> Path:
        """Return the file of that name; InputError when a link leads out of the folder, which may be anybody's."""
        path = self._folder / name
        if not path.parent.resolve().is_relative_to(self._folder.resolve()):
            raise InputError(f"{path.parent} leads out of {self._folder}: nothing is written there.")
        return path

    def _same(self, name: str, path: Path, *, secret: bool) -> None:
        """Leave a file as it is, but for its owner only when there is a secret in it: an older version saw to none."""
        if secret and path.stat().st_mode & 0o077 and (there := text_of(path)) is not None:
            save(path, there, secret=True)
        self.done.same.append(name)

    def _keep(self, name: str) -> None:
        """Leave a file with somebody's work in it, and what it once was pulled from."""
        self.done.kept.append(name)
        if name in self._known:
            self._after.fingerprints[name] = self._known[name]


def manifest_of(path: Path) -> tuple[Manifest, Path]:
    """Return the manifest of the pulled folder that a file lies in, and the folder; an empty one for a file in none."""
    for folder in path.resolve().parents[:2]:
        if (folder / MANIFEST).exists():
            return Manifest.read(folder), folder
    return Manifest(), path.resolve().parent


def workflow_files(folder: Path) -> list[Path]:
    """Return the workflows of a pulled folder."""
    return sorted((folder / WORKFLOWS).glob("*.json"))


def blueprints_of(misp: Misp) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the blueprints by the names of their files, and "" or why they cannot be had."""
    try:
        found = misp.blueprints()
    except DeliveryError as error:
        return {}, f"The blueprints cannot be had: {error} One whose graph is broken makes MISP 2.5 answer so."
    named: dict[str, dict[str, Any]] = {}
    for one in sorted(found, key=lambda row: whole_number(str(row["WorkflowBlueprint"].get("id"))) or 0):
        row = {key: value for key, value in one["WorkflowBlueprint"].items() if key not in ("id", "mermaid")}
        plain = f"{BLUEPRINTS}/{document.slug(str(row.get('name') or ''))}"
        further = document.slug(str(row.get("uuid")))[:8]
        names = chain([plain, f"{plain}-{further}"], (f"{plain}-{further}-{number}" for number in count(2)))
        name = next(one for one in names if f"{one}.json" not in named)
        named[f"{name}.json"] = {"WorkflowBlueprint": row}
    return named, ""


def _fingerprint_here(path: Path) -> str | None:
    """Return what the file's workflow is known by: "" when it is no workflow, None when there is no file."""
    if not path.exists():
        return None
    try:
        return document.read(path)[0].fingerprint
    except WorkflowError:
        return ""


def _beside(path: Path) -> Mapping[str, Any]:
    """Return the members of the file's own, beside the workflow."""
    try:
        found = orjson.loads(given.content(path))
    except (WorkflowError, ValueError):
        return {}
    if not isinstance(found, dict) or "Workflow" not in found:
        return {}
    return {key: value for key, value in found.items() if key != "Workflow"}


def secrets_of(content: Content) -> list[str]:
    """Return the nodes that hold a secret in a parameter."""
    return [f"{node.module} ({node.id})" for node in content.nodes() if any(secrets_in(node.module, node.params, None))]


def text_of(path: Path) -> str | None:
    """Return what stands in the file, None when that is no text or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
