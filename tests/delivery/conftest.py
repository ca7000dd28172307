"""What the delivery tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Brokers, Rabbit, Redis

from misp_workflow import delivery


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own for every test; what runs is stopped at its end."""
    folder = tmp_path / "state"
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(folder))
    yield folder
    delivery.stop()


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, brokers: Brokers) -> Iterator[Redis | Rabbit]:
    """Each kind of broker in turn, which the tests of one file share."""
    with brokers(request.param) as found:
        yield found
