"""Delivery by processes that are killed amid it: whatever was accepted arrives, and how often is counted.

Each process works off the outbox and kills itself at a try: before the other side hears of the batch, after it, or in
between. What it held is taken over by the next one, which must wait for its lease to end.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import Peer, until

from misp_workflow.testing.contract import ActionFile

ROOT = Path(__file__).resolve().parents[2]
EVENT = "fa0c376e-40cc-4d20-8c59-d9ea1b1aaf77"

WORKER = """
import os, random, signal, sys, threading, time
from misp_workflow.delivery import transports
from misp_workflow.delivery.outbox.on_disk import lease
lease.LEASE, lease.RENEW = 1.0, 0.2
chance, tries, send = random.Random(int(sys.argv[2])), int(sys.argv[1]), transports.send

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def killed(effect, key, deadline):
    global tries
    tries -= 1
    if tries != 0:
        return send(effect, key, deadline)
    when = chance.choice(("before", "amid", "after"))
    if when == "before":
        die()
    if when == "amid":
        threading.Timer(chance.uniform(0.0, 0.1), die).start()
    said = send(effect, key, deadline)
    if when == "after":
        die()
    return said

transports.send = killed
from misp_workflow.cli import main
main(["outbox", "work", "--until-empty"])
"""


@dataclass(frozen=True)
class Arrived:
    """What came of it: attributes that are there, those that are not, and how many records are there twice."""

    there: int
    lost: int
    doubled: int


def event(number: int, kind: str = "domain") -> dict[str, Any]:
    """Return a published event with so many attributes, as MISP sends it."""
    data: dict[str, Any] = json.loads((ROOT / "tests/captures/event-publish.json").read_bytes())["data"]
    told = data["Event"]
    row = next(row for row in told["_AttributeFlattened"] if row["type"] == "domain")
    rows = [
        {**row, "id": str(one), "uuid": name(one), "type": kind, "value": value(one, kind)} for one in range(number)
    ]
    told.update(Attribute=rows, Object=[], _AttributeFlattened=[])
    return data


def name(number: int) -> str:
    return str(uuid.UUID(int=(0x40008000 << 48) | number, version=4))


def value(number: int, kind: str = "domain") -> str:
    return f"198.18.{number // 256}.{number % 256}" if kind == "ip-dst" else f"n{number}.example.com"


def request(peer: Peer, data: dict[str, Any]) -> dict[str, Any]:
    params = {"destination": "peer", "selected_or_all": "all", "delivery": "queue", **peer.params}
    return {"module": peer.action, "data": data, "params": params}


def ask(peer: Peer, data: dict[str, Any]) -> dict[str, Any]:
    """Have the event delivered later."""
    module = ActionFile.load(ROOT / f"misp_modules/modules/action_mod/{peer.action}.py").module
    return dict(module.dict_handler(request(peer, data)))


def work(tries: int = 0, seed: int = 0) -> int:
    """Work off the outbox in a process that kills itself at the so-manieth try (0: never); return how it ended."""
    command = [sys.executable, "-c", WORKER, str(tries), str(seed)]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900).returncode


def killed_often(peer: Peer, kills: int, seed: int) -> int:
    """Deliver what waits, killed so many times; return how many times that happened before nothing was left."""
    chance = random.Random(seed)
    most = 1 if peer.action == "blocklist_file" else 3  # a list is one try
    killed = sum(work(chance.randint(1, most), seed + turn) == -9 for turn in range(kills))
    if ended := work():
        raise RuntimeError(f"the last worker ended with {ended}")
    return killed


def arrived(peer: Peer, number: int) -> Arrived:
    """Return what the peer has, once it has all or nothing more comes."""
    wanted = {name(one): value(one) for one in range(number)}
    by_value = {told: uuid_ for uuid_, told in wanted.items()}

    def count() -> Counter[str]:
        return Counter(uuid_ or by_value.get(str(told), "?") for uuid_, told in peer.read() if told is not None)

    found = count()
    while not found.keys() >= wanted.keys():
        before = len(found)
        if not until(lambda: len(count()) > before, 30, every=0.5):  # noqa: B023 - it is asked at once
            break
        found = count()
    there = wanted.keys() & found.keys()
    return Arrived(len(there), len(wanted) - len(there), sum(found.values()) - len(found))
