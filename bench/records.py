"""10,000 attributes through each destination that gets records: python bench/records.py [NAME …] [--attributes 10000]

Each destination is the real peer of tests/withdrawals/peers.py (those that are installed). Shown for each: the seconds
of a processor that our two processes take for a tenth and for all of the attributes, each without what one attribute
takes (that is loading), and their ratio: the work of the peer and of what reads it back is not in it; the peak memory
of the process that is called and of a worker, each over what a process has that only reads the request; and what came
of it when five workers were killed with signal 9 amid it: how many are there, lost, and there twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "withdrawals"))

from conftest import SETTINGS  # noqa: E402
from killed import arrived, ask, event, killed_often, request  # noqa: E402
from peers import PEERS, Peer  # noqa: E402

from misp_workflow.delivery import deliver  # noqa: E402

PEAK = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0], time.process_time()"
"""The most memory that this process had (getrusage would tell of the one that it was started by, too), and its work."""
FEWER = {"taxii": 250}
"""Peers that take too long over more: medallion compares each object with each one that it has."""
READS = """
import sys, time
from pathlib import Path
import orjson
from misp_workflow.testing.contract import ActionFile
module = ActionFile.load(Path(sys.argv[1])).module
body = sys.stdin.buffer.read()
said = orjson.loads(body)
{then}
print({peak})
"""
CALLED = """
module.dict_handler(said)
from misp_workflow.delivery import deliver
deliver.stop()
"""
WORKER = """
import time
from misp_workflow.cli import main
try:
    main(["outbox", "work", "--until-empty"])
finally:
    print({peak})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(one.__name__ for one in PEERS))
    parser.add_argument("--attributes", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    print(HEAD)
    for start in PEERS:
        if not options.names or start.__name__ in options.names:
            most = FEWER.get(start.__name__, options.attributes)
            print(line(start, min(options.attributes, most), options.kills), flush=True)


HEAD = (
    f"{'':13} {'all':>6} {'tenth s':>8} {'all s':>7} {'ratio':>6} {'call':>6} {'worker':>6}  killed: there, lost, twice"
)


def line(start: Callable[..., Any], number: int, kills: int) -> str:
    """Return what was measured for one destination, or why it was not."""
    costs = []
    try:
        for count, times in ((1, 3), (number // 10, 3), (number, 1)):
            costs.append(min((cost(start, count) for _ in range(times)), key=lambda one: one.seconds))
        with running(start) as peer:
            ask(peer, event(number, peer.kind))
            deliver.stop()
            killed = killed_often(peer, kills, seed=7)
            came = arrived(peer, number)
    except pytest.skip.Exception as missing:
        return f"{start.__name__:16} {missing}"
    one, some, whole = costs
    told = f"{killed}: {came.there:,}, {came.lost:,}, {came.doubled:,}"
    tenth, every = some.seconds - one.seconds, whole.seconds - one.seconds
    ratio = f"{every / tenth:6.1f} {whole.called / whole.reads:6.2f} {whole.worker / whole.reads:6.2f}"
    return f"{start.__name__:13} {number:6,} {tenth:8.2f} {every:7.2f} {ratio}  {told}"


@contextlib.contextmanager
def running(start: Callable[..., Any]) -> Any:
    """Run the peer, with settings and a state folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "settings.toml"
        file.write_text(SETTINGS.format(folder=folder))
        file.chmod(0o600)
        os.environ |= {"MISP_WORKFLOW_CONFIG": str(file), "MISP_WORKFLOW_STATE": str(folder / "state")}
        try:
            with start(folder, program) as peer:
                yield peer
        finally:
            deliver.stop()


def program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or pytest.skip(f"{name} is not installed here")


@dataclass(frozen=True)
class Cost:
    """Peak memory of a process that reads the request, of one that is called, of a worker; the work of the last two."""

    reads: int
    called: int
    worker: int
    seconds: float


def cost(start: Callable[..., Any], number: int) -> Cost:
    """Return what it costs to call with so many attributes and to work off what is left; all must be there then."""
    with running(start) as peer:
        return _cost(peer, number)


def _cost(peer: Peer, number: int) -> Cost:
    body = json.dumps(request(peer, event(number, peer.kind))).encode()
    file = ROOT / f"misp_modules/modules/action_mod/{peer.action}.py"

    def measured(code: str, *words: str, stdin: bytes = b"") -> tuple[int, float]:
        done = subprocess.run([sys.executable, "-c", code, *words], input=stdin, stdout=subprocess.PIPE, check=False)
        peak, seconds = done.stdout.split()[-2:]
        return int(peak), float(seconds)

    reads, _ = measured(READS.format(then="", peak=PEAK), str(file), stdin=body)
    called, calling = measured(READS.format(then=CALLED, peak=PEAK), str(file), stdin=body)
    worker, working = measured(WORKER.format(peak=PEAK))
    came = arrived(peer, number)
    if came.lost:
        raise RuntimeError(f"{came.lost:,} of {number:,} did not arrive")
    return Cost(reads, called, worker, calling + working)


if __name__ == "__main__":
    main()
