"""The example workflows, by name, with what must be said before one is of use: which destination, which tags.

Every `destination` of an example is a question; further ones stand in questions.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from misp_workflow.errors import InputError, did_you_mean
from misp_workflow.remote import document
from misp_workflow.remote.document import Content
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.modules.moduleapi import Described

PACKAGE = Path(__file__).resolve().parents[1]
PLACES = (PACKAGE.parent / "examples" / "workflows", PACKAGE / "examples")
"""In a checkout, and in an installation."""


@dataclass(frozen=True)
class Question:
    """What an example asks. `name` is how an option calls it; `parameters` are where the answer goes, (node, name)."""

    name: str
    text: str
    parameters: tuple[tuple[str, str], ...]
    default: str


@dataclass(frozen=True)
class Example:
    """One example as it is shipped."""

    name: str
    content: Content

    @property
    def questions(self) -> list[Question]:
        return [*self._destinations(), *self._further()]

    def _destinations(self) -> Iterator[Question]:
        found: dict[str, list[Node]] = {}
        for node in self.content.nodes():
            if node.params.get("destination"):
                found.setdefault(node.module, []).append(node)
        for module, nodes in found.items():
            name = "destination" if len(found) == 1 else f"{module}.destination"
            text = f"Which destination of the settings does {module} use?"
            places = tuple((node.key, "destination") for node in nodes)
            yield Question(name, text, places, str(nodes[0].params["destination"]))

    def _further(self) -> Iterator[Question]:
        for row in _questions().get(self.name, ()):
            module, _, parameter = row["parameter"].partition(".")
            nodes = [node for node in self.content.nodes() if node.module == module and parameter in node.params]
            if nodes:
                default = _as_text(nodes[0].params[parameter])
                yield Question(row["name"], row["ask"], tuple((node.key, parameter) for node in nodes), default)

    def answered(self, answers: Mapping[str, str]) -> Content:
        """Return the workflow with these answers, by the questions' names or as MODULE.PARAMETER.

        InputError for a name that is neither, with the nearest one.
        """
        places = {question.name: question.parameters for question in self.questions}
        graph = json.loads(json.dumps(self.content.graph))
        for name, answer in answers.items():
            module, _, parameter = name.partition(".")
            found = places.get(name) or [
                (node.key, parameter) for node in self.content.nodes() if node.module == module
            ]
            if not found or (name not in places and not parameter):
                known = ", ".join(places) or "nothing"
                raise InputError(
                    f"{self.name} does not ask for “{name}”{did_you_mean(name, places)}. It asks for {known}; "
                    "any parameter of a node can be set as MODULE.PARAMETER=VALUE."
                )
            for key, inside in found:
                params = graph[key]["data"].get("indexed_params") or {}
                params[inside] = _like(params.get(inside), answer)
                graph[key]["data"]["indexed_params"] = params
        content = self.content
        return Content(content.trigger, content.name, content.description, content.debug, graph)


def of_misp(content: Content, name: str, modules: Iterable[Described]) -> Content:
    """Return the workflow with each node of these modules that can say which MISP asks, and does not, saying it."""
    able = {one["name"] for one in modules if "misp" in one["meta"]["config"].get("params", {})}
    graph = json.loads(json.dumps(content.graph))
    for node in content.nodes():
        if node.module in able and not node.params.get("misp"):
            graph[node.key]["data"]["indexed_params"] = {**node.params, "misp": name}
    return replace(content, graph=graph)


def examples() -> dict[str, Example]:
    """Return every example by its name."""
    place = next((one for one in PLACES if one.is_dir()), None)
    if place is None:
        raise InputError("The examples are not installed here; they are in the project's folder examples/workflows.")
    return {path.stem: Example(path.stem, document.read(path)[0]) for path in sorted(place.glob("*.json"))}


def example(name: str) -> Example:
    """Return one by its name; InputError for an unknown one, with the nearest."""
    known = examples()
    if name not in known:
        raise InputError(f"There is no example “{name}”{did_you_mean(name, known)}. There are: {', '.join(known)}.")
    return known[name]


@cache
def _questions() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads(Path(__file__).with_name("questions.json").read_bytes())
    return found


def _as_text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _like(before: Any, answer: str) -> Any:
    """Return the answer in the form that was there: a list from what commas part."""
    return [one.strip() for one in answer.split(",") if one.strip()] if isinstance(before, list) else answer
