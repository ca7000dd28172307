"""The page of a run: complete, without a secret, without a network, readable on a desk and on a telephone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import FLAGS, Browser, measured

from misp_workflow.runner.graph.build import workflow
from misp_workflow.runner.graph.workflow import load
from misp_workflow.runner.modules.moduleapi import LocalServer, Scripted
from misp_workflow.runner.said.report import as_data, as_html
from misp_workflow.runner.walk.walk import Run, run

ACTIONS = Path(__file__).resolve().parents[3] / "misp_modules" / "modules" / "action_mod"
HOSTILE = "<script>document.title='owned'</script>"


@pytest.fixture
def done(captures: dict[str, Any]) -> Run:
    document = workflow(
        f"A run {HOSTILE}",
        "event-publish",
        {
            2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:amber"]}),
            3: ("concurrent-task", {}),
            4: ("slack_message", {"webhook_url": "https://chat.example/very-secret-path"}),
            5: ("publish_gate", {"required_tags": "PAP:*"}),
            6: ("tag_operation", {"scope": "event", "action": "add", "locality": "local", "tags": ["seen"]}),
        },
        [(1, 2), (2, 3), (3, 4), (2, 6, 2)],
    )
    document["Workflow"]["data"]["2"]["outputs"]["output_1"]["connections"].append({"node": "5", "output": "input_1"})
    server = Scripted(LocalServer([ACTIONS]).modules(), {"publish_gate": [{"type": "ok", "body": {"error": HOSTILE}}]})
    return run(load(document), captures["event-publish"]["data"], server)


def test_the_data_says_everything(done: Run) -> None:
    data = as_data(done)
    assert (data["end"], data["success"], data["blocked_by"]) == ("failure", False, 5)
    assert [step["module"] for step in data["steps"]] == ["tag-if", "concurrent-task", "publish_gate"]
    assert data["steps"][0]["outcome"] == "then" and "tlp:amber" in data["steps"][0]["why"]
    assert data["steps"][2]["exchanges"][0]["request"]["params"]["required_tags"] == "PAP:*"
    assert data["jobs"][0]["steps"][0]["module"] == "slack_message"
    json.dumps(data)


def test_no_secret_and_no_network(done: Run) -> None:
    page = as_html(done)
    assert "very-secret-path" not in page and "very-secret-path" not in json.dumps(as_data(done))
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page) and "@import" not in page and "<script" not in page


def test_nodes_stand_to_each_other_as_in_the_editor(done: Run) -> None:
    drawn = [(int(x), int(y)) for x, y in re.findall(r'<rect x="(\d+)" y="(\d+)"', as_html(done))]
    nodes = load_positions(done)
    assert len(drawn) == len(nodes)
    for axis in (0, 1):
        order = sorted(range(len(nodes)), key=lambda n: nodes[n][axis])
        for one, other in pairwise(order):
            gap, shown = (places[other][axis] - places[one][axis] for places in (nodes, drawn))
            assert 0 <= shown <= gap
            assert (shown == 0) is (gap == 0)


def load_positions(done: Run) -> list[tuple[float, float]]:
    assert done.workflow is not None
    return [node.position for node in done.workflow.graph.nodes.values()]


@pytest.mark.parametrize("width", [1280, 400])
def test_it_reads_well_in_a_browser(done: Run, width: int, tmp_path: Path, program: Callable[[str], str]) -> None:
    probe = (
        "<script>addEventListener('load', () => { const root = document.documentElement;"
        "root.dataset.probe = JSON.stringify({wide: root.scrollWidth - innerWidth, inner: innerWidth,"
        "boxes: document.querySelectorAll('svg rect').length, lit: document.querySelectorAll('path.taken').length,"
        "text: 13 * document.querySelector('svg rect').getBoundingClientRect().width / 210,"
        "deep: document.querySelector('a.blocked rect').getBoundingClientRect().bottom,"
        "graph: (document.getElementById('whole').click(), document.querySelector('svg').getBoundingClientRect().width),"
        "blocked: document.querySelector('a.blocked rect').getBoundingClientRect().right,"
        "small: Math.min(...[...document.querySelectorAll('p,div,strong,summary')].map("
        "e => parseFloat(getComputedStyle(e).fontSize)))}); });</script>"
    )
    page = tmp_path / "run.html"
    page.write_text(as_html(done) + probe)
    seen, title = measured(program("chromium"), page, tmp_path / "profile", width)
    assert seen["wide"] <= 0, "nothing hangs over the edge"
    assert seen["text"] >= 9, "the smallest text of the graph can be read, on a telephone, too"
    assert seen["deep"] <= 900, "what blocked is in sight without scrolling down"
    assert seen["graph"] <= seen["inner"] and seen["blocked"] <= seen["inner"], "all of it is in sight when asked for"
    assert seen["boxes"] == 6 and seen["lit"] >= 3 and seen["small"] >= 12
    assert title.startswith("A run <script"), "event text stayed text"


def test_the_head_names_what_was_run_on_what_and_when(done: Run) -> None:
    page = as_html(done, {"Workflow file": "w.json", "Event file": "e<1>.json", "Date": "2026-11-28 21:00 UTC"})
    for name, text in (
        ("Workflow file", "w.json"),
        ("Event file", "e&lt;1&gt;.json"),
        ("Date", "2026-11-28 21:00 UTC"),
    ):
        assert f"<dt>{name}</dt><dd>{text}</dd>" in page
    assert re.search(r"<dt>Event</dt><dd>\d+: \S", page) and re.search(r"<dt>UUID</dt><dd>[0-9a-f-]{36}</dd>", page)


def test_the_page_says_who_blocked_and_what_else_is_to_be_known(done: Run) -> None:
    assert "Note:" not in as_html(done)
    done.notes.append("no <module> was asked")
    page = as_html(done)
    assert "<strong>blocked</strong> by" in page
    assert "Note: no &lt;module&gt; was asked" in page and as_data(done)["notes"] == ["no <module> was asked"]


def test_what_is_not_established_of_the_trigger_is_noted_wherever_a_run_is_told(done: Run) -> None:
    done.doubt = "It was read, never run."
    done.notes.append("no module was asked")
    note = f"{done.trigger}: It was read, never run."
    assert as_data(done)["notes"] == [note, "no module was asked"]
    assert f"Note: {note}" in as_html(done)


def test_graph_and_list_lead_to_each_other_and_to_what_blocked(done: Run) -> None:
    page = as_html(done)
    ids, links = set(re.findall(r' id="([^"]+)"', page)), re.findall(r'href="#([^"]+)"', page)
    visited = {"2", "3", "5"}
    assert {f"box-{node}" for node in visited} | {f"node-{node}" for node in visited} <= ids
    assert {f"box-{node}" for node in visited} <= set(links) and {f"node-{node}" for node in visited} <= set(links)
    assert '<a href="#box-5">publish_gate (5)</a>' in page
    assert len(re.findall(r'class="[^"]* blocked"', page)) == 1 and "blocks here" in page


def test_edges_say_which_way_they_are_and_a_legend_what_the_colours_mean(done: Run) -> None:
    page = as_html(done)
    labels = re.findall(r'<text class="way( taken)?"[^>]*>(\w+)<', page)
    assert sorted(label for _, label in labels) == ["else", "then", "then"]
    assert {label for taken, label in labels if taken} == {"then"}
    assert "the way of this run" in page and "an else path" in page


def test_it_prints_on_a4(done: Run, tmp_path: Path, program: Callable[[str], str]) -> None:
    page, pdf = tmp_path / "run.html", tmp_path / "run.pdf"
    page.write_text(as_html(done))
    command = [program("chromium"), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={pdf}",
               "--no-pdf-header-footer", page.as_uri()]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=600, check=True)
    width, height = map(float, re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf.read_bytes())[0])
    assert (round(width), round(height)) == (595, 842), "points of A4"


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("fails", [True, False])
def test_a_wide_graph_begins_at_what_blocked_or_where_the_run_ended_and_scrolls_freely_then(
    width: int, fails: bool, tmp_path: Path, program: Callable[[str], str]
) -> None:
    nodes = {
        number: ("stop-execution" if fails and number == 9 else "reload-full-event", {}) for number in range(2, 16)
    }
    document = workflow("wide", "event-publish", nodes, [(number - 1, number) for number in nodes])
    done = run(load(document), {"Event": {"id": "1", "info": "x"}}, Scripted([]))
    page = tmp_path / "run.html"
    page.write_text(as_html(done))
    seen = "(document.querySelector('#box-{}')?.getBoundingClientRect().{})"
    with Browser(program("chromium"), tmp_path / "profile", width) as browser:
        browser.open(page.as_uri())
        browser.wait_for("document.querySelector('.graph')?.scrollLeft > 0")
        box = 9 if fails else 15
        assert browser.evaluate(seen.format(box, "left")) >= 0 and browser.evaluate(seen.format(box, "right")) <= width
        browser.wait_for("document.querySelector('.graph').getAnimations().length === 0")
        browser.evaluate("document.querySelector('.graph').scrollLeft = 0")
        assert browser.evaluate("document.querySelector('.graph').scrollLeft") == 0


def test_the_page_says_what_misp_does_and_would_do_in_words(captures: dict[str, Any]) -> None:
    tagged = {"scope": "event", "action": "add", "locality": "local", "tags": ["seen"]}
    nodes = {2: ("tag_operation", tagged), 3: ("push-zmq", {"data_extraction_path": "Event.uuid"})}
    document = workflow("words", "event-publish", nodes, [(1, 2), (2, 3)])
    page = as_html(run(load(document), captures["event-publish"]["data"], Scripted([])))
    assert "<strong>success</strong>: the event is published" in page
    assert "MISP would attach seen (Event.attachTagsToEventAndTouch)" in page
    assert "MISP would publish on ZeroMQ: misp_json_workflow" in page


def test_the_page_says_why_it_was_blocked_as_the_terminal_does(done: Run) -> None:
    assert "publish_gate (5)</a>: &lt;script&gt;" in as_html(done) and "(None)" not in str(as_data(done))


def test_the_page_names_the_node_of_which_misp_died(captures: dict[str, Any]) -> None:
    document = workflow("dies", "event-publish", {2: ("attach-enrichment", {"modules": ["nowhere"]})}, [(1, 2)])
    dead = run(load(document), captures["event-publish"]["data"], Scripted([]))
    assert dead.end == "crash"
    assert '<strong>crash</strong> in <a href="#box-2">attach-enrichment (2)</a>: MISP would crash' in as_html(dead)
