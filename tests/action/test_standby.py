"""Threads that stand by: each does one piece of work after another, none keeps anybody waiting, none stays for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from misp_workflow import standby

COPIED = """
import os, threading
from misp_workflow import standby
first, again = threading.Event(), threading.Event()
standby.do(first.set)
first.wait(20)
child = os.fork()
if child == 0:
    standby.do(again.set)
    os._exit(0 if again.wait(20) else 1)
print(os.waitpid(child, 0)[1])
"""


def idle(thread: threading.Thread) -> None:
    end = time.monotonic() + 20
    while not standby._idle and thread.is_alive() and time.monotonic() < end:
        time.sleep(0.001)


def test_one_thread_does_one_piece_after_another_and_ends_when_there_is_no_more() -> None:
    did: list[threading.Thread] = []
    for number in range(1, 4):
        done = threading.Event()
        standby.do(lambda done=done: (did.append(threading.current_thread()), done.set()))
        assert done.wait(20)
        assert len(did) == number
        idle(did[-1])
    assert len(set(did)) <= 2, "at most one ended for want of work on a busy machine"
    did[-1].join(20)
    assert not did[-1].is_alive()


def test_what_is_given_at_once_is_done_at_once() -> None:
    together = threading.Barrier(5)
    for _ in range(4):
        standby.do(lambda: together.wait(20) and None)
    together.wait(20)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows copies no processes")
def test_a_copied_process_waits_for_no_thread_of_the_one_before() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", COPIED], capture_output=True, text=True, timeout=600)
    assert done.stdout.strip() == "0", done.stderr
