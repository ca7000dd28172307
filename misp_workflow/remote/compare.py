"""A pulled folder held against its MISP."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from misp_workflow.errors import InputError
from misp_workflow.remote import document, folder
from misp_workflow.remote.client import Misp
from misp_workflow.remote.difference import Change, changes


@dataclass
class Compared:
    """What differs, from MISP to the folder: by trigger what changed, what only one side has, and what is enabled."""

    changed: dict[str, list[Change]] = field(default_factory=dict)
    only_here: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return bool(self.changed or self.only_here or self.only_there or self.notes)

    def data(self) -> dict[str, Any]:
        """Return it for machines."""
        listed = {name: [one.data() for one in some] for name, some in self.changed.items()}
        return {"changed": listed, "only_here": self.only_here, "only_in_misp": self.only_there, "notes": self.notes}


def compare(misp: Misp, target: Path) -> Compared:
    """Compare a folder, or one workflow's file, with the MISP. InputError when there is nothing to compare."""
    files = [target] if target.is_file() else folder.workflow_files(target)
    if not files:
        raise InputError(f"{target} holds no workflows; 'misp-workflow pull {target}' brings them.")
    there, found = misp.workflows(), Compared()
    for path in files:
        content, _ = document.read(path)
        stored = there.pop(content.trigger, None)
        if stored is None:
            found.only_here.append(content.trigger)
        elif stored.content.fingerprint != content.fingerprint:
            found.changed[content.trigger] = changes(stored.content, content)
    if target.is_dir():
        found.only_there += sorted(there)
        _blueprints(misp, target, found)
        _enabled(misp, folder.Manifest.read(target), found)
    return found


def _blueprints(misp: Misp, target: Path, found: Compared) -> None:
    there, trouble = folder.blueprints_of(misp)
    here = {f"{folder.BLUEPRINTS}/{path.name}": path for path in (target / folder.BLUEPRINTS).glob("*.json")}
    if trouble:
        found.notes.append(trouble)
        return
    for name in sorted(there.keys() | here.keys()):
        if name not in there:
            found.notes.append(f"{name}: MISP does not have this blueprint.")
        elif name not in here:
            found.notes.append(f"{name}: MISP has this blueprint, the folder does not.")
        elif folder.text_of(here[name]) != document.text(there[name]):
            found.notes.append(f"{name}: the blueprint is another one in MISP.")


def _enabled(misp: Misp, manifest: folder.Manifest, found: Compared) -> None:
    """Note what is enabled now and was not when the folder was pulled, and the other way round."""
    if not manifest.url:
        return
    version = misp.version()
    if version != manifest.version:
        found.notes.append(f"MISP is {version} now, it was {manifest.version} when it was pulled.")
    for kind, pulled, now in (
        ("trigger", manifest.triggers, misp.triggers()),
        ("module", manifest.modules, misp.modules()),
    ):
        on = {name for name, enabled in now.items() if enabled}
        found.notes += [f"The {kind} {name} is enabled in MISP now." for name in sorted(on - set(pulled))]
        found.notes += [f"The {kind} {name} is no longer enabled in MISP." for name in sorted(set(pulled) - on)]
