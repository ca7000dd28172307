"""What a push took the place of, kept in the state folder, and the way back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from misp_workflow.errors import DeliveryError, GraphError, InputError
from misp_workflow.remote import document
from misp_workflow.remote.client import Misp
from misp_workflow.remote.document import Content
from misp_workflow.remote.files import save
from misp_workflow.settings import state

FOLDER = "undo"


@dataclass(frozen=True)
class Kept:
    """One push: the MISP, the trigger, what was there (None: no workflow), what was put there, what it enabled."""

    url: str
    trigger: str
    was: Content | None
    left: Content
    enabled: tuple[str, ...]
    when: str = ""
    name: str = ""

    def data(self) -> dict[str, Any]:
        return {
            "misp": self.url,
            "when": self.when,
            "trigger": self.trigger,
            "was": self.was.document() if self.was else None,
            "left": self.left.document(),
            "enabled": list(self.enabled),
        }


class Store:
    """Where pushes are kept: one file each, for its owner only, as graphs may hold secrets."""

    def __init__(self, state_folder: Path) -> None:
        self._state, self._folder = state_folder, state_folder / FOLDER

    def keep(self, kept: Kept) -> str:
        """Write it down, and return its name; InputError when that cannot be."""
        try:
            state.prepare(self._state)
        except OSError as error:
            raise InputError(f"{self._folder} cannot be written: {error.strerror}.") from None
        now = time.time()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}"
        name = f"{stamp}-{document.slug(kept.trigger)}"
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
        save(self._folder / f"{name}.json", document.text({**kept.data(), "when": when}), secret=True)
        return name

    def forget(self, name: str) -> None:
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def all(self, url: str) -> list[Kept]:
        """Return the pushes to this MISP that can be undone, the newest first."""
        found = [self._read(path) for path in sorted(self._folder.glob("*.json"), reverse=True)]
        return [one for one in found if one.url == url]

    def done(self, kept: Kept) -> None:
        """Note that it was undone; the file stays, under a name that nobody looks for."""
        path = self._folder / f"{kept.name}.json"
        path.rename(path.with_suffix(".undone"))

    def _read(self, path: Path) -> Kept:
        try:
            found: Mapping[str, Any] = orjson.loads(path.read_bytes())
            was = Content.of_row(found["was"]["Workflow"]) if found["was"] else None
            left = Content.of_row(found["left"]["Workflow"])
            enabled = tuple(map(str, found["enabled"]))
            names = str(found["misp"]), str(found["trigger"])
            return Kept(*names, was, left, enabled, str(found["when"]), path.stem)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, GraphError):
            raise InputError(f"{path} cannot be read as what a push kept: move it away.") from None


def put_back(misp: Misp, kept: Kept, *, replace: bool = False) -> list[str]:
    """Make MISP have what it had before that push, and return what was done.

    InputError when MISP has something else than the push left and `replace` is not given. DeliveryError when MISP says
    no on the way, with what was done before.
    """
    workflows = misp.workflows()
    now = workflows.pop(kept.trigger, None)
    needed = {node.module for one in workflows.values() for node in one.content.nodes()}
    had = kept.was.fingerprint if kept.was else None
    done: list[str] = []
    changed = now is not None and now.content.fingerprint not in (kept.left.fingerprint, had)
    if now is not None and changed and not replace and not now.content.is_bare:
        raise InputError(
            f"“{now.content.name}” was changed in MISP since that push, so nothing was put back: "
            "look at it, or put back all the same with --replace."
        )
    try:
        for name in reversed(kept.enabled):  # the trigger first, before what it would run changes
            if name in needed:
                done.append(f"left {name} enabled, as another workflow needs it now")
                continue
            misp.enable(name, False, trigger=name == kept.trigger)
            done.append(f"disabled {name}")
        if kept.was is None and now is not None:
            misp.delete(now)
            done.append(f"deleted the workflow of {kept.trigger}, as there was none")
        elif kept.was is not None and (now is None or now.content.fingerprint != had):
            misp.save(now or misp.create(kept.trigger), kept.was)
            done.append(f"put back “{kept.was.name}”")
        after = misp.workflow(kept.trigger)
    except DeliveryError as error:
        so_far = f" Done before: {', '.join(done)}." if done else " Nothing was changed."
        raise DeliveryError(f"{error}{so_far}") from None
    if (after.content.fingerprint if after else None) != had:
        raise DeliveryError(f"MISP does not have what was put back; done was: {', '.join(done)}.")
    return done
