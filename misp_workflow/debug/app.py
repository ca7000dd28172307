"""The listener for MISP's debug mode, and the page that shows its runs live. One ASGI application, by Starlette."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from misp_workflow.debug.runs import Runs, Seen
from misp_workflow.printable import printable
from misp_workflow.runner.data import wire
from misp_workflow.runner.said.drawing import template
from misp_workflow.runner.said.report import document
from misp_workflow.words import whole_number

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LARGEST = 200_000_000
"""Bytes of one post: MISP posts the whole event, twice when a run begins."""

MOST_LEVELS = 200
"""How deep a post may nest, an event and what is around it: Python would give up at some hundred."""

PATIENCE = 20.0
"""Seconds that the page waits for news before it asks again."""

PAGE = Path(__file__).with_name("page.html")


class Listener:
    """Takes MISP's posts from anybody who reaches it; shows them only to who has the key.

    MISP posts without any credentials, so that whoever reaches the port can make runs up; events are read with the key
    only, which stands in the address that the command prints.
    """

    def __init__(self, runs: Runs, key: str, patience: float = PATIENCE) -> None:
        self.runs, self.key, self.patience = runs, key, patience
        self._news = asyncio.Event()

    def app(self) -> Starlette:
        from starlette.applications import Starlette
        from starlette.routing import Route

        return Starlette(
            routes=[
                Route("/watch", self.page),
                Route("/watch/runs", self.fragment),
                Route("/watch/news", self.news),
                Route("/watch/event", self.event),
                Route("/watch/workflow", self.workflow),
                Route("/{trigger}/init", self.take, methods=["POST"]),
                Route("/{trigger}/exec/{module}", self.take, methods=["POST"]),
                Route("/{trigger}/end", self.take, methods=["POST"]),
            ]
        )

    # --- MISP speaks --------------------------------------------------------------------------------------------------

    async def take(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse

        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                return PlainTextResponse(f"More than {LARGEST:,} bytes are not looked at.\n", 413)
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            return PlainTextResponse("This is no JSON.\n", 400)
        if not isinstance(content, dict):
            return PlainTextResponse("This is no object.\n", 400)
        if wire.depth(content) > MOST_LEVELS:
            return PlainTextResponse(f"More than {MOST_LEVELS} levels are not looked at.\n", 400)
        self._taken(request.path_params, request.query_params, request.url.path.rsplit("/", 1)[-1], content)
        return PlainTextResponse("ok\n")

    def _taken(self, path: Mapping[str, str], query: Mapping[str, str], last: str, body: Mapping[str, Any]) -> None:
        trigger = path["trigger"]
        if "module" in path:
            self.runs.visited(trigger, path["module"], query.get("result", ""), body, query.get("message", ""))
        elif last == "init":
            self.runs.begun(trigger, query.get("type", ""), body)
        else:
            self.runs.ended(trigger, query.get("outcome", ""), body)
        self._news.set()
        self._news = asyncio.Event()

    # --- the page asks ------------------------------------------------------------------------------------------------

    def _may(self, request: Request) -> bool:
        return hmac.compare_digest(request.query_params.get("key", "").encode(), self.key.encode())

    def _chosen(self, request: Request) -> Seen | None:
        number = whole_number(request.query_params.get("run", ""))
        if number is not None:
            return self.runs.find(number)
        return self.runs.kept[-1] if self.runs.kept else None

    async def _look_up(self, request: Request) -> None:
        if run := self._chosen(request):
            await asyncio.to_thread(self.runs.look_up, run)

    async def page(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        if not self._may(request):
            return _refused()
        await self._look_up(request)
        nonce = secrets.token_urlsafe(16)
        page = template(PAGE, document=document).render(nonce=nonce, **self._shown(request))
        policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'"
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return HTMLResponse(printable(page), headers=headers)

    async def fragment(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        if not self._may(request):
            return _refused()
        await self._look_up(request)
        content = template(PAGE.with_name("runs.html"), document=document).render(**self._shown(request))
        return HTMLResponse(printable(content), headers={"Cache-Control": "no-store"})

    def _shown(self, request: Request) -> dict[str, Any]:
        chosen = self._chosen(request)
        drawing = chosen.drawing() if chosen else None
        runs = list(reversed(self.runs.kept))
        return {"runs": runs, "run": chosen, "drawing": drawing, "key": self.key, "version": self.runs.version}

    async def news(self, request: Request) -> Response:
        """Answer when there is more than `seen`, at the latest after `patience` seconds."""
        from starlette.responses import PlainTextResponse

        if not self._may(request):
            return _refused()
        if request.query_params.get("seen") == str(self.runs.version):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), self.patience)
        return PlainTextResponse(str(self.runs.version), headers={"Cache-Control": "no-store"})

    async def event(self, request: Request) -> Response:
        return await self._saved(request, "event", Seen.original_data)

    async def workflow(self, request: Request) -> Response:
        return await self._saved(request, "workflow", Seen.document)

    async def _saved(self, request: Request, name: str, read: Callable[[Seen], bytes]) -> Response:
        from starlette.responses import PlainTextResponse, Response

        if not self._may(request):
            return _refused()
        await self._look_up(request)
        run = self._chosen(request)
        content = read(run) if run else b""
        if run is None or not content:
            return PlainTextResponse(f"The {name} of this run is not known.\n", 404)
        disposition = f'attachment; filename="{name}-{run.number}.json"'
        return Response(content, media_type="application/json", headers={"Content-Disposition": disposition})


def _refused() -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse("Open the address that the command printed: it holds the key.\n", 403)
