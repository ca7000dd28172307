"""Many large requests: python bench/many_big.py [--megabytes 30] [--at-once 8] [--calls 200] [--call-megabytes 20]

Through the real misp-modules: gates asked at once give the answers that they give one after the other, or say that
there was no time; and a server that has judged many large events holds no more memory than after the first twenty.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from big import GATE, event, request

from misp_workflow.testing import MispModulesServer

WARM = 20
PATIENCE = 300.0
EACH = 2_340
"""Bytes of one attribute, which the event repeats once."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=30, help="of each request of those at once")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--calls", type=int, default=200, help="one after the other")
    parser.add_argument("--call-megabytes", type=float, default=20, help="of each request of these")
    options = parser.parse_args()
    bodies = [body(options.megabytes, number) for number in range(options.at_once)]
    for within in ("60 s", "4 s"):
        print(f"{options.at_once} requests of {len(bodies[0]) / 1e6:.0f} MB, answer_within {within}")
        print(at_once(bodies, within))
    print(f"{options.calls} requests of {options.call_megabytes:g} MB")
    print(one_after_the_other(body(options.call_megabytes, 0), options.calls))


def body(megabytes: float, number: int) -> bytes:
    """Return a question about an event of its own; in every second one an attribute may not pass."""
    data = event(int(megabytes * 1e6 / EACH), withheld=0)
    data["Event"]["uuid"] = f"{number:08x}-0000-4000-8000-000000000000"
    if number % 2:
        data["Event"]["Attribute"][-1]["Tag"] = [{"name": "tlp:red"}]
    return request("publish_gate", data, GATE)


def at_once(bodies: list[bytes], within: str) -> str:
    with tempfile.TemporaryDirectory() as folder, server(folder, within) as asked:
        alone = [ask(asked, one) for one in bodies]
        with ThreadPoolExecutor(len(bodies)) as pool:
            together = list(pool.map(lambda one: ask(asked, one), bodies))
    same = sum(said == before for (said, _), (before, _) in zip(together, alone, strict=True))
    late = sum("answer_within" in said.get("error", "") for said, _ in together)
    slowest = [max(seconds for _, seconds in answers) for answers in (alone, together)]
    return (
        f"  one after the other: the slowest after {slowest[0]:.1f} s, {passed(alone)} pass\n"
        f"  at once: the slowest after {slowest[1]:.1f} s, {passed(together)} pass, {same} answers are the same, "
        f"{late} say that there was no time"
    )


def passed(answers: list[tuple[Any, float]]) -> int:
    return sum("data" in said for said, _ in answers)


def one_after_the_other(asked_for: bytes, calls: int) -> str:
    with tempfile.TemporaryDirectory() as folder, server(folder, "60 s") as asked:
        for _ in range(WARM):
            ask(asked, asked_for)
        warm = resident(asked.pid)
        for _ in range(WARM, calls):
            ask(asked, asked_for)
        after = resident(asked.pid)
    return f"  {warm / 1024:.0f} MB after {WARM}, {after / 1024:.0f} MB after {calls}: {after / warm:.2f} times as much"


def server(folder: str, within: str) -> MispModulesServer:
    settings = Path(folder) / "settings.toml"
    settings.write_text(f'answer_within = "{within}"\n')
    return MispModulesServer(environment={"MISP_WORKFLOW_STATE": folder, "MISP_WORKFLOW_CONFIG": str(settings)})


def ask(asked: MispModulesServer, question: bytes) -> tuple[Any, float]:
    start = time.perf_counter()
    status, said = asked.request("POST", "/query", question, PATIENCE)
    assert status == 200, status
    return json.loads(said), time.perf_counter() - start


def resident(process: int) -> int:
    """Return the kilobytes that a process has in memory now (Linux)."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
