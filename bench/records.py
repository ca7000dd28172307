"""10,000 attributes through each destination that gets records: python bench/records.py [NAME …] [--attributes 10000]

Each destination is the real peer of tests/withdrawals/peers.py (those that are installed). Shown for each: seconds for
a tenth and for all of the attributes, from MISP's call to the last record, and their ratio; the peak memory of the
process that is called and of a worker, each over what a process has that only reads the request; and what arrived when
five workers were killed with signal 9 amid it: how many are there, lost, and there twice.
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
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "withdrawals"))

from conftest import SETTINGS  # noqa: E402
from killed import arrived, ask, event, killed_often, request  # noqa: E402
from peers import PEERS, Peer  # noqa: E402

from misp_workflow.delivery import deliver  # noqa: E402

PEAK = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0]"
"""The most memory that this process had; getrusage would tell of the one that it was started by, too."""
READS = """
import sys
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
            print(line(start, options.attributes, options.kills), flush=True)


HEAD = f"{'':16} {'tenth s':>8} {'all s':>8} {'ratio':>6} {'call':>6} {'worker':>6}   killed: there, lost, twice"


def line(start: Callable[..., Any], number: int, kills: int) -> str:
    """Return what was measured for one destination, or why it was not."""
    found = []
    try:
        for count in (number // 10, number):
            with running(start) as peer:
                found.append(timed(peer, count))
        with running(start) as peer:
            reads, called, worker = memory(peer, number)
        with running(start) as peer:
            ask(peer, event(number, peer.kind))
            deliver.stop()
            killed = killed_often(peer, kills, seed=7)
            came = arrived(peer, number)
    except pytest.skip.Exception as missing:
        return f"{start.__name__:16} {missing}"
    some, whole = found
    told = f"{killed}: {came.there:,}, {came.lost:,}, {came.doubled:,}"
    ratio = f"{whole / some:6.1f} {called / reads:6.2f} {worker / reads:6.2f}"
    return f"{start.__name__:16} {some:8.2f} {whole:8.2f} {ratio}   {told}"


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


def timed(peer: Peer, number: int) -> float:
    """Return the seconds until all of it is there."""
    data = event(number, peer.kind)
    began = time.monotonic()
    said = ask(peer, data)
    if "error" in said:
        raise RuntimeError(said["error"])
    came = arrived(peer, number)
    took = time.monotonic() - began
    if came.lost:
        raise RuntimeError(f"{came.lost:,} of {number:,} did not arrive: {said}")
    return took


def memory(peer: Peer, number: int) -> tuple[int, int, int]:
    """Return the peak memory of a process that reads the request, of one that is called with it, of one that works."""
    body = json.dumps(request(peer, event(number, peer.kind))).encode()
    file = ROOT / f"misp_modules/modules/action_mod/{peer.action}.py"

    def peak(code: str, *words: str, stdin: bytes = b"") -> int:
        done = subprocess.run([sys.executable, "-c", code, *words], input=stdin, stdout=subprocess.PIPE, check=False)
        return int(done.stdout.split()[-1])

    reads = peak(READS.format(then="", peak=PEAK), str(file), stdin=body)
    called = peak(READS.format(then=CALLED, peak=PEAK), str(file), stdin=body)
    return reads, called, peak(WORKER.format(peak=PEAK))


if __name__ == "__main__":
    main()
