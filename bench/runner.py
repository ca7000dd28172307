"""How fast the runner is, beside MISP's own engine: `python bench/runner.py [--sizes 1000 10000 100000] [--json]`.

For each size, each in processes of its own: convert to core format, and the least that a conversion does (the floor);
the hash paths and filters; a walk of 20 nodes with six requests written out (the modules answer at once); peak memory.
A time is the median of several runs, in processor time, so that what else the machine does counts little. Times stand
as ratios to the standard library's json.loads of the same event file, taken turn by turn; PHP's are ratios to its own
json_decode of the event in core format, as recorded in runner_php.json. Results are held against the recorded ones,
down to the checksums of the six bodies: a difference ends the benchmark with status 1.

Python's garbage collector rests in both: what it takes depends on what else the process holds, and json.loads, which
makes most containers, took up to three times as long with it, so that every ratio shrank.

Memory is Linux only: the peak above what the process held before it loaded the event, in loaded events.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from misp_workflow import hashpath
from misp_workflow.runner.data import conditions, coreformat
from misp_workflow.runner.data.profiles import profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Graph
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.moduleapi import Answer, Body, Scripted
from misp_workflow.runner.walk.walk import Run, run

HERE = Path(__file__).resolve().parent
RECORDED = json.loads((HERE / "runner_php.json").read_text(encoding="utf-8"))
SIZES = (1_000, 10_000, 100_000)
RUNS = {1_000: 31, 10_000: 15, 100_000: 5}
WALKS = {1_000: 11, 10_000: 5, 100_000: 3}

FLATTENED = "Event._AttributeFlattened.{n}"
FILTERS = {
    "items type equals ip-src": ("ip-src", "equals", "type"),
    "items Tag.{n}.name in tlp:red": ("tlp:red", "in", "Tag.{n}.name"),
}
# What the project promises, as ratios, from 10k attributes on.
AT_MOST = {f"extract {FLATTENED}.Tag.{{n}}.name": 0.02, "convert": 0.15, "walk": 1.8, "memory": 3.2}
GROWTH_AT_MOST = 12
WIDE = 140  # columns, where no terminal says how many it has


class DifferenceError(Exception):
    """A result is not the recorded one."""


def same(what: str, got: Any, recorded: Any) -> None:
    if got != recorded:
        raise DifferenceError(f"{what}: got {got}, recorded is {recorded}")


class Written(Scripted):
    """Answers at once, and takes each request as a connection would: piece by piece, to the end."""

    def query(self, module: str, body: Body, timeout: float) -> Answer:
        with Path(os.devnull).open("wb", buffering=0) as sink:
            for piece in [body] if isinstance(body, bytes) else body:
                sink.write(piece)
        return super().query(module, body, timeout)


class Clock:
    """Times work in turns with json.loads of the same event, so that what else the machine does burdens both alike."""

    def __init__(self, text: str) -> None:
        self._base = lambda: json.loads(text)
        self.took: dict[str, tuple[float, float]] = {}

    def time(self, what: str, work: Callable[[], Any], runs: int) -> None:
        """Note the median in milliseconds, and that of the ratios to the json.loads just before."""
        turns = [(_milliseconds(self._base), _milliseconds(work)) for _ in range(runs)]
        self.took[what] = (
            statistics.median(own for _, own in turns),
            statistics.median(own / base for base, own in turns),
        )


def _milliseconds(work: Callable[[], Any]) -> float:
    gc.collect()
    gc.disable()
    started = time.process_time()
    result = work()
    took = time.process_time() - started
    del result  # taking it down again is not timed
    gc.enable()
    return took * 1000


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


def walk(event: Any) -> Run:
    row = RECORDED["workflow"]
    workflow = Workflow(id=row["id"], name=row["name"], graph=Graph.parse(row["data"]))
    return run(workflow, event, Written(RECORDED["modules"]), world=World(misp=profile("2.5.1")))


def check_walk(done: Run, size: str) -> None:
    recorded = RECORDED["walk"].get(size)
    if recorded is None:
        return
    same("nodes executed", [node.id for node in done.executed], recorded["executed_nodes"])
    same("outcome", done.end, recorded["outcome"])
    bodies = [hashlib.sha256(exchange.body()).hexdigest() for exchange in done.exchanges]
    same("bodies sent", bodies, recorded["bodies"])


def times(file: Path, size: int) -> dict[str, tuple[float, float]]:
    """Everything that takes time: milliseconds, and the ratio to json.loads."""
    gc.collect()
    text = file.read_text(encoding="utf-8")
    event = json.loads(text)
    clock, runs = Clock(text), RUNS[size]
    clock.time("json.loads", lambda: json.loads(text), runs)
    clock.time("convert", lambda: coreformat.convert(event), runs)
    rows = [*event["Attribute"], *(row for found in event["Object"] for row in found["Attribute"])]
    clock.time("floor: copy the rows", lambda: floor(rows, tags=False), runs)
    clock.time("floor: and read their tags", lambda: floor(rows, tags=True), runs)
    time_paths(clock, coreformat.convert(event), size)
    check_walk(walk(event), str(size))
    clock.time("walk", lambda: walk(event), WALKS[size])
    return clock.took


def floor(rows: list[dict[str, Any]], *, tags: bool) -> list[dict[str, Any]]:
    """The least that a conversion does: a copy of each row without what is internal, and each tag read once."""
    copies, shared = [], []
    for row in rows:
        copied = dict(row)
        del copied["value1"], copied["value2"]
        links = copied.pop("AttributeTag")
        if tags:
            for link in links:
                orjson.dumps(link["Tag"])  # nothing tells equal tags from others quicker, by types and order, too
        copied["Tag"] = copied["_allTags"] = shared
        copies.append(copied)
    return copies


def time_paths(clock: Clock, core: Any, size: int) -> None:
    for what, count in RECORDED["results"][str(size)].items():
        path = what.removeprefix("extract ")
        same(what, len(hashpath.extract(core, path)), count)
        clock.time(what, lambda path=path: hashpath.extract(core, path), RUNS[size])
    items = hashpath.extract(core, FLATTENED)
    for what, (value, operator, path) in FILTERS.items():
        clock.time(what, lambda call=(items, value, operator, path): conditions.matching(*call), RUNS[size])


def resident(field: str) -> int:
    """VmRSS (now) or VmHWM (highest so far) of this process, in kilobytes."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) if found else 0


