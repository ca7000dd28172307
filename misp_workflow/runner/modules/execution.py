"""What a node's module gets to work with, and what it leaves behind. Mirrors WorkflowBaseModule's helpers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import conditions, coreformat, wire
from misp_workflow.runner.data.profiles import RENDERER_FAILS_SOFTLY, TEMPLATES_SEE_ENV, Profile
from misp_workflow.runner.data.roaming import RoamingData
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import MAX_STEPS, Node
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules import moduleapi
from misp_workflow.runner.modules.catalogue import Module, Modules, Param
from misp_workflow.runner.modules.moduleapi import TEMPLATE_MODULE, Answer, ModuleServer, NoAnswerError
from misp_workflow.runner.modules.tag_database import TagDatabase

TEMPLATE_TIMEOUT = 10.0
NO_ERROR = "No error."
_FILTER_FIELDS = ("selector", "value", "operator", "path")


@dataclass(frozen=True)
class Exchange:
    """A request to a module, and what came of it.

    `fields` is the request, by reference; `size` its length in bytes as sent (0: it was not sent, `reading` says why).
    `result` is the decoded answer, false where MISP reads none; `reading` is one sentence about it.
    """

    family: str
    module: str
    timeout: float
    fields: Mapping[str, Any]
    size: int
    answer: Answer | None
    result: Any
    reading: str

    def body(self) -> bytes:
        """The request as it was sent, encoded anew."""
        return wire.encode(dict(self.fields))


@dataclass(frozen=True)
class Effect:
    """Something that MISP would do in the world and that nobody does here.

    kind: "database" (`name` is "Model.method"), "zmq", "webhook", "mail" or "message"; `detail` says with what.
    """

    kind: str
    name: str
    detail: Any

    @property
    def deed(self) -> str:
        """What it is, in words that follow "MISP would"."""
        last = self.detail[-1] if isinstance(self.detail, list) and self.detail else None
        if self.kind == "database" and isinstance(last, dict) and isinstance(last.get("tags"), list):
            verb = "remove" if "detach" in self.name else "attach"
            return f"{verb} {', '.join(map(str, last['tags']))} ({self.name})"
        return f"{_DEEDS[self.kind]}: {self.name}"


_DEEDS = {
    "database": "change its database",
    "zmq": "publish on ZeroMQ",
    "webhook": "send a request",
    "mail": "send a mail",
    "message": "send a message",
}


@dataclass
class Job:
    """What concurrent-task puts aside: a node of which workflow to start from, and the data as JSON."""

    number: int
    node_id: Any
    data: bytes
    workflow: Workflow | None = None


@dataclass
class Record:
    """What one execution of a node leaves behind; `nested` are the runs of workflows that it called."""

    exchanges: list[Exchange] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    rendered: dict[str, str] = field(default_factory=dict)
    nested: list[Any] = field(default_factory=list)


@dataclass
class Outcome:
    """What a module's exec answers: true or false, errors for the log, and for people why."""

    success: bool
    errors: list[Any] = field(default_factory=list)
    why: str = ""


@dataclass
class Surroundings:
    """What all executions of a run share.

    `run_adhoc` runs an ad-hoc workflow, in these, on what is passed to it, and adds the runs to a list.
    """

    modules: Modules
    server: ModuleServer
    world: World
    encoder: wire.Encoder = field(default_factory=wire.Encoder)
    jobs_made: int = 0
    steps_left: int = MAX_STEPS
    fetches: int = 0
    depth: int = 0
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    run_adhoc: Callable[[Surroundings, str, Any, list[Any]], None] = lambda around, trigger_id, payload, runs: None
    start_data: Any = None
    trigger: Node | None = None
    changes: list[tuple[str, list[Any]]] = field(default_factory=list)
    tags: TagDatabase | None = None

    def __post_init__(self) -> None:
        self.files.update(self.world.files)

    def fetch(self, event_id: Any) -> Any:
        """The event's row as the database has it now; None where no rows are given at all.

        Raises PhpCrash for an event that is gone.
        """
        rows = self.world.rows
        if self.world.fetched_events is not None:
            row = self.world.fetched_events[min(self.fetches, len(self.world.fetched_events) - 1)]
            self.fetches += 1
        else:
            row = coreformat.find_row(rows, "events", event_id)
        if not row and ("events" in rows or self.world.fetched_events is not None):
            raise PhpCrash(
                "TypeError",
                "WorkflowFormatConverterTool::convert(): Argument #1 ($data) must be of type array, null given",
            )
        return row

    def tag_database(self, in_hand: Any) -> TagDatabase:
        """The tags in MISP's database as of now; of an event that no trigger brought, by the data in hand."""
        data = self.start_data if self.start_data is not None else in_hand
        if self.tags is None or self.tags.data is not data:
            self.tags = TagDatabase(data, self.world.known_tags)
        self.tags.hear(self.changes)
        return self.tags

    def enrichments(self) -> list[dict[str, Any]]:
        """The expansion modules, as the world or else the server lists them."""
        if self.world.enrichment_modules is not None:
            return self.world.enrichment_modules
        try:
            return [
                described
                for described in self.server.modules()
                if php.in_array("expansion", php.item(php.item(described, "meta", {}), "module-type", []))
            ]
        except NoAnswerError:
            return []


