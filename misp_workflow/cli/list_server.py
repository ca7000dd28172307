"""misp-workflow list serve: the lists' files over HTTP, by Starlette and uvicorn. ETag, 304, gzip, and a token."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from typing import Any

from misp_workflow.cli.listening import opened, serve
from misp_workflow.cli.screen import echo
from misp_workflow.delivery.lists import shelves
from misp_workflow.errors import InputError
from misp_workflow.settings import Settings


def run(settings: Settings, listen: str, port: int) -> None:
    """Serve until the process is told to end; InputError when it must not begin."""
    try:
        import uvicorn

        served = app(settings)
    except ImportError:
        raise InputError("The web server is not installed: pip install 'misp-workflow-actions[serve]'.") from None
    if not settings.lists.token and not _is_loopback(listen):
        raise InputError(
            f"Everybody who reaches {listen} could read the lists: give the settings a token (lists.token), "
            "or listen at 127.0.0.1 behind a web server that asks for a password."
        )
    listening, where = opened(listen, port)
    with listening:
        for shelf in shelves(settings):
            echo(f"{where}/{shelf.path.name}")
        echo("Stop with Ctrl-C.")
        serve(uvicorn.Config(served, log_level="warning", server_header=False), listening)


def app(settings: Settings) -> Any:
    """Return the ASGI application: GET /FILE for each list's file, nothing else of the folder."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route
    from starlette.staticfiles import StaticFiles

    names = {shelf.path.name for shelf in shelves(settings)}
    if not names or settings.lists.folder is None:
        raise InputError("The settings keep no list: docs/lists.md shows the table [destinations.NAME.list].")
    files = StaticFiles(directory=settings.lists.folder, check_dir=False)

    async def one(request: Request) -> Response:
        if not _may(request.headers.get("authorization", ""), settings.lists.token):
            return PlainTextResponse("A token is needed.\n", 401, {"WWW-Authenticate": 'Basic realm="lists"'})
        name = request.path_params["name"]
        if name not in names or not (settings.lists.folder and (settings.lists.folder / name).is_file()):
            return PlainTextResponse("There is no such list.\n", 404)
        answer = await files.get_response(name, request.scope)
        answer.headers["content-type"] = "text/plain; charset=utf-8"
        return answer

    return Starlette(routes=[Route("/{name}", one)], middleware=[Middleware(GZipMiddleware, minimum_size=500)])


def _may(header: str, token: str) -> bool:
    """Whether the header Authorization holds the token: as Bearer, or as the password of Basic, whoever the user."""
    if not token:
        return True
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.encode())


def _is_loopback(listen: str) -> bool:
    try:
        return ipaddress.ip_address(listen.strip("[]")).is_loopback
    except ValueError:
        return listen == "localhost"
