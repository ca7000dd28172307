"""Run one program within bounds and leave nothing of it behind. A process of its own, which `command` starts.

Only a process of its own can become the parent of whatever the program leaves behind (prctl(2),
PR_SET_CHILD_SUBREAPER), so that what forks twice, or starts a session of its own, is found all the same.

Its one argument is a JSON object: "command" (the program and its arguments), "input" and "control" (descriptors: the
program's standard input, and a pipe that ends when whoever started this is gone), "user" (null, or user and group id),
"seconds", "memory" and "output" (bytes), "processes". Its environment is the program's. What came of it is one JSON
object on standard output: "status" as a shell knows it, or null; "ended" (why it was ended: "time", "memory",
"processes", "output", "stopped", or ""), "out" and "err" (how they begin), "left" (processes that could not be ended),
"trouble" (why it did not start). Needs Linux. Standard library only: nothing else is loaded.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

GRACE = 0.3
"""Seconds between the request to end (SIGTERM) and the end (SIGKILL) of a program that takes too long."""
LOOK_EVERY = 0.05
"""Seconds between two looks at what it uses."""
ENDING = 5.0
"""Seconds after which a process that the kernel does not let die is left, and told of."""
SPARE = 256
"""Processes that others of the same user may start meanwhile: the limit of the kernel counts them all."""
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38  # <linux/prctl.h>
PAGE = resource.getpagesize()


class Seen(NamedTuple):
    """One process below this one: its memory in bytes."""

    pid: int
    parent: int
    resident: int


def prctl(option: int) -> None:
    """Switch an option of this process on; OSError when the kernel does not know it."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def below() -> list[Seen]:
    """Return every process that descends from this one."""
    children: dict[int, list[Seen]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - some hundred times a second
        if name.isdigit() and (seen := _seen(int(name))):
            children.setdefault(seen.parent, []).append(seen)
    found, wanted = [], [os.getpid()]
    while wanted:
        here = children.get(wanted.pop(), [])
        found += here
        wanted += [seen.pid for seen in here]
    return found


def _seen(pid: int) -> Seen | None:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()  # proc(5), from the third field on
    except OSError:
        return None  # it ended
    return Seen(pid, int(fields[1]), int(fields[21]) * PAGE)


def of_user(user: int) -> int:
    """Return how many threads the user has, as the kernel's limit counts them."""
    number = 0
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user:  # noqa: PTH116
                number += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208
        except OSError:
            continue
    return number


def lower(limit: int, value: int) -> None:
    """Set a limit of the kernel's, unless it is lower already."""
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


class Warden:
    """One run."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._orders = orders
        self._written: dict[str, bytes] = {"out": b"", "err": b""}
        self._selector = selectors.DefaultSelector()
        self._status: int | None = None
        self._pid = 0

    def run(self) -> dict[str, Any]:
        """Run it to whatever end, and say which."""
        prctl(PR_SET_CHILD_SUBREAPER)
        try:
            self._start()
        except (OSError, subprocess.SubprocessError) as error:
            return {"trouble": getattr(error, "strerror", None) or str(error)}
        why = self._watch()
        if why == "time":
            self._ask_to_end()
        left = end_all(self._reap)
        if left == 0:
            why = self._read(0) or why  # whoever could still write is gone
        told = {name: text.decode("utf-8", "replace") for name, text in self._written.items()}
        return {"status": self._status, "ended": why, "left": left, "trouble": "", **told}

    def _start(self) -> None:
        user = self._orders["user"]
        identity: dict[str, Any] = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
        threads = of_user(user[0] if user else os.geteuid())

        def bound() -> None:
            prctl(PR_SET_NO_NEW_PRIVS)  # a program that became somebody else could not be ended
            lower(resource.RLIMIT_CORE, 0)
            # Not the address space: some runtimes reserve far more of it than they use.
            lower(resource.RLIMIT_DATA, self._orders["memory"])
            lower(resource.RLIMIT_NPROC, threads + self._orders["processes"] + SPARE)

        process = subprocess.Popen(  # noqa: S603 - no shell, and nothing of an event in it
            self._orders["command"],
            stdin=self._orders["input"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=0o077,
            preexec_fn=bound,  # this process has one thread
            **identity,
        )
        self._pid = process.pid
        process.returncode = 0  # reaped here, among the others
        for name, pipe in (("out", process.stdout), ("err", process.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, name)
        self._selector.register(self._orders["control"], selectors.EVENT_READ, "control")

    def _watch(self) -> str:
        """Return why it must end, "" when it ended by itself."""
        end, look = time.monotonic() + self._orders["seconds"], 0.0
        while True:
            if why := self._read(0.01):
                return why
            self._reap()
            if self._status is not None:
                return ""
            now = time.monotonic()
            if now >= end:
                return "time"
            if now >= look:
                found, look = below(), now + LOOK_EVERY
                if len(found) > self._orders["processes"]:
                    return "processes"
                if sum(seen.resident for seen in found) > self._orders["memory"]:
                    return "memory"

    def _read(self, patience: float) -> str:
        """Take in what was written within `patience` seconds; return "output" or "stopped" when that ends it."""
        while ready := self._selector.select(patience):
            for key, _ in ready:
                if key.data == "control":
                    return "stopped"
                content = os.read(key.fd, 65536)
                if not content:
                    self._selector.unregister(key.fileobj)
                room = self._orders["output"] - len(self._written[key.data])
                self._written[key.data] += content[:room]
                if len(content) > room:
                    return "output"
            patience = 0
        return ""

    def _ask_to_end(self) -> None:
        for seen in below():
            send(seen.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE
        while self._status is None and time.monotonic() < end and not self._read(0.01):
            self._reap()

    def _reap(self) -> bool:
        """Bury who died; return whether anybody is left."""
        for pid, status in dead():
            if pid == self._pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif pid == 0:
                return True
        return False


def dead() -> Iterator[tuple[int, int]]:
    """Yield the pid and status of each child that died, and (0, 0) when others live."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        yield pid, status
        if pid == 0:
            return


def send(pid: int, what: int) -> None:
    """Send a signal to somebody who may have ended meanwhile."""
    try:
        os.kill(pid, what)
    except (ProcessLookupError, PermissionError):
        return


def end_all(reap: Any) -> int:
    """End every process below this one, and return how many could not be ended."""
    end = time.monotonic() + ENDING
    while reap():
        if time.monotonic() > end:
            return len(below())
        # All are stopped before the first is killed: what is stopped starts no other one.
        stopped: set[int] = set()
        while fresh := {seen.pid for seen in below()} - stopped:
            for pid in fresh:
                send(pid, signal.SIGSTOP)
            stopped |= fresh
        for pid in stopped:
            send(pid, signal.SIGKILL)
        time.sleep(0.001)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pipe says when to end
    given = json.loads(sys.argv[1])
    for one in ("input", "control"):
        os.set_inheritable(given[one], False)
    os.write(1, json.dumps(Warden(given).run()).encode())