@dataclass
class Call:
    """One execution of a module: its parameters, the data, and the world around it."""

    node: Node
    module: Module
    roaming: RoamingData
    around: Surroundings
    record: Record

    @property
    def misp(self) -> Profile:
        """The version of MISP whose rules hold."""
        return self.around.world.misp

    def data(self) -> Any:
        return self.roaming.get()

    def values(self) -> dict[str, Any]:
        """The node's parameters by id: as set, else the default, else ""; templates rendered."""
        return {param.id: self._value(param) for param in self.module.params}

    def _value(self, param: Param) -> Any:
        value = self.node.params.get(param.id)
        if value is None:
            return "" if param.default is None else param.default  # which is never rendered
        return self.render(param.id, value, self.data()) if param.jinja and _has_length(value) else value

    def render(self, param_id: str, template: Any, variables: Any) -> str:
        """Have a template rendered. Raises PhpCrash where MISP cannot cope with the renderer's answer."""
        if TEMPLATES_SEE_ENV in self.misp:
            variables = {**dict(php.pairs(variables)), "_env": {"baseurl": self.around.world.baseurl}}
        if "Enrichment" in self.around.world.disabled_services:
            return self._not_rendered()
        if self.around.server.renders_templates:
            rendered = self._rendered_by_server(template, variables)
        else:
            plain = self.around.encoder.plain
            rendered = moduleapi.render(template, variables if plain else wire.as_written(variables))
        self.record.rendered[param_id] = rendered
        return rendered

    def _rendered_by_server(self, template: Any, variables: Any) -> str:
        try:
            text = bytes(self.around.encoder.encode({"template": template, "data": variables})).decode()
        except wire.EncodingError as error:
            raise PhpCrash("JsonException", str(error)) from error
        fields = {"module": TEMPLATE_MODULE, "text": text}
        result = self.ask("Enrichment", TEMPLATE_MODULE, TEMPLATE_TIMEOUT, fields)
        if moduleapi.error_of(result) is not None:
            return ""
        if result is False:
            return self._not_rendered()
        value = php.item(php.item(php.item(php.item(result, "results"), "0"), "values"), "0")
        if not isinstance(value, str):
            raise _no_text()
        return value

    def _not_rendered(self) -> str:
        if RENDERER_FAILS_SOFTLY in self.misp:
            return ""
        raise _no_text()

    @property
    def has_filter(self) -> bool:
        """Whether the node has a filter of its own: whether anything stands in any field of it."""
        return any(not php.loose_equal(self.node.filters.get(name), "") for name in _FILTER_FIELDS)

    def matching(self) -> Any:
        """What the node's own filter selects of the data, maybe nothing; the whole data where there is no filter."""
        return self.selection() if self.has_filter else self.data()

    def selection(self) -> Any:
        """What selector, path and operator find. Without an operator nothing, yet a path can be PHP's death."""
        filters = self.node.filters
        items = conditions.extract_data(self.data(), filters.get("selector"))
        value = "" if filters.get("value") is None else filters["value"]
        return conditions.matching(items, value, filters.get("operator"), filters.get("path"), self.misp)

    def ask(self, family: str, module: str, timeout: float, fields: dict[str, Any]) -> Any:
        """Ask a module. Answers what MISP makes of it: the decoded answer, or false."""
        direct = self.around.server.ask(module, fields, timeout) if self.around.encoder.plain else None
        if direct is not None:
            result = moduleapi.read_answer(direct)
            self._note(family, module, timeout, fields, 0, direct, result, _reading(direct, result))
            return result
        try:
            body = self.around.encoder.encode(fields)
        except wire.EncodingError as error:
            self._note(family, module, timeout, fields, 0, None, False, f"The request was not sent: {error}.")
            return False
        try:
            answer = self.around.server.query(module, body, timeout)
        except NoAnswerError as error:
            self._note(family, module, timeout, fields, len(body), None, False, str(error))
            return False
        result = moduleapi.read_answer(answer)
        self._note(family, module, timeout, fields, len(body), answer, result, _reading(answer, result))
        return result

    def _note(
        self,
        family: str,
        module: str,
        timeout: float,
        fields: dict[str, Any],
        size: int,
        answer: Answer | None,
        result: Any,
        reading: str,
    ) -> None:
        self.record.exchanges.append(Exchange(family, module, timeout, fields, size, answer, result, reading))

    def effect(self, kind: str, name: str, detail: Any) -> None:
        self.record.effects.append(Effect(kind, name, detail))

    def change(self, name: str, *args: Any, possible: bool = True) -> bool:
        """Note a change of MISP's database, and say whether it succeeds; what is not possible does only where told."""
        taken = self.around.world.answers(name, possible)
        if possible or taken:
            self.effect("database", name, list(args))
        if taken:
            self.around.changes.append((name, list(args)))
        return taken


def _has_length(value: Any) -> bool:
    """Whether PHP's strlen is more than zero, which is how MISP sees that there is a template to render."""
    if php.is_array(value):
        raise PhpCrash("TypeError", "strlen(): Argument #1 ($string) must be of type string, array given")
    return bool(php.to_string(value))


def _no_text() -> PhpCrash:
    return PhpCrash(
        "TypeError", "WorkflowBaseModule::render_jinja_template(): Return value must be of type string, null returned"
    )


def _reading(answer: Answer, result: Any) -> str:
    told = _understood(answer, result)
    if not answer.scripted:
        return told
    return "Nobody was asked; this yes is scripted." if told == NO_ERROR else f"Nobody was asked; by script: {told}"


def _understood(answer: Answer, result: Any) -> str:
    error = moduleapi.error_of(result)
    if error is not None:
        return f"The module answered an error: {php.to_string(error)}"
    if answer.status not in moduleapi.OK_CODES:
        return f"HTTP {answer.status}, which MISP takes for no answer at all and so for a success."
    if result is False and answer.body.strip() != b"false":
        return "An answer that is no JSON, which MISP takes for a success."
    return NO_ERROR


Exec = Callable[[Call], Outcome]
