"""The misp-modules server as MISP speaks with it, in three kinds: a real one, one in this process, a scripted one.

Mirrors MISP's Module::getModules, Module::sendRequest and Module::queryModuleServer, and misp-modules' own handling of
GET /modules and POST /query. MISP waits one second for the list and Plugin.Action_timeout for an action.
"""

from __future__ import annotations

import contextvars
import importlib.util
import json
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2.sandbox
import orjson
import requests

from misp_workflow import php, web_address
from misp_workflow.errors import InputError, RunnerError
from misp_workflow.printable import logger
from misp_workflow.runner.data import wire

log = logger(__name__)

LIST_TIMEOUT = 1.0  # seconds; fixed in MISP
TEMPLATE_MODULE = "jinja_template_rendering"
SERVER_ERROR = {"error": "Something went wrong, look in the server logs for details"}  # what misp-modules answers
OK_CODES = frozenset({200, 201, 202, 203, 204, 205, 206})

Body = bytes | wire.Text
Described = dict[str, Any]
Spec = dict[str, Any]


class NoAnswerError(RunnerError):
    """The module server gave no answer at all. `kind` is "timeout" or "down"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status and body; `scripted`, when nobody was asked for it."""

    status: int
    body: bytes
    scripted: bool = False


class ModuleServer(ABC):
    """What a walk needs of a misp-modules server."""

    @abstractmethod
    def modules(self) -> list[Described]:
        """What GET /modules lists. Raises NoAnswerError."""

    @abstractmethod
    def query(self, module: str, body: Body, timeout: float) -> Answer:
        """POST the body to /query for the module that it names. Raises NoAnswerError."""

    def ask(self, module: str, fields: Mapping[str, Any], timeout: float) -> Answer | None:
        """What the module answers to data that the way through JSON would leave as it is; None: ask by `query`."""
        del module, fields, timeout
        return None

    @property
    def renders_templates(self) -> bool:
        """Whether templates go to this server as requests, as from MISP; else they are rendered in this process."""
        return False

    def changes(self, data: Any) -> list[tuple[str, list[Any]]]:
        """What the module asked last would have changed in MISP, ("Model.method", arguments); `data` is what it saw.

        For servers whose modules only say what they would do; what others change in MISP is not known here.
        """
        del data
        return []

    def webhook(self, request: Mapping[str, Any]) -> Answer | None:
        """What the receiver of a webhook answers; None: nobody is asked, MISP's webhooks are not performed here."""
        del request
        return None


def read_answer(answer: Answer) -> Any:
    """The decoded answer as MISP reads it; false when the status or the body makes MISP throw and carry on."""
    if answer.status not in OK_CODES:
        return False
    try:
        return wire.decode(answer.body)
    except InputError:
        return False


# --- a real server ---------------------------------------------------------------------------------------------------


class HttpServer(ModuleServer):
    """A running misp-modules, addressed as MISP does."""

    def __init__(self, url: str) -> None:
        if problem := web_address.trouble(url, ("https", "http")):
            raise InputError(f"The address of the misp-modules server {problem}.")
        self.url = url.rstrip("/")
        self.shown = web_address.shown(self.url)
        self._session = _session()

    def modules(self) -> list[Described]:
        listed = read_answer(self._send("GET", "/modules", None, LIST_TIMEOUT))
        return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        return self._send("POST", "/query", body, timeout)

    def post(self, path: str, body: Body, timeout: float) -> Answer:
        """Post JSON to another path, as to the address of MISP's debug mode."""
        return self._send("POST", path, body, timeout)

    @property
    def renders_templates(self) -> bool:
        return True

    def _send(self, method: str, path: str, body: Body | None, timeout: float) -> Answer:
        session, headers = self._session, {"Content-Type": "application/json"} if body is not None else None
        pieces: Any = body  # a text goes out piece by piece, its length said before

        def sent() -> Answer:
            response = session.request(
                method, self.url + path, data=pieces, headers=headers, timeout=timeout, allow_redirects=False
            )
            return Answer(response.status_code, response.content)

        try:
            answer = _within(timeout, sent)
        except requests.Timeout:
            answer = None
        except requests.RequestException as error:
            raise NoAnswerError("down", f"No misp-modules server answers at {self.shown}.") from error
        if answer is None:
            self._session = _session()  # the old one may still be busy with the answer that comes too late
            raise NoAnswerError(
                "timeout", f"The misp-modules server at {self.shown} did not answer within {timeout:g} s."
            )
        return answer


