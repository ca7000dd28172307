"""How the tests are dealt out to several workers: pytest-xdist's own way of cutting the list is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from order import ordered

worksteal = pytest.importorskip("xdist.scheduler.worksteal", reason="pytest-xdist is not installed")


class Worker:
    """What the scheduler needs of one: it notes the tests that it gets."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.got: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.got += indices


def shares(tests: list[str], workers: int) -> list[list[str]]:
    """What each worker gets of the list."""
    config: Any = SimpleNamespace(getvalue=lambda name: ["popen"] * workers, hook=None)
    scheduler = worksteal.WorkStealingScheduling(config)
    all_of_them = [Worker(str(number)) for number in range(workers)]
    for worker in all_of_them:
        scheduler.add_node(worker)
    for worker in all_of_them:
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    return [[tests[index] for index in worker.got] for worker in all_of_them]


WAITING = [f"waits {number}" for number in range(15)]


@pytest.mark.parametrize("workers", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("number", [0, 5, 100, 1001])
def test_half_of_the_workers_begin_with_what_waits_and_no_test_is_lost(workers: int, number: int) -> None:
    others = [f"works {n}" for n in range(number)]
    tests = ordered(WAITING, others, workers)
    assert sorted(tests) == sorted(WAITING + others)
    assert [test for test in tests if test in set(others)] == others
    if number > 100:
        begins = [share[0].split()[0] for share in shares(tests, workers)]
        assert begins == ["waits"] * (workers // 2) + ["works"] * (workers - workers // 2)


def test_each_of_them_has_as_many_of_those_and_those_that_follow_one_another() -> None:
    got = shares(ordered(WAITING, [f"works {n}" for n in range(1001)], 4), 4)
    assert [[test for test in share if test in WAITING] for share in got] == [WAITING[:8], WAITING[8:], [], []]


COPIED = """
import runpy, types
item = types.SimpleNamespace(get_closest_marker=lambda name: None)
worker = types.SimpleNamespace(workerinput={"workercount": 2})
runpy.run_path("conftest.py")["pytest_collection_modifyitems"](worker, [item])
"""


def test_a_copy_of_the_common_file_needs_nothing_beside_it_with_several_workers(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_bytes((Path(__file__).parents[1] / "conftest.py").read_bytes())
    done = subprocess.run([sys.executable, "-c", COPIED], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
