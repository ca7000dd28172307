"""The misp-modules server: does it answer as fast as MISP needs, and what is missing from its list."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from misp_workflow.cli.checks.finding import Finding, error, ok, some, warning
from misp_workflow.runner.modules.moduleapi import LIST_TIMEOUT, HttpServer, LocalServer, NoAnswerError
from misp_workflow.settings import Settings
from misp_workflow.web_address import shown
from misp_workflow.words import counted

SUBJECT = "misp-modules"
KINDS = ("expansion", "export_mod", "import_mod", "action_mod")
SLOW = LIST_TIMEOUT / 2


def check(rules: Settings, ours: LocalServer) -> list[Finding]:
    """Return the findings about the server; `ours` are the actions of this installation."""
    found = [
        error(SUBJECT, f"{file} of this installation cannot be loaded: {why}", "reinstall the package, or report it")
        for file, why in ours.failed.items()
    ]
    began = time.monotonic()
    try:
        listed = HttpServer(rules.modules_url).modules()
    except NoAnswerError as trouble:
        todo = "start misp-modules, or set modules_url in the settings; without it MISP drops every Python node"
        return [*found, error(SUBJECT, str(trouble).rstrip("."), todo)]
    seconds = time.monotonic() - began
    if not listed:
        todo = "check modules_url: this is not a misp-modules server, or it has no modules"
        return [*found, error(SUBJECT, f"{shown(rules.modules_url)} lists no modules", todo)]
    found.append(ok(SUBJECT, f"{shown(rules.modules_url)} lists {counted(len(listed), 'module')}"))
    return [*found, *_speed(seconds), *_ours(listed, ours), *_theirs(listed), *_shapes(listed)]


def _speed(seconds: float) -> list[Finding]:
    if seconds < SLOW:
        return []
    todo = f"MISP waits {LIST_TIMEOUT:g} s for it, then drops every Python node: give the server more processor time"
    return [warning(SUBJECT, f"the list took {seconds:.1f} s", todo)]


def _ours(listed: Iterable[Mapping[str, Any]], ours: LocalServer) -> list[Finding]:
    """Compare the actions of this installation with those that the server has."""
    there = {str(entry.get("name")): entry.get("meta") for entry in listed}
    here = {str(entry["name"]): entry["meta"] for entry in ours.modules()}
    missing = sorted(here.keys() - there.keys())
    if missing:
        return [
            error(
                SUBJECT,
                f"the server does not have {some(missing)}",
                "restart misp-modules; then look for 'failed' in its log, and at docs/install.md for where it looks",
            )
        ]
    other = [name for name, meta in here.items() if _version(there[name]) != _version(meta)]
    if other:
        what = f"the server has another version of {some(other)}"
        return [warning(SUBJECT, what, "restart misp-modules after an update; check that one copy is installed")]
    return [ok(SUBJECT, f"all {len(here)} actions of this package are there")]


def _version(meta: Any) -> Any:
    return meta.get("version") if isinstance(meta, Mapping) else None


def _theirs(listed: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Compare the list with the modules of the misp-modules that is installed beside this package, if one is."""
    names = {entry.get("name") for entry in listed}
    spec = find_spec("misp_modules")
    folders = [Path(place) / "modules" for place in (spec.submodule_search_locations or [])] if spec else []
    files = [file for folder in folders for kind in KINDS for file in sorted((folder / kind).glob("[!_]*.py"))]
    missing = [file for file in files if file.stem not in names]
    if not missing:
        return []
    are = "is" if len(missing) == 1 else "are"
    named = some([file.stem for file in missing])
    what = f"{counted(len(missing), 'module')} {are} installed here but not in the list: {named}"
    first = f"misp_modules.modules.{missing[0].parent.name}.{missing[0].stem}"
    todo = f"the server's log says why after 'failed', or python -c 'import {first}'; what you do not use needs nothing"
    return [warning(SUBJECT, what, todo)]


def _shapes(listed: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Find modules whose parameters are not an object of objects: MISP's workflows die of them, all of them."""
    found = []
    for entry in listed:
        attributes = entry.get("mispattributes")
        config = attributes.get("config") if isinstance(attributes, Mapping) else None
        if not isinstance(config, Mapping) or "params" not in config:
            config = entry.get("meta", {}).get("config") if isinstance(entry.get("meta"), Mapping) else None
        params = config.get("params") if isinstance(config, Mapping) else None
        if params and not (isinstance(params, Mapping) and all(isinstance(row, Mapping) for row in params.values())):
            what = f"the parameters of the module {entry.get('name')} have a form that crashes MISP's workflows"
            found.append(error(SUBJECT, what, "remove or mend that module"))
    return found
