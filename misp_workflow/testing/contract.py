"""What every action file must keep to, as checks that return sentences: none means it keeps to it.

    from pathlib import Path
    from misp_workflow.testing.contract import ActionFile, findings

    def test_contract():
        assert findings(ActionFile.load(Path("action_mod/my_action.py"))) == []

The rules come from what MISP and misp-modules really do with a file; each check says what a breach leads to.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from misp_workflow.testing.hostile import parsed_requests, raw_bodies
from misp_workflow.testing.reserved import reserved_names

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TYPES = {"string", "large_string", "hash_path"}  # MISP draws nothing for any other
FLAGS = ("blocking", "support_filters", "expect_misp_core_format")
INFO = {
    "version": str,
    "author": str,
    "description": str,
    "module-type": list,
    "name": str,
    "logo": str,
    "requirements": list,
    "features": str,
    "references": list,
    "input": str,
    "output": str,
}
LONGEST_SENTENCE = 2_000
NOT_FOR_PEOPLE = ("Traceback", "object at 0x", 'File "', "\n")


@dataclass(frozen=True)
class ActionFile:
    """One action file, loaded by path under its bare name, as `misp-modules -c` does."""

    path: Path
    module: ModuleType

    @classmethod
    def load(cls, path: Path) -> ActionFile:
        """Load the file. sys.modules is left as it was, so that a badly named file harms no other test."""
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise AssertionError(f"{path} is not a Python file.")
        module = importlib.util.module_from_spec(spec)
        known = sys.modules.get(path.stem)
        sys.modules[path.stem] = module
        try:
            spec.loader.exec_module(module)
        finally:
            if known is None:
                del sys.modules[path.stem]
            else:
                sys.modules[path.stem] = known
        return cls(path, module)

    @property
    def name(self) -> str:
        """The module's name for MISP: the file's."""
        return self.path.stem

    @property
    def params(self) -> dict[str, dict[str, Any]]:
        """The declared parameters, as MISP reads them from GET /modules."""
        declared: dict[str, dict[str, Any]] = self.module.version()["config"]["params"]
        return declared

    def ask(self, body: bytes) -> Any:
        """Answer a raw request, as the server asks when there is no dict_handler."""
        return self.module.handler(q=body)

    def served(self, body: bytes) -> Any:
        """Answer a raw request the way the real server does: parse, then dict_handler, or else handler."""
        if hasattr(self.module, "dict_handler"):
            return self.module.dict_handler(request=orjson.loads(body))
        return self.ask(body)


def findings(action: ActionFile) -> list[str]:
    """Return every breach of the contract that needs no receiver and no documentation to be seen."""
    return [sentence for check in (*CHECKS, check_hostile_requests) for sentence in check(action)]


def check_name(action: ActionFile) -> Iterator[str]:
    """The name is free: a clash silently replaces a node, a module or a library of the whole server."""
    if not SNAKE_CASE.fullmatch(action.name):
        yield f"The file's name '{action.name}' is not snake_case."
    if owner := reserved_names().get(action.name):
        yield f"The name '{action.name}' is taken: it is {owner}."


def check_functions(action: ActionFile) -> Iterator[str]:
    """The names that misp-modules uses are there; without one, listing or calling the module fails."""
    for name in ("handler", "introspection", "version"):
        if not callable(getattr(action.module, name, None)):
            yield f"There is no function {name}()."


def check_info(action: ActionFile) -> Iterator[str]:
    """Upstream's eleven keys, each of its type; MISP shows name and description."""
    info = action.module.version()
    for key, kind in INFO.items():
        if not isinstance(info.get(key), kind):
            yield f"moduleinfo['{key}'] must be a {kind.__name__}."
    if info.get("module-type") != ["action"]:
        yield "moduleinfo['module-type'] must be ['action'], or MISP's workflow editor does not list the module."
    for key in ("name", "description", "version"):
        if not info.get(key):
            yield f"moduleinfo['{key}'] is empty."


def check_listing(action: ActionFile) -> Iterator[str]:
    """GET /modules can be made of it, twice the same; if one module cannot, MISP loses them all."""
    for name in ("introspection", "version"):
        function = getattr(action.module, name)
        try:
            first, second = orjson.dumps(function()), orjson.dumps(function())
        except TypeError as error:
            yield f"{name}() cannot be written as JSON: {error}."
            continue
        if first != second:
            yield f"{name}() answers differently each time."


def check_config(action: ActionFile) -> Iterator[str]:
    """The three flags are said, and MISP renders no template of ours."""
    config = action.module.version().get("config", {})
    for flag in FLAGS:
        if not isinstance(config.get(flag), bool):
            yield f"moduleconfig['{flag}'] must be True or False."


