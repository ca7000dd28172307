"""What a MISP has as a folder: workflows/, blueprints/, and misp.json, which says what of it is enabled.

A file that was changed here and not pushed is never overwritten unasked: misp.json holds the fingerprint of what was
pulled into each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from misp_workflow.errors import DeliveryError, InputError, WorkflowError
from misp_workflow.remote import document
from misp_workflow.remote.client import Misp
from misp_workflow.remote.document import Content
from misp_workflow.remote.files import save
from misp_workflow.runner.said.report import secrets_in

MANIFEST = "misp.json"
WORKFLOWS, BLUEPRINTS = "workflows", "blueprints"


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
            found = json.loads(path.read_bytes())
            misp, enabled = found["misp"], found["enabled"]
            return cls(
                str(misp["url"]),
                str(misp["version"]),
                list(enabled["triggers"]),
                list(enabled["modules"]),
                dict(found["pulled"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
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
    before, done = Manifest.read(folder), Pulled()
    known = before.fingerprints if before.url == misp.url else {}
    after = Manifest(misp.url, misp.version())
    workflows = {f"{WORKFLOWS}/{document.slug(name)}.json": one.content for name, one in misp.workflows().items()}
    blueprints = _blueprints(misp, done)
    after.triggers = [name for name, on in misp.triggers().items() if on]
    after.modules = [name for name, on in misp.modules().items() if on]
    for name, content in workflows.items():
        target = folder / name
        here = _fingerprint_here(target)
        if content.fingerprint == here:
            done.same.append(name)
        elif _is_ours(here, known.get(name)) and not overwrite:
            done.kept.append(name)
            after.fingerprints.update({name: known[name]} if name in known else {})
            continue
        else:
            save(target, document.text({**content.document(), **_beside(target)}), secret=bool(_secrets(content)))
            done.written.append(name)
        after.fingerprints[name] = content.fingerprint
        if secrets := _secrets(content):
            done.secret[name] = secrets
    for name, row in blueprints.items():
        wanted, there = document.text(row), _text(folder / name)
        if there != wanted and there is not None and known.get(name) != _hash(there) and not overwrite:
            done.kept.append(name)
            continue
        (done.same if there == wanted else done.written).append(name)
        save(folder / name, wanted)
        after.fingerprints[name] = _hash(wanted)
    _remove(folder, known, [*workflows, *([*blueprints] if blueprints or not done.notes else known)], after, done)
    strangers = {f"{WORKFLOWS}/{path.name}" for path in workflow_files(folder)} - {*workflows, *done.kept}
    done.notes += [f"{name} is here only: MISP has no workflow for its trigger." for name in sorted(strangers)]
    after.write(folder)
    return done


def manifest_of(path: Path) -> tuple[Manifest, Path]:
    """Return the manifest of the pulled folder that a file lies in, and the folder; an empty one for a file in none."""
    for folder in path.resolve().parents[:2]:
        if (folder / MANIFEST).exists():
            return Manifest.read(folder), folder
    return Manifest(), path.resolve().parent


def workflow_files(folder: Path) -> list[Path]:
    """Return the workflows of a pulled folder."""
    return sorted((folder / WORKFLOWS).glob("*.json"))


def _blueprints(misp: Misp, done: Pulled) -> dict[str, dict[str, Any]]:
    try:
        found = misp.blueprints()
    except DeliveryError as error:
        done.notes.append(
            f"The blueprints were left as they are: {error} A blueprint whose graph is broken makes MISP 2.5 answer so."
        )
        return {}
    named: dict[str, dict[str, Any]] = {}
    for one in sorted(found, key=lambda row: int(row["WorkflowBlueprint"].get("id") or 0)):
        row = {key: value for key, value in one["WorkflowBlueprint"].items() if key not in ("id", "mermaid")}
        name = f"{BLUEPRINTS}/{document.slug(str(row.get('name') or ''))}"
        if f"{name}.json" in named:
            name = f"{name}-{str(row.get('uuid'))[:8]}"
        named[f"{name}.json"] = {"WorkflowBlueprint": row}
    return named


def _fingerprint_here(path: Path) -> str | None:
    """Return what the file's workflow is known by: "" when it is no workflow, None when there is no file."""
    if not path.exists():
        return None
    try:
        return document.read(path)[0].fingerprint
    except WorkflowError:
        return ""


def _is_ours(here: str | None, pulled: str | None) -> bool:
    """Whether the file holds work of somebody's that MISP does not have."""
    return here is not None and here != pulled


def _beside(path: Path) -> Mapping[str, Any]:
    """Return the members of the file's own, beside the workflow."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in found.items() if key != "Workflow"} if "Workflow" in found else {}


def _secrets(content: Content) -> list[str]:
    """Return the nodes that hold a secret in a parameter."""
    return [f"{node.module} ({node.id})" for node in content.nodes() if any(secrets_in(node.module, node.params, None))]


def _remove(folder: Path, known: Mapping[str, str], there: Iterable[str], after: Manifest, done: Pulled) -> None:
    """Remove the files of what MISP has no longer, unless they were changed here."""
    for name in sorted(known.keys() - set(there)):
        path = folder / name
        text = _text(path)
        if text is None:
            continue
        if known[name] in (_fingerprint_here(path), _hash(text)):
            path.unlink()
            done.removed.append(name)
        else:
            done.kept.append(name)
            after.fingerprints[name] = known[name]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
