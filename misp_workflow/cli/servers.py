"""Which modules a command line run asks: a real server, the actions in this process, or answers by script."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import orjson

from misp_workflow import settings
from misp_workflow.cli.fitting import refuse_unknown
from misp_workflow.errors import InputError
from misp_workflow.installed import own_actions, upstream_actions
from misp_workflow.runner.modules.moduleapi import (
    TEMPLATE_MODULE,
    Answer,
    Body,
    Described,
    HttpServer,
    LocalServer,
    ModuleServer,
    NoAnswerError,
    Scripted,
    parse_answer,
)
from misp_workflow.trial.server import TrialServer


def _remember(context: click.Context, _: click.Parameter, folder: Path | None) -> None:
    context.meta[OWN_FOLDER] = folder


def actions() -> list[Path]:
    """Return the action files that this command runs: the pack's, and those of --actions."""
    context = click.get_current_context(silent=True)
    folder: Path | None = context.meta.get(OWN_FOLDER) if context else None
    if folder is None:
        return own_actions()
    files = [file for file in sorted((folder / "action_mod").glob("*.py")) if not file.name.startswith("_")]
    if not files:
        raise InputError(f"{folder} has no actions; they are looked for in {folder / 'action_mod'}.")
    return own_actions() + files


actions_option = click.option(
    "--actions",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    expose_value=False,
    callback=_remember,
    help="Actions of your own, besides the pack's: the folder that misp-modules gets with -c.",
)
"""Adds --actions to a command; `actions` knows what was given."""


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --server, --offline and --answer to a command."""
    for option in (
        actions_option,
        click.option(
            "--answer",
            "answers",
            metavar="MODULE=ANSWER",
            multiple=True,
            help="What a module answers instead of being asked: ok, error:TEXT, timeout, down, raises, http500, "
            "badjson, empty, json:TEXT. Several for one module are used in order.",
        ),
        click.option(
            "--send",
            is_flag=True,
            help="Do what the actions decide: send, ask, change MISP. Without it the run is dry, and leaves nothing.",
        ),
        click.option("--offline", is_flag=True, help="Ask no module at all; those without an --answer say yes."),
        click.option("--server", metavar="URL", help="A misp-modules server; without it actions run in this process."),
    ):
        command = option(command)
    return command


def module_server(
    url: str | None, offline: bool, answers: Sequence[str], *, send: bool = False, named: Collection[str] = ()
) -> ModuleServer:
    """Return the server that the options ask for; dry unless `send`. `named` are the modules that the workflow names.

    Raises InputError or NoAnswerError for a server that is none, and for an answer of a module that nobody has.
    """
    if url and offline:
        raise InputError("--server and --offline exclude each other.")
    real = _real(url, send)
    if not offline and not answers:
        return real
    script: dict[str, list[dict[str, Any]]] = {}
    for text in answers:
        module, spec = parse_answer(text)
        script.setdefault(module, []).append(spec)
    listed = real.modules()
    known = {str(entry.get("name")) for entry in listed}
    refuse_unknown(script, {*known, *named, *NOT_MODULES}, "--answer")
    listed += [described(name) for name in script if name not in known and name not in NOT_MODULES]
    return Scripted(listed, script, None if offline else real)


def _real(url: str | None, send: bool) -> ModuleServer:
    if url is None:
        return LocalServer(actions()) if send else TrialServer(actions())
    server = HttpServer(url) if send else DryServer(url)
    try:
        listed = server.modules()
    except NoAnswerError as error:
        raise InputError(f"{error} Start it, or leave --server out: then the pack's actions run here.") from None
    if not listed:
        raise InputError(NO_MODULES.format(server.shown))
    return server


OWN_FOLDER = "misp_workflow.actions"
"""Under what a command remembers the folder of --actions."""
NO_MODULES = "{} lists no modules: it is no misp-modules server, or has none."
DRY = "Dry run: nothing is sent, asked, changed in MISP, kept or remembered; --send does it."
NOT_MODULES = ("http", TEMPLATE_MODULE)
"""What --answer can script besides the modules of a workflow: the receivers of MISP's webhooks, MISP's templates."""
NOT_ASKED = "not asked: a dry run asks a server only what it can do dry, and this module cannot; --send asks it"


class DryServer(HttpServer):
    """A real server, whose modules are asked such that they do nothing; those that know no way are not asked."""

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        if module == TEMPLATE_MODULE:
            return super().query(module, body, timeout)
        found: Described = next((one for one in self._known if one.get("name") == module), {})
        given = (found.get("meta") or {}).get("config") or {}
        params = given.get("params") or {}
        asked = orjson.loads(bytes(body))
        if "dry_run" in params:
            asked["params"] = {**(asked.get("params") or {}), "dry_run": "true"}
        elif given.get("blocking"):  # a gate judges; only its approval would be left in MISP
            asked["params"] = {name: value for name, value in (asked.get("params") or {}).items() if name != APPROVAL}
        else:
            return Answer(200, orjson.dumps({"data": {"status": "dry-run", "detail": NOT_ASKED}}))
        return super().query(module, orjson.dumps(asked), timeout)

    @cached_property
    def _known(self) -> list[Described]:
        return self.modules()


APPROVAL = "approval_tag"


def known_modules(url: str | None) -> list[Described]:
    """Return the modules that a workflow can count on: those of the server, or of this installation.

    The latter are this package's own, and what the misp-modules of the settings serves besides. When that does not
    answer, the names of upstream's actions that are installed here say at least that there are such.
    """
    if url is not None:
        return module_server(url, False, (), send=True).modules()
    own = own_modules()
    try:
        others = HttpServer(settings.current().modules_url).modules()
    except NoAnswerError:
        others = [described(file.stem) for file in upstream_actions()]
    names = {one["name"] for one in own}
    return own + [one for one in others if one.get("name") not in names]


def own_modules() -> list[Described]:
    """Return the pack's own modules, and those of --actions."""
    return LocalServer(actions()).modules()


def described(name: str) -> dict[str, Any]:
    """Return what GET /modules would say of an action without parameters; for modules that are not installed here."""
    config = {"params": {}, "blocking": False, "support_filters": True, "expect_misp_core_format": False}
    meta = {"module-type": ["action"], "name": name, "version": "?", "config": config}
    return {"name": name, "type": "action", "mispattributes": {"config": config}, "meta": meta}
