"""What an ordinary call costs in the process: python bench/call.py [--rounds 7] [--calls 150] [--json]

The body that a real MISP sent for event-publish, each time with another event, goes to `dict_handler` of a message, of
a gate and of a request, in turns with the yardstick: reading that body and writing it again with orjson. Shown are the
medians of the rounds' ratios of processor time, of all threads. What is queued stays in the outbox: nobody listens at
the address, so what sending costs is not in it. `queue, waits` is the time on the clock: the disk is in that.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[1]
CAPTURE = ROOT / "tests" / "captures" / "event-publish.json"
MARK = "bench 00000000"
MESSAGE = "Event published: {{ event.info }}"
NOBODY = "http://127.0.0.1:9"
GATE = {"minimum_attributes": "1", "forbidden_tags": "acme:never", "required_tags": "*", "tag_scope": "any"}

CASES: dict[str, tuple[str, dict[str, str]]] = {
    "slack_message, dry run": ("slack_message", {"webhook_url": NOBODY, "message": MESSAGE, "dry_run": "true"}),
    "slack_message, its own summary": ("slack_message", {"webhook_url": NOBODY, "dry_run": "true"}),
    "slack_message, queue": ("slack_message", {"webhook_url": NOBODY, "message": MESSAGE, "delivery": "queue"}),
    "publish_gate": ("publish_gate", GATE),
    "http_request, dry run": ("http_request", {"url": NOBODY, "dry_run": "true"}),
    "http_request, queue": ("http_request", {"url": NOBODY, "delivery": "queue"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=150, help="of each case, in each round")
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = measure(Path(folder), options.rounds, options.calls)
    print(json.dumps(found, indent=2) if options.json else report(found))


def measure(folder: Path, rounds: int, calls: int) -> dict[str, Any]:
    """Return the ratios by case, and the yardstick in microseconds."""
    settings = folder / "settings.toml"
    settings.touch(mode=0o600)
    os.environ |= {"MISP_WORKFLOW_STATE": str(folder / "state"), "MISP_WORKFLOW_CONFIG": str(settings)}
    sys.path.insert(0, str(ROOT / "misp_modules" / "modules" / "action_mod"))
    bodies, yardstick = _bodies(), []
    processor: dict[str, list[float]] = {name: [] for name in CASES}
    clock: dict[str, list[float]] = {name: [] for name in CASES}
    callers = {name: _caller(module, params) for name, (module, params) in CASES.items()}
    for call in callers.values():
        _timed(call, bodies, 3)  # the first call imports
    for _ in range(rounds):
        unit = _timed(_rewrite, bodies, calls * 2)[0]
        yardstick.append(unit)
        for name, call in callers.items():
            spent, took = _timed(call, bodies, calls)
            processor[name].append(spent / unit)
            clock[name].append(took / unit)
    found = {name: round(statistics.median(ratios), 2) for name, ratios in processor.items()}
    found |= {f"{name}, waits": round(statistics.median(clock[name]), 2) for name in CASES if name.endswith("queue")}
    return {"yardstick_us": round(statistics.median(yardstick) * 1e6, 1), "ratios": found}


def _bodies() -> Any:
    """Yield the captured request, each time with another event."""
    request = json.loads(CAPTURE.read_bytes())
    request["data"]["Event"]["info"] = MARK
    request.pop("matchingData", None)
    raw = orjson.dumps(request)
    for number in itertools.count(1):
        yield raw.replace(MARK.encode(), b"bench %08d" % number)


def _timed(do: Callable[[Any], object], bodies: Any, calls: int) -> tuple[float, float]:
    """Return the seconds of processor time, of all threads, and on the clock, for a call that was little disturbed."""
    spent, took = [], []
    for body in itertools.islice(bodies, calls):
        given = body if do is _rewrite else orjson.loads(body)  # as misp-modules hands it over
        cpu, clock = time.process_time(), time.monotonic()
        do(given)
        spent.append(time.process_time() - cpu)
        took.append(time.monotonic() - clock)
    return sorted(spent)[calls // 4], sorted(took)[calls // 4]


def _rewrite(body: bytes) -> object:
    return orjson.dumps(orjson.loads(body))


def _caller(module: str, params: dict[str, str]) -> Callable[[Any], object]:
    """Return what asks the module."""
    handler = importlib.import_module(module).dict_handler

    def call(request: dict[str, Any]) -> None:
        request["params"] = params
        said = handler(request)
        if "error" in said:
            raise RuntimeError(said["error"])

    return call


def report(found: dict[str, Any]) -> str:
    """Return the numbers as a table."""
    lines = [f"orjson.loads and dumps of the body: {found['yardstick_us']} µs", ""]
    return "\n".join([*lines, *(f"{name:34} {ratio:6.2f}" for name, ratio in found["ratios"].items())])


if __name__ == "__main__":
    main()
