"""Opening a port for those who serve pages, before they say that they do."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from misp_workflow.errors import InputError


def opened(listen: str, port: int) -> tuple[socket.socket, str]:
    """Return a socket that listens there, and the web address of it; InputError, with what to do, when nothing can."""
    try:
        listening = socket.create_server((listen, port), family=socket.AF_INET6 if ":" in listen else socket.AF_INET)
    except socket.gaierror as error:
        raise InputError(f"Nothing can listen at {listen}: {_said(error)}. Give an address of this machine.") from None
    except OSError as error:
        todo = "Choose another one: --port, with 0 for any that is free."
        raise InputError(f"Nothing can listen at {listen}, port {port}: {_said(error)}. {todo}") from None
    return listening, f"http://{f'[{listen}]' if ':' in listen else listen}:{listening.getsockname()[1]}"


def serve(config: Any, listening: socket.socket) -> None:
    """Serve what a `uvicorn.Config` says until Ctrl-C, which is no accident."""
    import uvicorn

    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run([listening])


def _said(error: OSError) -> str:
    """Return the system's word, without what the module socket adds to it."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or ""
    return reason.partition(" (while")[0]
