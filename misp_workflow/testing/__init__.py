"""The public test kit: real peers for the tests of anybody who writes actions or workflows.

    from misp_workflow.testing import MispModulesServer, Receiver, answer

`MispModulesServer` runs the real misp-modules with the pack, `Receiver` is a local HTTP receiver that records what it
gets and answers by script, `contract` holds what every action file must keep to. The pytest plugin of this package
(`misp_workflow.testing.plugin`) offers the first two as the fixtures `misp_modules_server` and `receiver`.

pytest loads the plugin in every project that has this package installed, so nothing here is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misp_workflow.testing.receiver import CLOSE, HANG, RESET, Answer, Received, Receiver, answer, redirect
    from misp_workflow.testing.server import MispModulesServer, free_port, pack_folder

__all__ = [
    "CLOSE",
    "HANG",
    "RESET",
    "Answer",
    "MispModulesServer",
    "Received",
    "Receiver",
    "answer",
    "free_port",
    "pack_folder",
    "redirect",
]

_SERVER_NAMES = {"MispModulesServer", "free_port", "pack_folder"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "server" if name in _SERVER_NAMES else "receiver"
    return getattr(import_module(f"{__name__}.{home}"), name)
