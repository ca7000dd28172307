"""Large events through the real misp-modules: many at once are judged as one after the other, and none is kept."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.testing import MispModulesServer

pytestmark = pytest.mark.server

GATE = {"forbidden_tags": "tlp:red", "minimum_attributes": "1", "tag_scope": "any"}
WARM, CALLS = 20, 200


def question(number: int, attributes: int) -> dict[str, Any]:
    """A question about an event of its own; in every second one the last attribute may not go."""
    rows = [
        {
            "id": str(place),
            "uuid": f"{number:04x}{place:04x}-0000-4000-8000-000000000000",
            "type": "domain",
            "category": "Network activity",
            "value": f"host-{place}.event-{number}.example.org",
            "comment": "seen " * 20,
            "to_ids": False,
            "Tag": [{"id": "1", "name": "tlp:green", "colour": "#339900", "exportable": True, "local": False}],
        }
        for place in range(attributes)
    ]
    if number % 2:
        rows[-1]["Tag"] = [{"id": "2", "name": "tlp:red", "colour": "#cc0033", "exportable": True, "local": False}]
    event = {"id": str(number), "info": f"event {number}", "RelatedEvent": [], "Attribute": rows}
    return {"module": "publish_gate", "data": {"Event": {**event, "_AttributeFlattened": rows}}, "params": GATE}


def test_gates_asked_at_once_answer_as_one_after_the_other(misp_modules_server: MispModulesServer) -> None:
    questions = [question(number, 1000) for number in range(8)]
    one_by_one = [misp_modules_server.query(asked) for asked in questions]
    with ThreadPoolExecutor(len(questions)) as pool:
        at_once = list(pool.map(misp_modules_server.query, questions))
    assert at_once == one_by_one
    assert [set(said) for said in at_once] == [{"data"}, {"error"}] * 4


def test_no_event_is_held_longer_than_its_call(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says so simply how much memory a process has")
    with MispModulesServer(environment={"MISP_WORKFLOW_STATE": str(tmp_path)}) as server:
        for number in range(WARM):
            server.query(question(number, 300))
        warm = resident(server.pid)
        for number in range(WARM, CALLS):
            server.query(question(number, 300))
        assert resident(server.pid) == pytest.approx(warm, rel=0.1)


def resident(process: int) -> int:
    """Kilobytes that a process has in memory now."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
