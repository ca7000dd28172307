"""What the import of an action file does besides defining things, seen from a fresh interpreter.

misp-modules imports every file when it starts: an exception that is no ImportError stops the whole server, and a slow
import delays GET /modules, for which MISP waits one second.

    python -m misp_workflow.testing.importing PLAIN.py ACTION.py …

prints {"pack": {"times_pymisp": r}, "ACTION": {"did": [..], "times_plain": r}, …} as JSON. `did` names what an action
file did at import: files opened for writing, sockets, processes, threads. `times_plain` is how long executing it takes
compared to PLAIN.py, an action file that only defines things; `times_pymisp` how long the first import of what all
action files share takes, compared to that of PyMISP, which the server imports anyway.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ACTS = ("socket.", "subprocess.", "os.mkdir", "os.remove", "os.rename", "os.system", "os.exec", "os.fork", "sqlite3.")
ROUNDS = 7  # the fastest of these counts: a busy machine only ever makes a round slower


def import_report(plain: Path, actions: Iterable[Path], python: str = sys.executable) -> dict[str, Any]:
    """Return the report on `actions`, made by a fresh process of `python` that does not write byte code."""
    command = [python, "-B", "-m", __name__, str(plain), *map(str, actions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - ourselves
    if done.returncode != 0:
        raise AssertionError(f"An action file stops the interpreter at import:\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _report(plain: Path, actions: list[Path]) -> dict[str, Any]:
    seen: list[str] = []
    sys.addaudithook(lambda event, arguments: _note(seen, event, arguments))
    pymisp, pack = _seconds_to_import("pymisp"), _seconds_to_import("misp_workflow.action")
    report: dict[str, Any] = {"pack": {"times_pymisp": pack / pymisp}}
    unit = _fastest(plain)
    for path in actions:
        del seen[:]
        threads = threading.active_count()
        fastest = _fastest(path)
        did = sorted(set(seen)) + ["started a thread"] * (threading.active_count() > threads)
        report[path.stem] = {"did": did, "times_plain": fastest / unit}
    return report


def _seconds_to_import(name: str) -> float:
    before = time.perf_counter()
    importlib.import_module(name)
    return time.perf_counter() - before


def _note(seen: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        seen.append(f"opened {arguments[0]} for writing")
    elif event.startswith(ACTS):
        seen.append(event)


def _fastest(path: Path) -> float:
    return min(_load(path) for _ in range(ROUNDS))


def _load(path: Path) -> float:
    """Load by path as `misp-modules -c` does, without the detour through sys.modules; return the seconds it took."""
    before = time.perf_counter()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise AssertionError(f"{path} is not a Python file.")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return time.perf_counter() - before


if __name__ == "__main__":
    print(json.dumps(_report(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])))