def check_params(action: ActionFile) -> Iterator[str]:
    """An object of objects, or every workflow of that MISP dies; names and types that MISP passes on unchanged."""
    params = action.module.version().get("config", {}).get("params")
    if not isinstance(params, dict) or not all(isinstance(spec, dict) for spec in params.values()):
        yield "moduleconfig['params'] must be an object of objects."
        return
    for name, spec in params.items():
        if not SNAKE_CASE.fullmatch(name):
            yield f"Parameter '{name}' is not snake_case: MISP would send it under another name."
        if spec.get("type") not in TYPES:
            yield f"Parameter '{name}' has a type that MISP does not draw: {spec.get('type')!r}."
        if not isinstance(spec.get("description"), str) or not spec["description"].strip():
            yield f"Parameter '{name}' has no description."
        if spec.get("jinja_supported"):
            yield f"Parameter '{name}' would be rendered by MISP before the action sees it."
        if not _placeholder_is_true(spec):
            shown, meant = spec.get("value"), spec.get("default")
            yield f"Parameter '{name}' shows {shown!r} in grey, but an empty field means {meant!r}."


def check_hostile_requests(action: ActionFile) -> Iterator[str]:
    """Nothing that comes in makes an exception; each answer is one that MISP can read."""
    params = dict.fromkeys(action.params, "")
    for label, body in raw_bodies(action.name, params):
        yield from _survives(label, partial(action.ask, body))
    if hasattr(action.module, "dict_handler"):
        for label, request in parsed_requests(action.name, params):
            yield from _survives(label, partial(action.module.dict_handler, request=request))


CHECKS: tuple[Callable[[ActionFile], Iterator[str]], ...] = (
    check_name,
    check_functions,
    check_info,
    check_listing,
    check_config,
    check_params,
)


def trouble_with(answer: Any) -> str:
    """Say what is wrong with an answer; "" when MISP and a person can read it."""
    if not isinstance(answer, dict) or not ("data" in answer or "error" in answer):
        return f"the answer is neither data nor an error: {answer!r:.200}"
    try:
        orjson.dumps(answer)
    except TypeError as error:
        return f"the answer cannot be written as JSON: {error}"
    if "error" not in answer:
        return ""
    sentence = answer["error"]
    if not isinstance(sentence, str) or not sentence.strip():
        return f"the error is no text, so MISP would take it for a success or log it as Array: {sentence!r:.200}"
    if len(sentence) > LONGEST_SENTENCE or " " not in sentence or any(part in sentence for part in NOT_FOR_PEOPLE):
        return f"the error is not a sentence for a person: {sentence!r:.300}"
    return ""


def sample_params(action: ActionFile, url: str, *also: str) -> dict[str, str]:
    """Return all parameters as MISP sends them: the required ones and every address filled in, the others empty.

    Addresses lead to `url`; `also` names further parameters to fill.
    """
    return {
        name: _sample(name, spec, url) if spec.get("required") or spec.get("format") == "url" or name in also else ""
        for name, spec in action.params.items()
    }


def _sample(name: str, spec: Mapping[str, Any], url: str) -> str:
    form = spec.get("format")
    if form == "url":
        return f"{url}/hook/{canary(name)}" if spec.get("secret") else url
    if form in ("integer", "number"):
        return str(spec.get("minimum", 1))
    if form == "boolean":
        return "true"
    if form == "choice":
        return str(spec["choices"][0])
    if spec.get("secret"):
        return f"X-Canary: {canary(name)}" if spec.get("type") == "large_string" else canary(name)
    return "example"


def canary(name: str) -> str:
    """A value for the secret parameter `name` that is found wherever it leaks."""
    return f"canary-{name}-5bf1"


def _placeholder_is_true(spec: Mapping[str, Any]) -> bool:
    default, shown = spec.get("default", ""), spec.get("value", "")
    if isinstance(default, bool):
        return bool(shown == str(default).lower())
    if isinstance(default, (list, tuple)):
        return [part.strip() for part in re.split(r"[,\n]", shown) if part.strip()] == [str(item) for item in default]
    return bool(shown == str(default))


def _survives(label: str, call: Callable[[], Any]) -> Iterator[str]:
    try:
        trouble = trouble_with(call())
    except (Exception, SystemExit) as error:
        trouble = f"{type(error).__name__} escapes: {error!s:.200}"
    if trouble:
        yield f"Asked with {label}: {trouble}."
