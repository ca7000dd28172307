"""What a backtest costs: `python bench/backtest.py [--events 1000] [--attributes 200] [--json]`.

Events of so many attributes, as files. For each example workflow the time for them all, in as many processes as there
are cores and in one, as a ratio to the standard library's json.loads of the same files in the same run; in one process
the time of its processor counts. Only the ratios say anything. Nothing is sent: see docs/workflows.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "trial"))

from planted import write  # noqa: E402

from misp_workflow.installed import own_actions  # noqa: E402
from misp_workflow.trial.backtest import Task, backtest, lines_of  # noqa: E402
from misp_workflow.trial.events import Folder  # noqa: E402
from misp_workflow.trial.journal import Journal  # noqa: E402
from misp_workflow.trial.summary import Summary, summarize  # noqa: E402

AT_MOST = 3.0
WORKFLOWS = ("publish-gate", "notify-on-tlp", "hold-what-is-not-marked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--attributes", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="write the numbers as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MISP_WORKFLOW_STATE"] = str(folder / "state")
        planted = write(folder / "events", options.events, options.attributes)
        cores = len(os.sched_getaffinity(0))
        found = {name: {jobs: measured(folder, name, jobs, planted) for jobs in {1, cores}} for name in WORKFLOWS}
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, by_jobs in found.items():
        told = ", ".join(f"{jobs} process{'es' if jobs > 1 else ''} {ratio:.1f}" for jobs, ratio in by_jobs.items())
        best = min(by_jobs.values())
        print(f"{name}, times json.loads: {told}; at most {AT_MOST:g}: {'met' if best <= AT_MOST else 'missed'}")


def measured(folder: Path, name: str, jobs: int, planted: dict[str, int]) -> float:
    """Return the ratio of the backtest, summary included, to loading and decoding the same files.

    `publish-gate` must stop exactly the events with a planted reason.
    """
    source = Folder((folder / "events",))
    units = source.units()
    workflow = json.loads((ROOT / "examples" / "workflows" / f"{name}.json").read_bytes())
    with Journal(folder / f"{name}-{jobs}") as journal:
        clock = time.process_time if jobs == 1 else time.perf_counter
        began = clock()
        backtest(Task(workflow, tuple(own_actions()), source), units, journal, jobs, lambda done, of: None)
        summary = summarize(Summary(name, "", ""), lambda: lines_of(units, journal))
        judged = clock() - began
    stopped = summary.ends.get("blocked", 0)
    if name == "publish-gate" and stopped != sum(planted.values()):
        raise SystemExit(f"{stopped} events were stopped, and {sum(planted.values())} have a planted reason.")
    began = clock()
    for unit in units:
        json.loads(Path(unit.name).read_bytes())
    return judged / (clock() - began)


if __name__ == "__main__":
    main()