def _session() -> requests.Session:
    session = requests.Session()
    # MISP has one fixed address in its settings and never asks a proxy for it.
    session.trust_env = False
    return session


def _within(timeout: float, ask: Callable[[], Answer]) -> Answer | None:
    """The answer, or None when it takes longer than `timeout` seconds in all, a server that drips included.

    The thread is left behind then, as in misp-modules: there too the work goes on after MISP gave up.
    """
    came: list[Answer] = []
    failed: list[Exception] = []

    def asking() -> None:
        try:
            came.append(ask())
        except Exception as error:  # raised again where it can be caught
            failed.append(error)

    worker = threading.Thread(target=asking, daemon=True)
    worker.start()
    worker.join(timeout)
    if failed:
        raise failed[0]
    return came[0] if came else None


# --- actions loaded in this process ----------------------------------------------------------------------------------


class LocalServer(ModuleServer):
    """Action files, or folders of them, loaded by bare path as `misp-modules -c` does, and asked through JSON.

    `failed` says, by file name, why a file could not be loaded; misp-modules would leave it out, or not start at all.
    `only` names the actions that are loaded; None: all.
    """

    def __init__(self, places: Iterable[str | Path], only: Collection[str] | None = None) -> None:
        self.failed: dict[str, str] = {}
        self._modules: dict[str, ModuleType] = {}
        self._described: dict[str, Described] = {}
        for place in map(Path, places):
            if not place.exists():
                raise InputError(f"There is no folder {place} to load actions from.")
            for file in sorted(place.glob("*.py")) if place.is_dir() else [place]:
                if not file.name.startswith("_") and (only is None or file.stem in only):
                    self._load(file)

    def _load(self, file: Path) -> None:
        # The server takes the bare name, and so may put a file in the place of a library; here it gets one of its own.
        spec = importlib.util.spec_from_file_location(f"_workflow_action_{file.stem}", file)
        assert spec is not None and spec.loader is not None, "a .py file always has a loader"
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            described = {
                "name": file.stem,
                "type": "action",
                "mispattributes": module.introspection(),
                "meta": module.version(),
            }
            self._described[file.stem] = orjson.loads(orjson.dumps(described))
        except (Exception, SystemExit) as error:  # any error of somebody else's file; the others still load
            del sys.modules[spec.name]
            self.failed[file.name] = f"{type(error).__name__}: {error}"
            log.warning("%s cannot be loaded as an action", file.name, exc_info=True)
        else:
            self._modules[file.stem] = module

    def modules(self) -> list[Described]:
        return list(self._described.values())

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        loaded = self._modules.get(module)
        if loaded is None:
            return Answer(200, orjson.dumps(SERVER_ERROR))
        request, context = bytes(body), contextvars.copy_context()
        answer = _within(timeout, lambda: context.run(_handle, loaded, request))
        if answer is None:
            raise NoAnswerError("timeout", f"The action {module} did not answer within {timeout:g} s.")
        return answer

    def at_once(self, module: str, request: Mapping[str, Any]) -> Answer:
        """Ask in this very thread, without a time-out, and without the border."""
        loaded = self._modules.get(module)
        return Answer(200, orjson.dumps(SERVER_ERROR)) if loaded is None else _handle(loaded, request)


def _handle(module: ModuleType, request: bytes | Mapping[str, Any]) -> Answer:
    """Ask as misp-modules does: handler() after any AttributeError of dict_handler(), one from inside it included."""
    try:
        try:
            response = module.dict_handler(request=orjson.loads(request) if isinstance(request, bytes) else request)
        except AttributeError:
            response = module.handler(q=request if isinstance(request, bytes) else orjson.dumps(request))
        return Answer(200, orjson.dumps(response, default=_as_data))
    except Exception:  # a module may raise anything; the server answers all the same
        log.warning("The action %s raised", module.__name__, exc_info=True)
        return Answer(200, orjson.dumps(SERVER_ERROR))
    except SystemExit as error:
        raise NoAnswerError("down", f"{module.__name__} ends the process, and so the whole server.") from error


