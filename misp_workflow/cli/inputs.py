"""Reading the files that people give: workflows, and events in any of the shapes in which MISP hands them out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from misp_workflow import given
from misp_workflow.errors import GraphError, InputError
from misp_workflow.runner.data.triggers import TRIGGERS
from misp_workflow.runner.graph.workflow import Workflow, attach_blueprint, load


class _NewFile(click.Path):
    """A file to write: known to be writable before the work begins whose outcome it shall hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(str(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"There is no folder {path.parent} to write {path.name} into.", param, ctx)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f"{path} cannot be written by this user.", param, ctx)
        return path


NEW_FILE = _NewFile(dir_okay=False)
FILE_OR_FOLDER = click.Path(exists=True, path_type=Path)
PORT = click.IntRange(0, 65535)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def read_json(path: Path) -> Any:
    """Return what the file says; InputError, with the file's name, when it cannot be read or is not JSON."""
    content = given.content(path)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        if not content.strip():
            where = "it is empty"
        elif "valid UTF-8" in error.msg:
            where = "it is no text in UTF-8"
        raise InputError(f"{path} is not JSON: {where}.") from None


def read_workflow(path: Path) -> Workflow:
    """Return the workflow in the file: as MISP's API shows it, the bare graph, or a blueprint behind its trigger."""
    found = read_json(path)
    if is_blueprint(found):
        return read_blueprint(path, None)
    try:
        return load(found)
    except (InputError, GraphError) as error:
        if isinstance(found, dict) and "Event" in found:
            raise InputError(f"{path} holds an event, not a workflow: a run names the event behind --event.") from None
        raise InputError(f"{path}: {error}") from None


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files, and the JSON files in the folders and below."""
    for path in paths:
        yield from given.json_files(path) if path.is_dir() else [path]


def is_workflow(document: Any) -> bool:
    """Whether the document is meant to be a workflow, be it one that can be used or not."""
    try:
        load(document)
    except (GraphError, InputError):
        return isinstance(document, dict) and "Workflow" in document
    return True


def is_blueprint(document: Any) -> bool:
    """Whether the document is a blueprint as MISP exports it."""
    return isinstance(document, dict) and "WorkflowBlueprint" in document


def read_blueprint(path: Path, trigger: str | None) -> Workflow:
    """Return a workflow of the blueprint behind a trigger: the one given, the one that it names, or event-publish.

    MISP's official blueprints name theirs at the beginning of the description, "[event-publish] …", and so do the
    examples here: "For event-publish. …".
    """
    found = read_json(path)
    row = found.get("WorkflowBlueprint", found) if isinstance(found, dict) else {}
    described = str(row.get("description") or "").strip() if isinstance(row, dict) else ""
    named = (one for one in TRIGGERS if described.startswith((f"[{one}]", f"For {one}.")))
    behind = trigger or next(named, "event-publish")
    try:
        return attach_blueprint(behind, found)
    except GraphError as error:
        raise InputError(f"{path}: {error}") from None


def read_event(path: Path) -> Any:
    """Return the data in the file as a trigger gives it.

    Read are a captured request body ({"module", "data", …}), what /events/view and restSearch answer, a list of one
    event, {"Event": …}, a bare event, and anything else that a trigger hands over (a user, a log entry).
    """
    found = read_json(path)
    if isinstance(found, dict) and "response" in found:
        found = found["response"]
    if isinstance(found, list):
        if len(found) != 1:
            raise InputError(f"{path} holds {len(found)} events; give a file with one.")
        found = found[0]
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no event: a JSON object was expected.")
    if "data" in found and isinstance(found["data"], dict) and "Event" not in found:
        return found["data"]
    if "info" in found and "uuid" in found and "Event" not in found:
        return {"Event": found}
    return found
