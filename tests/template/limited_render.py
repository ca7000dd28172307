"""Render templates one by one, each in a process of its own that may use five seconds of CPU and a gigabyte.

With the argument "patient" the clock counts for nothing: what is too much must be found by counting, and what is not
must not fail because the machine is busy. Reads a JSON list of {"source", "style"} and the context from stdin, writes a JSON list of outcomes: ["text", …],
["error", sentence], or ["killed", signal]. Run by test_template_limits.py.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from misp_workflow.errors import TemplateError
from misp_workflow.template import condition, limits, render

CPU_SECONDS = 5
PATIENT = "patient" in sys.argv
if PATIENT:
    limits.MAX_CPU = limits.MAX_TIME = 1_000.0
GIGABYTE = 1024**3
BIG = "ab<c>.d@e "

CONTEXT: dict[str, Any] = {
    "event": {"info": "x", "big": BIG * 1_000_000, "dots": "a." * 5_000_000, "colons": "h:/" * 3_000_000},
    "attributes": [{"type": "a" * 200, "value": "1.2.3.4", "Tag": [{"name": "tlp:red"}]}] * 10_000,
    "number": 10**400,
    "word": "x",
}


def outcome(case: dict[str, str]) -> list[str]:
    """Return what the template makes or says."""
    try:
        if case["style"] == "condition":
            return ["text", str(condition(case["source"], CONTEXT))]
        return ["text", render(case["source"], CONTEXT, case["style"])[:100]]
    except TemplateError as error:
        return ["error", str(error)]


def apart(case: dict[str, str]) -> list[str]:
    """Return the outcome, found in a child process with limits."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        if not PATIENT:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))
        with os.fdopen(writing, "w") as answer:
            json.dump(outcome(case), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else ["killed", str(os.waitstatus_to_exitcode(status))]


if __name__ == "__main__":
    json.dump([apart(case) for case in json.load(sys.stdin)], sys.stdout)
