"""What the pack adds to the start of misp-modules: python bench/startup.py [RUNS]

The same server is started with the pack's folder and without it, in turns. Counted are the server's processor time
until it says that it listens, and the memory that it then holds; the least of all runs was disturbed the
least. The aim: all actions add less than 100 ms and less than 10 MB.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from misp_workflow.testing import MispModulesServer, pack_folder

RUNS = 7
AIM_MS, AIM_MB = 100.0, 10.0


def measure(custom: Path | None, state: Path) -> tuple[float, float, int]:
    """Start a server; return its processor time in ms, its memory in MB, and the number of modules that it loaded."""
    nothing_waits = {"MISP_WORKFLOW_STATE": str(state), "MISP_WORKFLOW_CONFIG": ""}
    with MispModulesServer(custom=custom, environment=nothing_waits) as server:
        fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc(5)
        status = Path(f"/proc/{server.pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return 1000.0 * ticks / os.sysconf("SC_CLK_TCK"), memory / 1024.0, len(server.loaded())


def main() -> int:
    """Print the table; 0 when the aim is reached."""
    folder = pack_folder()
    if folder is None:
        print("The pack lies in misp-modules' own folder here: there is no server without it to compare with.")
        return 2
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    without, with_pack = [], []
    with TemporaryDirectory() as state:
        for _ in range(runs):
            without.append(measure(None, Path(state)))
            with_pack.append(measure(folder, Path(state)))
    table = Table(title=f"The start of misp-modules, the best of {runs} starts each")
    for heading in ("", "processor time", "memory", "modules"):
        table.add_column(heading, justify="left" if not heading else "right")
    best = [tuple(min(run[column] for run in kind) for column in range(3)) for kind in (without, with_pack)]
    added = tuple(after - before for before, after in zip(*best, strict=True))
    for name, (time, memory, modules) in zip(("without the pack", "with it", "added"), (*best, added), strict=True):
        table.add_row(name, f"{time:,.0f} ms", f"{memory:.1f} MB", f"{modules:.0f}")
    Console().print(table)
    reached = added[0] < AIM_MS and added[1] < AIM_MB
    print(
        f"ratio of time {best[1][0] / best[0][0]:.3f}; aim of less than 100 ms and 10 MB {'' if reached else 'not '}met"
    )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
