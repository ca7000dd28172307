"""What holds for any graph and any event: a run ends, and raises nothing but our own errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from misp_workflow.errors import WorkflowError
from misp_workflow.runner.data import wire
from misp_workflow.runner.data.triggers import TRIGGERS
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph import graph as graphs
from misp_workflow.runner.graph.graph import Graph
from misp_workflow.runner.graph.workflow import Workflow, attach_blueprint, load
from misp_workflow.runner.modules import catalogue as modules
from misp_workflow.runner.modules.catalogue import catalogue
from misp_workflow.runner.modules.moduleapi import Scripted
from misp_workflow.runner.walk import single
from misp_workflow.runner.walk.walk import Run, run

LISTED = [
    {
        "name": "gate",
        "type": "action",
        "mispattributes": {},
        "meta": {
            "module-type": ["action"],
            "version": "1",
            "config": {
                "params": {"text": {"type": "string", "jinja_supported": True}, "a path": {"type": "hash_path"}},
                "blocking": True,
                "support_filters": True,
            },
        },
    },
    {
        "name": "tell",
        "type": "action",
        "mispattributes": {},
        "meta": {
            "module-type": ["action"],
            "config": {"params": {"p": {"type": "hash_path"}}, "support_filters": True},
        },
    },
]
ACTIONS = [*catalogue()["action"], "gate", "tell", "unknown"]
LOGIC = [*catalogue()["logic"], "if"]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**65), max_value=2**65),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["1", "0", "", "tlp:red", "equals", "in_or", "any_value", "event", "all", "\ud800", "{{ Event.id }}"]
    ),
)
KEYS = st.sampled_from(
    ["Event", "Attribute", "_AttributeFlattened", "Object", "Tag", "EventTag", "AttributeTag", "id", "event_id", "name",
     "value", "type", "to_ids", "published", "distribution", "threat_level_id", "orgc_id", "enabledFilters", "selector",
     "_unfilteredData", "operator", "path", "A", "0", "1", "5", "", "warnings", "enrichment", "__node_id_to_exec", "é"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
ATTRIBUTES = st.fixed_dictionaries(
    {"id": st.sampled_from(["1", "2", 3]), "type": st.sampled_from(["ip-src", "md5"]), "value": st.text(max_size=4)},
    optional={"to_ids": SCALARS, "Tag": VALUES, "AttributeTag": VALUES, "distribution": SCALARS, "Object": VALUES},
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["42", 42]),
        "info": SCALARS,
        "Attribute": st.lists(ATTRIBUTES, max_size=4) | VALUES,
        "Object": st.lists(st.fixed_dictionaries({"Attribute": st.lists(ATTRIBUTES, max_size=2)}), max_size=2) | VALUES,
        "Tag": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["tlp:red", "PAP:AMBER", "x"])}), max_size=3),
        "distribution": SCALARS,
        "published": SCALARS,
    },
)
USUAL = ["event-publish", "event-after-save", "event-after-save", "log-after-save"]
WHOLE = st.fixed_dictionaries({"Event": EVENTS}, optional={"Log": VALUES})
DATA = WHOLE | WHOLE | WHOLE | st.fixed_dictionaries({"Event": VALUES}, optional={"Tag": VALUES}) | VALUES
PATHS = st.sampled_from(
    ["Event._AttributeFlattened.{n}", "Event.Tag.{n}.name", "Event.info", "Event", "{n}", "type", "", "Event.Tag.{n}"]
)
PARAMS = st.dictionaries(
    st.sampled_from([param["id"] for kind in ("logic", "action") for config in catalogue()[kind].values()
                     for param in config["params"]] + ["text", "a_path", "p"]),
    SCALARS | PATHS | st.lists(SCALARS, max_size=2),
    max_size=6,
)  # fmt: skip
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "selector": PATHS | SCALARS,
        "path": PATHS | SCALARS,
        "operator": st.sampled_from(["equals", "in", "not_in", "in_or", "any_value", "bogus", "", None]),
        "value": VALUES,
    },
)
ANSWERS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("ok"), "body": VALUES.filter(lambda value: _encodable(value))}),
        st.fixed_dictionaries(
            {"type": st.just("raw"), "body": st.text(max_size=5), "code": st.sampled_from([200, 500])}
        ),
        st.sampled_from([{"type": "timeout"}, {"type": "refused"}, {"type": "ok", "body": {"error": "no"}}]),
    ),
    min_size=1,
    max_size=3,
)


def _encodable(value: Any) -> bool:
    try:
        return bool(json.dumps(value).encode())
    except UnicodeEncodeError:
        return False


@st.composite
def graphs_of(draw: st.DrawFn) -> dict[str, Any]:
    """A graph of up to eight nodes with any connections, cycles and loose ends among them."""
    keys = [str(number) for number in range(1, draw(st.integers(2, 8)) + 1)]
    graph: dict[str, Any] = {}
    for key in keys:
        kind = (
            "trigger" if key == "1" else draw(st.sampled_from(["logic", "action", "logic", "action", "trigger", "odd"]))
        )
        module = draw(st.sampled_from({"trigger": [*USUAL * 4, *TRIGGERS], "logic": LOGIC}.get(kind, ACTIONS)))
        following = str(int(key) % len(keys) + 1)
        outputs = {
            name: draw(st.lists(st.sampled_from([following] * 8 + [*keys, "99"]), min_size=least, max_size=2))
            for name, least in (("output_1", 1), ("output_2", 0))
        }
        graph[key] = {
            "id": int(key),
            "data": {
                "id": module,
                "module_type": kind,
                "indexed_params": draw(PARAMS),
                "saved_filters": draw(FILTERS),
            },
            "outputs": {
                name: {"connections": [{"node": target, "output": "input_1"} for target in found]}
                for name, found in outputs.items()
            },
        }
    return graph


def _run(graph: dict[str, Any], data: Any, answers: list[Any], world: World) -> Run:
    server = Scripted(LISTED, {"gate": answers, "tell": answers, "http": answers})
    return run(Workflow(1, "any", Graph.parse(graph)), data, server, world=world, max_steps=500)


WORLDS = st.builds(
    World,
    rows=st.fixed_dictionaries({}, optional={"events": st.dictionaries(st.just("42"), DATA, max_size=1)}),
    disabled_modules=st.frozensets(st.sampled_from([*ACTIONS, *LOGIC]), max_size=3),
    arbitrary_urls=st.booleans(),
    enrichment_modules=st.just(
        [
            {
                "name": "lookup",
                "mispattributes": {"input": ["ip-src"], "format": "misp_standard"},
                "meta": {"config": ["k"]},
            }
        ]
    ),
)


@settings(max_examples=150)
@given(graphs_of(), DATA, ANSWERS, WORLDS)
def test_a_run_ends_with_nothing_but_our_errors(
    graph: dict[str, Any], data: Any, answers: list[Any], world: World
) -> None:
    with contextlib.suppress(WorkflowError):
        done = _run(graph, data, answers, world)
        assert done.end in ("success", "blocked", "failure", "crash", "not started")
        assert done.success == (done.end == "success")
        assert (done.end == "crash") == (done.crash is not None)
        for step in done.steps:
            assert str(step.why) == step.why
            for exchange in step.exchanges:
                assert (exchange.size == 0) or json.loads(exchange.body())["module"] == exchange.module


CHANGING = st.sampled_from([name for name in catalogue()["action"] if "oper" in name or "tag_" in name])


@settings(max_examples=100)
@given(DATA, st.lists(st.tuples(CHANGING, PARAMS, FILTERS), min_size=1, max_size=3))
def test_any_change_can_be_read_anew(data: Any, nodes: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> None:
    line = [("trigger", "event-publish", {}, {}), *(("action", *node) for node in nodes)]
    line.append(("action", "reload-full-event", {}, {}))
    graph = {
        str(number): {
            "id": number,
            "data": {"module_type": kind, "id": module, "indexed_params": params, "saved_filters": filters},
            "outputs": {"output_1": {"connections": [{"node": str(number + 1)}] if number < len(line) else []}},
        }
        for number, (kind, module, params, filters) in enumerate(line, start=1)
    }
    with contextlib.suppress(WorkflowError):
        assert _run(graph, data, [{"type": "timeout"}], World()).end in ("success", "crash", "not started")


@settings(max_examples=60)
@given(graphs_of(), DATA)
def test_a_run_changes_nothing_that_it_was_given(graph: dict[str, Any], data: Any) -> None:
    before = repr((graph, data))
    with contextlib.suppress(WorkflowError):
        _run(graph, data, [{"type": "ok", "body": {"data": True}}], World())
    assert repr((graph, data)) == before


@settings(max_examples=100)
@given(graphs_of())
def test_every_check_of_a_graph_ends(graph: dict[str, Any]) -> None:
    parsed = Graph.parse(graph)
    known = modules.load(Scripted(LISTED), World())
    with contextlib.suppress(WorkflowError):
        graphs.filter_labels(parsed)
    with contextlib.suppress(WorkflowError):
        graphs.path_warnings(parsed, lambda node: node.module == "gate")
    with contextlib.suppress(WorkflowError):
        modules.notices(parsed, known, World())
    graphs.multiple_connections(parsed)
    for start, end in graphs.cycle(parsed):
        assert any(edge.target == end.key for edge in start.edges())


@settings(max_examples=100)
@given(st.sampled_from([*ACTIONS, *LOGIC]), DATA, PARAMS, FILTERS, ANSWERS, st.booleans())
def test_any_module_alone_raises_nothing_but_our_errors(
    module: str, data: Any, params: dict[str, Any], filters: dict[str, Any], answers: list[Any], convert: bool
) -> None:
    server = Scripted(LISTED, {"gate": answers, "tell": answers})
    with contextlib.suppress(WorkflowError):
        single.execute(module, data, params, server, convert=convert, filters=filters)


@settings(max_examples=150)
@given(VALUES)
def test_any_document_is_a_workflow_a_blueprint_or_refused(document: Any) -> None:
    for reading in (load, lambda given: attach_blueprint("event-publish", given)):
        with contextlib.suppress(WorkflowError):
            reading(document)


@given(st.text() | st.binary())
def test_any_text_is_a_workflow_or_refused(document: str | bytes) -> None:
    with contextlib.suppress(WorkflowError):
        load(document)


@settings(max_examples=200)
@given(VALUES)
def test_the_encoder_in_pieces_writes_what_the_plain_one_writes(value: Any) -> None:
    value = wire.as_php(value)
    try:
        whole = wire.encode(value)
    except wire.EncodingError:
        return
    encoder = wire.Encoder()
    assert bytes(encoder.encode(value)) == whole
    assert bytes(encoder.encode({"a": value, "b": [value] * 70})) == wire.encode({"a": value, "b": [value] * 70})
