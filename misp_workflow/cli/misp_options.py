"""Which MISP a command speaks with: that of the settings, or another one that its options name."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import click

from misp_workflow import settings, web_address
from misp_workflow.errors import InputError
from misp_workflow.settings import Misp, Settings, misps
from misp_workflow.settings.secrets import is_reference

VARIABLE = "MISP_WORKFLOW_MISP_KEY"


def misp_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --at, --misp-url and --misp-key to a command."""
    for option in (
        click.option("--misp-key", metavar="REF", help="Its API key: env:NAME or file:/path, never the key itself."),
        click.option("--misp-url", metavar="URL", help="Another MISP than those in the settings."),
        click.option("--at", metavar="NAME", help="Which MISP of the settings, where they name several: [misp.NAME]."),
    ):
        command = option(command)
    return command


def settings_for(url: str | None, key: str | None, at: str | None = None) -> Settings:
    """Return the settings in force, with the MISP that the options name; InputError when none is known."""
    rules = settings.in_force()
    if key and not is_reference(key):
        raise InputError("--misp-key takes no key, which others could read: write env:NAME or file:/path.")
    if url and (problem := web_address.trouble(url, ("https", "http"))):
        raise InputError(f"--misp-url {problem}.")
    if at and url:
        raise InputError("--at names a MISP of the settings, --misp-url another one: give one of them.")
    place = misps.named(rules, at).misp if at else _at(rules, url)
    if url and url.rstrip("/") != place.url.rstrip("/"):
        key = key or (f"env:{VARIABLE}" if os.environ.get(VARIABLE) else None)
        if not key:
            raise InputError(
                f"Which key does {web_address.shown(url)} take? Name it: --misp-key env:NAME or file:/path, "
                f"or set {VARIABLE}."
            )
        place = dataclasses.replace(place, url=url.rstrip("/"), choices=())
    if place.choices:
        raise InputError(f"Which MISP? The settings name {', '.join(place.choices)}: say it with --at NAME.")
    if not place.url:
        raise InputError("Where is MISP? Write [misp] with url and key into the settings, or give --misp-url.")
    return dataclasses.replace(rules, misp=dataclasses.replace(place, key_reference=key or place.key_reference))


def _at(rules: Settings, url: str | None) -> Misp:
    """Return the MISP of the settings that has this address, else the one in force."""
    wanted = (url or "").rstrip("/")
    return next((one for one in rules.misps.values() if wanted and one.url == wanted), rules.misp)
