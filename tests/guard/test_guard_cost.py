"""Guarding an event costs little beside reading it."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

from misp_workflow.delivery.guard import admit
from misp_workflow.settings import Destination


def fastest(work: Callable[[], Any]) -> float:
    """Return the least processor time of several runs, in seconds."""
    times = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_an_event_with_10000_attributes(captures: dict[str, Any]) -> None:
    data = copy.deepcopy(captures["event-publish"]["data"])
    event = data["Event"]
    model = next(row for row in event["Attribute"] if "tlp:red" not in json.dumps(row))
    rows = [{**model, "id": str(n), "uuid": f"uuid-{n}", "value": f"host-{n}.example.org"} for n in range(10_000)]
    event["Attribute"], event["Object"], event["_AttributeFlattened"] = rows, [], rows
    text = json.dumps(data)
    data = json.loads(text)

    reading = fastest(lambda: json.loads(text))
    guarding = fastest(lambda: admit(data, None, Destination()))
    assert admit(data, None, Destination()).withheld == ""
    assert guarding < reading, f"guarding takes {guarding / reading:.1f} times as long as reading"
