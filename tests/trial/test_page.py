"""The page of a backtest in a browser: on a desk and on a telephone, whatever the events are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser import measured

from misp_workflow.trial.page import as_html
from misp_workflow.trial.summary import Summary, summarize

HOSTILE = "<script>document.title='owned'</script>"
PROBE = """<script>addEventListener('load', () => {
const all = selector => [...document.querySelectorAll(selector)], box = one => one.getBoundingClientRect();
const tops = all('h1,h2,.tile,.event,tr').map(box), cut = one => one.scrollWidth > one.clientWidth;
document.documentElement.dataset.probe = JSON.stringify({
wide: document.documentElement.scrollWidth - innerWidth,
cut: all('td,th,.tile,.event p').filter(cut).map(one => one.textContent),
over: tops.filter((one, at) => tops.slice(at + 1).some(other => one.bottom > other.top + 1 && other.bottom > one.top + 1
  && one.right > other.left + 1 && other.right > one.left + 1)).length,
rows: all('tr').length, events: all('.event').length,
small: Math.min(...all('p,td,th,b,span').map(one => parseFloat(getComputedStyle(one).fontSize)))}); });</script>"""


def lines() -> list[dict]:
    """Rows as the journal has them: long words without a place to break, large numbers, hostile titles."""
    rows = []
    for number in range(1200):
        stopped = number % 40 == 0
        row = {"event": f"{number:032x}", "id": str(123456 + number), "info": f"{'x' * 150} {HOSTILE}",
               "date": "2026-11-29", "org": "O" * 120 if number % 3 else "CERT", "published": False,
               "tags": [f"tlp:{'green' if number % 2 else 'amber'}", f'a:{"b" * 90}="{number % 7}"'],
               "end": "blocked" if stopped else "success",
               "messages": [{"action": "slack_message", "to": "d" * 100, "text": "w" * 180}]}  # fmt: skip
        if stopped:
            row |= {"by": "publish_gate (2)", "why": [f"the tag '{'t' * 140}' is forbidden"]}
        rows.append(row)
    return [{"rows": rows}]


@pytest.mark.parametrize("width", [1280, 400])
def test_it_reads_well_in_a_browser(width: int, tmp_path: Path, program: Callable[[str], str]) -> None:
    page = tmp_path / "page.html"
    page.write_text(as_html(summarize(Summary(f"Long {HOSTILE}", "event-publish", "events"), lines)) + PROBE)
    seen, title = measured(program("chromium"), page, tmp_path / "profile", width)
    assert seen["wide"] <= 0, "nothing hangs over the edge"
    assert seen["cut"] == [], "nothing is cut off"
    assert seen["over"] == 0, "nothing lies over something else"
    assert seen["rows"] > 10 and seen["events"] >= 1 and seen["small"] >= 12
    assert title.startswith("Long <script"), "event text stayed text"
