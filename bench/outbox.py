"""What a very full outbox costs: python bench/outbox.py [--effects 1000000] [--lanes 100000] [--folder DIR] [--json]

Fills the outbox on SQLite with so many effects on so many lanes, all due, and measures: a claim with its end and a put,
also while every lane but one is left alone; the numbers; and the commands that people use (time, and the most memory).
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from misp_workflow.delivery.outbox import Item
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Parcel, Post

ROUNDS = 200
FILL = """
    WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < :effects - 1)
    INSERT INTO effects (key, state, lane, label, action, destination, event, created, expires, due, sealed)
    SELECT printf('%016x', n), 'waiting', 'http://h' || (n % :lanes) || '.example', label, action, '', event,
    created - 9, expires, due - 9, sealed FROM n, effects WHERE key = 'first'
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--effects", type=int, default=1_000_000)
    parser.add_argument("--lanes", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where the outbox is made, and left; by default it goes away again")
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        found = measure(folder, options.effects, options.lanes)
    print(json.dumps(found, indent=2) if options.json else report(found))


def measure(folder: Path, effects: int, lanes: int) -> dict[str, float]:
    """Return seconds, and MiB where the name says so."""
    box = SqliteOutbox(folder, window=600.0, max_bytes=2**40)
    found: dict[str, float] = {}
    put(box, "first", "healthy")
    found["fill"] = seconds(lambda: fill(folder, effects, lanes))
    found["file, MiB"] = (folder / "outbox.sqlite3").stat().st_size / 2**20
    found["the first claim"] = seconds(lambda: box.again(box.claim(()), 0.0, "x"))
    found |= spread("claim and delivered", lambda number: box.done(box.claim(())))
    found |= spread("claim and again", lambda number: box.again(box.claim(()), 9.0, "x"))
    found |= spread("put on a new lane", lambda number: put(box, f"new-{number}", f"new-{number}"))
    found |= spread("put on a known lane", lambda number: put(box, f"more-{number}", "http://h7.example"))
    found["until the healthy one, all others left alone"] = seconds(lambda: until_healthy(box))
    found |= spread("claim and delivered, all others left alone", lambda number: healthy(box, number))
    found["totals"] = seconds(box.totals)
    found["tidy"] = seconds(box.tidy)
    box.close()
    environment = {**os.environ, "MISP_WORKFLOW_STATE": str(folder), "MISP_WORKFLOW_CONFIG": ""}
    for words in ("--version", "outbox", "outbox --json", "metrics", "outbox drop --all --yes"):
        took, memory = command(words.split(), environment)
        found[f"misp-workflow {words}"], found[f"misp-workflow {words}, MiB"] = took, memory
    return found


def put(box: SqliteOutbox, key: str, lane: str) -> None:
    effect = Post(label="Message", url="http://127.0.0.1:9/", json={"text": "x" * 500})
    parcel = Parcel(key=key, effect=effect, action="slack_message", event="", created=time.time())
    box.put([Item(parcel=parcel, lane=lane, max_age=9e6)], time.monotonic() + 60)


def fill(folder: Path, effects: int, lanes: int) -> None:
    with sqlite3.connect(folder / "outbox.sqlite3") as file:
        file.execute(FILL, {"effects": effects, "lanes": lanes})
    file.close()


class Ill:
    """All lanes but one are left alone for five minutes."""

    def __contains__(self, name: object) -> bool:
        return name != "healthy"

    def rest(self, name: str) -> float:
        return 300.0


def until_healthy(box: SqliteOutbox) -> None:
    put(box, "healthy", "healthy")
    while (claim := box.claim(Ill())) is None:
        if box.pause(Ill()) > 0:
            raise RuntimeError("nobody finds the healthy lane's effect")
    box.done(claim)


def healthy(box: SqliteOutbox, number: int) -> None:
    put(box, f"healthy-{number}", "healthy")
    until_healthy_once(box)


def until_healthy_once(box: SqliteOutbox) -> None:
    while (claim := box.claim(Ill())) is None:
        pass
    box.done(claim)


def seconds(act: Callable[[], Any]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def spread(name: str, act: Callable[[int], Any]) -> dict[str, float]:
    took = sorted(seconds(lambda number=number: act(number)) for number in range(ROUNDS))
    return {f"{name}, median": statistics.median(took), f"{name}, slowest": took[-1]}


def command(words: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds that a command takes, and the most memory that it had, in MiB."""
    began = time.monotonic()
    code = "import sys; from misp_workflow.cli import main; main(sys.argv[1:])"
    with subprocess.Popen([sys.executable, "-c", code, *words], env=environment, stdout=subprocess.DEVNULL) as process:
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    return time.monotonic() - began, used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def report(found: dict[str, float]) -> str:
    return "\n".join(f"{name:60} {value:12.4f}" for name, value in found.items())


if __name__ == "__main__":
    main()