def memory(file: Path, what: str) -> float:
    """The peak while converting or walking, in loaded events."""
    before = resident("VmRSS")
    event = json.loads(file.read_text(encoding="utf-8"))
    gc.collect()
    loaded = resident("VmRSS") - before
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    done = walk(event) if what == "walk" else coreformat.convert(event)
    peak = resident("VmHWM") - before
    del done
    return peak / loaded


# ── a process per size, and the table ────────────────────────────────────────────────────────────────────────────────


def child(job: str, file: Path, size: int) -> Any:
    command = [sys.executable, str(Path(__file__).resolve()), "--child", job, str(file), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"{size} attributes, {job}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no result'}"
        )
    return json.loads(done.stdout)


def measure(sizes: list[int]) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as folder:
        for size in sizes:
            file = write_event(Path(folder), size)
            took = child("times", file, size)
            php = RECORDED["php"][str(size)]
            for what, (milliseconds, ratio) in took.items():
                row = {"attributes": size, "what": what, "ms": milliseconds, "ratio": ratio}
                if what in php:
                    row["php_ratio"] = php[what] / php["json_decode"]
                if size > SIZES[0] and what in AT_MOST:
                    row["at_most"] = AT_MOST[what]
                rows.append(row)
            if sys.platform == "linux":
                for what in ("convert", "walk"):
                    row = {"attributes": size, "what": f"memory, {what}", "ratio": child(f"memory-{what}", file, size)}
                    rows.append({**row, "at_most": AT_MOST["memory"]} if size > SIZES[0] else row)
    return add_growth(rows)


def write_event(folder: Path, size: int) -> Path:
    sys.path.insert(0, str(HERE))
    import events

    text = events.text(size)
    same(f"the event of {size}", hashlib.sha256(text.encode()).hexdigest(), RECORDED["events"][str(size)])
    file = folder / f"{size}.json"
    file.write_text(text, encoding="utf-8")
    return file


def add_growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many times longer it takes for ten times the attributes."""
    known = {(row["attributes"], row["what"]): row.get("ms") for row in rows}
    for row in rows:
        smaller = known.get((row["attributes"] // 10, row["what"]))
        if row["attributes"] > SIZES[1] and smaller and row.get("ms"):
            row["growth"] = row["ms"] / smaller
    return rows


def table(rows: list[dict[str, Any]]) -> Table:
    shown = Table(title="The runner beside json.loads, and MISP's engine beside PHP's json_decode")
    shown.add_column("what")
    for name in ("attributes", "ms", "ratio", "at most", "", "PHP's ratio", "growth"):
        shown.add_column(name, justify="right")
    attributes = None
    for row in rows:
        if attributes not in (None, row["attributes"]):
            shown.add_section()
        attributes = row["attributes"]
        shown.add_row(
            escape(row["what"]),
            f"{row['attributes']:,}",
            number(row.get("ms"), 2),
            number(row["ratio"], 4),
            number(row.get("at_most"), 2),
            "" if "at_most" not in row else "met" if row["ratio"] <= row["at_most"] else "missed",
            number(row.get("php_ratio"), 4),
            number(row.get("growth"), 1),
        )
    return shown


def number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, choices=SIZES, default=list(SIZES))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--child", nargs=3, metavar=("JOB", "FILE", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        if options.child:
            job, file, size = options.child
            result = times(Path(file), int(size)) if job == "times" else memory(Path(file), job.removeprefix("memory-"))
            print(json.dumps(result))
            return
        rows = measure(options.sizes)
    except DifferenceError as difference:
        sys.exit(f"Not what MISP does. {difference}")
    if options.json:
        print(json.dumps({"source": RECORDED["source"], "growth_at_most": GROWTH_AT_MOST, "rows": rows}, indent=1))
    else:
        Console(width=None if sys.stdout.isatty() else WIDE).print(table(rows))


if __name__ == "__main__":
    main()
