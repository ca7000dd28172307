"""Which modules a command line run asks: a real server, the actions in this process, or answers by script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from misp_workflow import settings
from misp_workflow.errors import InputError
from misp_workflow.installed import own_actions, upstream_actions
from misp_workflow.runner.modules.moduleapi import (
    Described,
    HttpServer,
    LocalServer,
    ModuleServer,
    NoAnswerError,
    Scripted,
    parse_answer,
)


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --server, --offline and --answer to a command."""
    for option in (
        click.option(
            "--answer",
            "answers",
            metavar="MODULE=ANSWER",
            multiple=True,
            help="What a module answers instead of being asked: ok, error:TEXT, timeout, down, raises, http500, "
            "badjson, empty, json:TEXT. Several for one module are used in order.",
        ),
        click.option("--offline", is_flag=True, help="Ask no module at all; those without an --answer say yes."),
        click.option("--server", metavar="URL", help="A misp-modules server; without it actions run in this process."),
    ):
        command = option(command)
    return command


def module_server(url: str | None, offline: bool, answers: Sequence[str]) -> ModuleServer:
    """Return the server that the options ask for."""
    if url and offline:
        raise InputError("--server and --offline exclude each other.")
    real: ModuleServer = HttpServer(url) if url else LocalServer(own_actions())
    if not offline and not answers:
        return real
    script: dict[str, list[dict[str, Any]]] = {}
    for text in answers:
        module, spec = parse_answer(text)
        script.setdefault(module, []).append(spec)
    listed = real.modules()
    known = {entry.get("name") for entry in listed}
    listed += [described(name) for name in script if name not in known]
    return Scripted(listed, script, None if offline else real)


def known_modules(url: str | None) -> list[Described]:
    """Return the modules that a workflow can count on: those of the server, or of this installation.

    The latter are this package's own, and what the misp-modules of the settings serves besides. When that does not
    answer, the names of upstream's actions that are installed here say at least that there are such.
    """
    if url is not None:
        return module_server(url, False, ()).modules()
    own = LocalServer(own_actions()).modules()
    try:
        others = HttpServer(settings.current().modules_url).modules()
    except NoAnswerError:
        others = [described(file.stem) for file in upstream_actions()]
    names = {one["name"] for one in own}
    return own + [one for one in others if one.get("name") not in names]


def described(name: str) -> dict[str, Any]:
    """Return what GET /modules would say of an action without parameters; for modules that are not installed here."""
    config = {"params": {}, "blocking": False, "support_filters": True, "expect_misp_core_format": False}
    meta = {"module-type": ["action"], "name": name, "version": "?", "config": config}
    return {"name": name, "type": "action", "mispattributes": {"config": config}, "meta": meta}
