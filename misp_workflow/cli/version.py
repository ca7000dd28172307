"""Which MISP a command mirrors: the one asked for, that of the settings, the one that answers, or the newest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from misp_workflow import settings
from misp_workflow.cli.screen import note
from misp_workflow.errors import InputError, WorkflowError
from misp_workflow.runner.data.profiles import MIRRORED, NEWEST, OLDEST, RECORDED, Profile, profile

ASK = "ask"


def misp_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --misp to a command."""
    return click.option(
        "--misp",
        metavar="VERSION",
        help=f"The version of MISP whose engine runs ({', '.join(MIRRORED)}, or any between); ask: that of the MISP in "
        "the settings. By default misp.version of the settings, else the newest.",
    )(command)


def chosen(version: str | None, ask: bool = False) -> Profile:
    """Return the profile to run, and say so where it was not recorded. `ask`: MISP may be asked unbidden."""
    if version == ASK:
        if several := settings.current().misp.choices:
            named = ", ".join(several)
            raise InputError(
                f"Which MISP shall be asked? The settings name {named}: give its version, --misp {NEWEST}."
            )
        return _asked()
    if version is not None:
        return _told(profile(version))
    misp = settings.current().misp
    if misp.version:
        return _told(profile(misp.version))
    return _asked() if misp.url and ask else profile(NEWEST)


def _told(found: Profile) -> Profile:
    if found.version not in RECORDED:
        base = [version for version in RECORDED if found.reaches(version)][-1]
        note(f"Note: MISP {found.version} was not recorded; it runs as {base} with what was read of later ones.")
    return found


def _asked() -> Profile:
    from misp_workflow.remote.client import Misp  # loaded by those who have a MISP

    try:
        version = Misp(settings.current()).version()
        return _told(profile(version))
    except InputError:
        note(f"Note: MISP is {version}; versions from {OLDEST} on are mirrored. {NEWEST} is taken.")
    except WorkflowError as error:
        note(f"Note: MISP did not say its version, so {NEWEST} is taken; --misp says which. {error}")
    return profile(NEWEST)
