"""What differs, as a person would say it; and nothing exactly when nothing does."""

from __future__ import annotations

import copy

import pytest
from graphs import graph

from misp_workflow.remote.difference import changes
from misp_workflow.remote.document import Content


def content(stored) -> Content:
    return Content("event-publish", "n", "", False, stored)


@pytest.fixture
def drawn():
    def node(key, kind, module, params, **outputs):
        ports = {way: {"connections": [{"node": str(one)} for one in ends]} for way, ends in outputs.items()}
        data = {"id": module, "module_type": kind, "indexed_params": params, "saved_filters": {"path": ""}}
        return {"id": key, "data": data, "outputs": ports, "pos_x": 1, "pos_y": 1}

    return {
        "1": node(1, "trigger", "event-publish", {}, output_1=[2]),
        "2": node(2, "logic", "tag-if", {"tags": ["tlp:red"]}, output_1=[3], output_2=[4]),
        "3": node(3, "action", "webhook", {"url": "https://example.org/SESAME-SESAME"}),
        "4": node(4, "action", "stop-execution", {"message": ""}),
    }


def told(drawn, edit) -> list[str]:
    after = copy.deepcopy(drawn)
    edit(after)
    return [str(one) for one in changes(content(drawn), content(after))]


def params(key, **values):
    return lambda stored: stored[key]["data"]["indexed_params"].update(values)


def connections(key, way, *ends):
    return lambda stored: stored[key]["outputs"].update({way: {"connections": [{"node": one} for one in ends]}})


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda stored: stored["2"]["data"].update(params=[]), "tag-if (2): data.params: there now, and empty"),
        (params("2", tags=["tlp:amber", "x"]), "tag-if (2): tags: tlp:red → tlp:amber, x"),
        (params("4", message="no"), "stop-execution (4): message: nothing → “no”"),
        (params("4", more="no"), "stop-execution (4): more set to “no”"),
        (
            lambda stored: stored["4"]["data"]["indexed_params"].pop("message"),
            "message: no longer there, and it was empty",
        ),
        (lambda stored: stored["2"]["data"]["indexed_params"].pop("tags"), "tag-if (2): tags taken out (was tlp:red)"),
        (params("4", more=[]), "stop-execution (4): more: there now, and empty"),
        (params("4", message=[]), "stop-execution (4): message: written otherwise"),
        (params("3", url="https://example.org/OTHER-SESAME"), "webhook (3): url: “***” → “***”"),
        (lambda stored: stored["2"]["data"]["saved_filters"].update(path="x"), "filter path: nothing → “x”"),
        (connections("2", "output_1", "4"), "tag-if (2): then leads to stop-execution (4), no longer to webhook (3)"),
        (connections("2", "output_2"), "tag-if (2): else no longer leads to stop-execution (4)"),
        (connections("3", "output_1", "4"), "webhook (3): it leads to stop-execution (4) now"),
        (connections("4", "output_1", "9"), "stop-execution (4): it leads to node 9, which is not there now"),
        (lambda stored: stored.pop("4"), "stop-execution (4): removed"),
        (lambda stored: stored.update({"5": {**stored["4"], "id": 5}}), "stop-execution (5): added"),
        (lambda stored: stored["4"]["data"].update(id="webhook"), "webhook (4): takes the place of stop-execution"),
        (lambda stored: stored["4"].update(pos_x=9), "stop-execution (4): stands elsewhere in the picture"),
        (lambda stored: stored["4"].update(html="<b>"), "stop-execution (4): html: nothing → “<b>”"),
        (lambda stored: stored.update(_frames={"a": 1}), "the frames around nodes are others"),
    ],
)
def test_one_change_is_one_sentence(drawn, edit, sentence: str) -> None:
    said = told(drawn, edit)
    assert [one for one in said if sentence in one] == said[:1]
    assert "SESAME" not in str(said)


def test_an_edge_that_changes_sides_is_one_change(drawn) -> None:
    def edit(stored):
        connections("2", "output_1")(stored)
        connections("2", "output_2", "4", "3")(stored)

    assert told(drawn, edit) == ["tag-if (2): else leads to webhook (3), then no longer"]


@pytest.mark.parametrize("seed", range(40))
def test_no_change_exactly_when_the_fingerprints_agree(seed: int) -> None:
    one, other = content(graph(seed)), content(graph(seed + 1))
    assert changes(one, one) == []
    assert bool(changes(one, other)) == (one.fingerprint != other.fingerprint)
    as_php = content(
        {
            key: {**node, "inputs": node.get("inputs") or []} if key[0] != "_" else node
            for key, node in one.graph.items()
        }
    )
    assert changes(one, as_php) == []
