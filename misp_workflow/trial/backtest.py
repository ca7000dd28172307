"""What a workflow would have done: every event through the engine, dry, in as many processes as there are cores.

Nothing is sent and nothing is changed; what was found goes, line by line, into a journal that is given up at the end.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from misp_workflow.delivery.trial import trial
from misp_workflow.errors import WorkflowError
from misp_workflow.printable import logger, printable
from misp_workflow.runner.data.profiles import Profile
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.workflow import load
from misp_workflow.trial.events import Event, Unit
from misp_workflow.trial.journal import Journal, Row
from misp_workflow.trial.judge import Judge
from misp_workflow.trial.server import QuickServer

LOG = logger("misp_workflow.trial")

CHUNK = 8
"""Units that one process gets at a time."""
COLLECT = 64
"""Units after which a process looks for what nobody needs any more; to look all the time costs a third."""


class Source(Protocol):
    """Where events come from; goes to other processes."""

    name: str

    def units(self) -> list[Unit]: ...
    def load(self, unit: Unit) -> list[Event]: ...
    def misp(self) -> Profile: ...


@dataclass(frozen=True)
class Task:
    """What every process must know: the workflow as its file has it, the actions' files, and the source.

    `prepare` is called in each before it begins, for what takes its time when it is first asked for.
    """

    workflow: Any
    actions: tuple[Path, ...]
    source: Source
    world: World = field(default_factory=World)
    prepare: Callable[[], None] | None = None


Progress = Callable[[int, int], None]


def backtest(task: Task, units: list[Unit], journal: Journal, jobs: int, progress: Progress) -> None:
    """Judge what is not judged yet. `progress` hears how many of how many are."""
    done = journal.keys()
    waiting = [unit for unit in units if unit.key not in done]
    number = len(units) - len(waiting)
    progress(number, len(units))
    for line in _judged(task, waiting, jobs):
        journal.add(line)
        number += 1
        progress(number, len(units))


def lines_of(units: Iterable[Unit], journal: Journal) -> Iterator[Row]:
    """Yield the journal's lines about these units; it may hold others, of an earlier time."""
    wanted = {unit.key for unit in units}
    yield from (line for line in journal.lines() if line["key"] in wanted)


def _judged(task: Task, units: list[Unit], jobs: int) -> Iterator[Row]:
    chunks = iter([units[start : start + CHUNK] for start in range(0, len(units), CHUNK)])
    jobs = min(jobs, -(-len(units) // CHUNK))
    if jobs <= 1:
        with Worker(task) as worker:
            for chunk in chunks:
                yield from worker.judge(chunk)
        return
    if task.prepare is not None:
        task.prepare()  # for those that are copied from this one
    # A process that has threads must not be copied; one that has none has all that the others need loaded already.
    alone = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if alone else "spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(task,)) as pool:
        running: set[Future[list[Row]]] = {pool.submit(_judge, chunk) for chunk in islice(chunks, 2 * jobs)}
        try:
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for one in finished:
                    yield from one.result()
                    running |= {pool.submit(_judge, chunk) for chunk in islice(chunks, 1)}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class Worker:
    """Judges units; dry as long as it is open, whatever its threads do."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._stack = ExitStack()
        self._judged = 0

    def __enter__(self) -> Worker:
        self._stack.enter_context(trial())
        if gc.isenabled():
            gc.disable()
            self._stack.callback(gc.enable)
        if self._task.prepare is not None:
            self._task.prepare()
        workflow = load(self._task.workflow)
        needed = {node.module for node in workflow.graph.nodes.values()}
        if not gc.get_freeze_count():  # else whoever did that before means what is there to stay so
            gc.collect()
            gc.freeze()  # what is there now stays: nobody need look through it again
            self._stack.callback(gc.unfreeze)
        self._judge = Judge(workflow, QuickServer(self._task.actions, needed), self._task.world)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def judge(self, units: list[Unit]) -> list[Row]:
        return [self._line(unit) for unit in units]

    def _line(self, unit: Unit) -> Row:
        self._judged += 1
        if self._judged % COLLECT == 0:
            gc.collect()
        line: Row = {"key": unit.key, "name": printable(unit.name)}
        try:
            events = self._task.source.load(unit)
            return {**line, "rows": [row for event in events for row in self._judge.rows(event)]}
        except WorkflowError as error:
            return {**line, "problem": printable(str(error))}
        except Exception:  # one event, however odd, is no reason to leave the others
            LOG.exception("bug in the engine, with %s", unit.name)
            return {**line, "problem": f"{unit.name} cannot be judged: a fault of our own, which --verbose shows."}


_worker: Worker | None = None


def _begin(task: Task) -> None:
    """Make this process a worker, dry until it ends; and it ends when the one that began it does, however that ends."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the terminal sends to all: the one that began it will say
    threading.Thread(target=_end_with_parent, name="misp-workflow-parent", daemon=True).start()
    _worker = Worker(task).__enter__()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "it was begun by one"
    parent.join()
    os._exit(1)


def _judge(units: list[Unit]) -> list[Row]:
    assert _worker is not None, "the pool begins with it"
    return _worker.judge(units)
