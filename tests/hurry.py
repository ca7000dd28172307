"""Processes of their own in which what takes seconds in operation takes less: leases, rests, back-offs."""

from __future__ import annotations

import os
from pathlib import Path

LEASE = (
    "misp_workflow.delivery.outbox.on_disk.lease.LEASE = 2.0",
    "misp_workflow.delivery.outbox.on_disk.lease.RENEW = 0.4",
)
"""How soon another process takes over what a killed one had in its hands, in the file."""
REDIS = tuple(
    f"misp_workflow.delivery.outbox.at_broker.redis.{one}" for one in ("HEARTBEAT = 4_000", "MAINTENANCE = 200_000")
)
"""The same on a Redis."""


def hurried(folder: Path, *changes: str) -> dict[str, str]:
    """Return the environment of a Python process with other constants: "misp_workflow.delivery.retry.FIRST_WAIT = 1".

    Nothing in the pack reads it: Python itself imports a `sitecustomize` that it finds, before anything else.
    """
    place = folder / "hurried"
    place.mkdir()
    modules = sorted({change.partition(" = ")[0].rpartition(".")[0] for change in changes})
    lines = [*(f"import {module}" for module in modules), *changes]
    (place / "sitecustomize.py").write_text("\n".join(lines) + "\n")
    path = [str(place), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path)}