def _as_data(value: Any) -> Any:
    # PyMISP's objects know how; anything else that JSON does not know is null.
    return value.jsonable() if hasattr(value, "jsonable") else None


def render(template: Any, data: Any) -> str:
    """Render as misp-modules' jinja_template_rendering does: in Jinja's sandbox, and "" when that fails."""
    try:
        return jinja2.sandbox.SandboxedEnvironment().from_string(template).render(data)
    except Exception:  # a template can fail in any way
        return ""


# --- scripted answers ------------------------------------------------------------------------------------------------


class Scripted(ModuleServer):
    """Answers by script: `{"module name": [spec, …]}`, used in order, the last one repeating.

    A spec is {"type": "ok", "body": anything, "code"?}, {"type": "raw", "body": "text", "code"?}, {"type": "timeout"},
    {"type": "refused"}. "http" scripts the receivers of webhooks. Modules without a script are asked of `behind`, or
    answer {"data": true}. `listed` is what GET /modules answers; None: it does not answer.
    """

    def __init__(
        self,
        listed: Sequence[Described] | None,
        script: Mapping[str, Sequence[Spec]] | None = None,
        behind: ModuleServer | None = None,
    ) -> None:
        self._listed = listed
        self._script = {name: list(specs) for name, specs in (script or {}).items()}
        self._behind = behind

    def modules(self) -> list[Described]:
        if self._listed is None:
            raise NoAnswerError("down", "The list of modules is not available, as the script wants it.")
        return list(self._listed)

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        if module in self._script:
            return self._next(module, timeout)
        if self._behind is not None:
            return self._behind.query(module, body, timeout)
        return Answer(200, b'{"data": true}', scripted=True)

    def changes(self, data: Any) -> list[tuple[str, list[Any]]]:
        return self._behind.changes(data) if self._behind is not None else []

    @property
    def renders_templates(self) -> bool:
        return TEMPLATE_MODULE in self._script or (self._behind is not None and self._behind.renders_templates)

    def webhook(self, request: Mapping[str, Any]) -> Answer | None:
        return self._next("http", 0) if "http" in self._script else None

    def _next(self, name: str, timeout: float) -> Answer:
        specs = self._script[name]
        spec = specs.pop(0) if len(specs) > 1 else specs[0]
        kind, code = spec.get("type"), spec.get("code", 200)
        if kind == "timeout":
            raise NoAnswerError("timeout", f"{name} does not answer within {timeout:g} s, as the script wants it.")
        if kind == "refused":
            raise NoAnswerError("down", f"Nobody answers for {name}, as the script wants it.")
        if kind == "raw":
            return Answer(code, str(spec.get("body", "")).encode(), scripted=True)
        return Answer(code, json.dumps(spec.get("body"), separators=(",", ":")).encode(), scripted=True)


ANSWERS: Mapping[str, Spec] = {
    "ok": {"type": "ok", "body": {"data": True}},
    "raises": {"type": "ok", "body": SERVER_ERROR},
    "timeout": {"type": "timeout"},
    "down": {"type": "refused"},
    "http500": {"type": "raw", "code": 500, "body": "Internal Server Error"},
    "badjson": {"type": "raw", "body": "<html>"},
    "empty": {"type": "raw", "body": ""},
}


def parse_answer(text: str) -> tuple[str, Spec]:
    """Read `MODULE=ANSWER` of the command line: one of ANSWERS, `error:TEXT`, or `json:TEXT`. Raises InputError."""
    module, separator, answer = text.partition("=")
    if not separator or not module:
        raise InputError(f"{text!r} is no scripted answer; write MODULE=ok, MODULE=error:TEXT, MODULE=timeout, …")
    if answer in ANSWERS:
        return module, dict(ANSWERS[answer])
    kind, separator, rest = answer.partition(":")
    if kind == "error" and separator:
        return module, {"type": "ok", "body": {"error": rest}}
    if kind == "json" and separator:
        return module, {"type": "raw", "body": rest}
    raise InputError(
        f"{answer!r} is no answer that a module can be scripted to give; there are "
        f"{', '.join(ANSWERS)}, error:TEXT and json:TEXT."
    )


def error_of(result: Any) -> Any:
    """What MISP takes for an error in a decoded answer, None when there is none."""
    error = result.get("error") if isinstance(result, dict) else None
    return error if php.truthy(error) else None
