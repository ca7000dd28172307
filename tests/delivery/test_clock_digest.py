"""Digests by the clock: what is gathered until a time of the day, over restarts, in the file and at brokers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from brokers import Rabbit, Redis, running
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.settings import current
from misp_workflow.settings.gathering import read
from misp_workflow.testing.receiver import Receiver
from misp_workflow.testing.server import MispModulesServer


def soon(seconds: float) -> str:
    """Return the time of the day in so many seconds, in UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(time.time() + seconds))


def message(receiver: Receiver, number: int, **fields: Any):
    return parcel(receiver, f"g{number}", json={"text": f"told {number}"}, digest=("json.text",), **fields)


def told(receiver: Receiver) -> int:
    texts = [request.json()["text"] for request in receiver.requests]
    return sum(int(text.split()[0]) if " messages in " in text else 1 for text in texts)


# --- delivery ---------------------------------------------------------------------------------------------------------


def test_a_node_gathers_where_its_destination_says_nothing(receiver: Receiver, rules) -> None:
    rules("[destinations.open]\n[destinations.never]\ndigest = 0\n")
    at = read(soon(3))
    receipts = [deliver([message(receiver, n, destination="open")], gather=at)[0] for n in range(5)]
    assert {one.status for one in receipts} == {"queued"}
    assert receipts[0].detail == f"Queued: gathered with others like it until {at.written}."
    assert deliver([message(receiver, 9, destination="never")], gather=at)[0].status == "delivered"
    until(lambda: len(receiver.requests) == 2)
    text = receiver.requests[1].json()["text"]
    assert text.startswith("5 messages in ") and text.count("told ") == 5


def test_what_cannot_be_gathered_goes_at_once(receiver: Receiver, rules) -> None:
    rules("")
    (receipt,) = deliver([parcel(receiver, "k", json={"text": "x"})], gather=read("08:00"))
    assert receipt.status == "delivered"


@pytest.fixture(params=["redis", "rabbitmq"])
def shared(request: pytest.FixtureRequest, program, tmp_path: Path, rules) -> Iterator[Redis | Rabbit]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with running(request.param, program, folder) as broker:
        rules(
            f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase for all"\n[destinations.chat]\ndigest = "{soon(8)}"\n'
        )
        yield broker


def test_brokers_keep_until_the_time(receiver: Receiver, shared: Redis | Rabbit) -> None:
    for number in range(30):
        (receipt,) = deliver([message(receiver, number, destination="chat")])
        assert receipt.status == "queued"
    box = house(current()).outbox
    (due,) = {round(entry.due) for entry in box.entries()}
    assert not receiver.requests
    until(lambda: told(receiver) >= 30, 60)
    assert told(receiver) == 30 and len(receiver.requests) <= 2
    assert time.time() >= due - 1, "it was told before its time"
    until(lambda: box.entries() == [], 30)


# --- the server -------------------------------------------------------------------------------------------------------


@pytest.mark.server
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_what_is_gathered_by_the_clock_survives_a_kill(
    kind: str, receiver: Receiver, state: Path, tmp_path: Path, program
) -> None:
    pytest.importorskip("misp_modules", reason="misp-modules is not installed")
    place = f'[destinations.chat.parameters]\nwebhook_url = "{receiver.url}/hook"\n'
    outbox = ""
    broker = Redis(program("redis-server"), tmp_path) if kind == "redis" else None
    try:
        if broker:
            outbox = f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase for all"\n'
        path = tmp_path / "settings.toml"
        path.write_text(outbox + place)
        path.chmod(0o600)
        environment = {"MISP_WORKFLOW_STATE": str(state), "MISP_WORKFLOW_CONFIG": str(path)}
        with MispModulesServer(environment=environment) as server:
            params = {"destination": "chat", "message": "about {{ event.info }}", "digest": soon(6)}
            for number in range(20):
                row = {
                    "id": "1",
                    "uuid": f"0d4b1a5e-0000-4000-8000-{number:012}",
                    "info": f"n{number}",
                    "timestamp": "1",
                }
                said = server.query(
                    {"module": "slack_message", "data": {"Event": {**row, "RelatedEvent": []}}, "params": params}
                )
                assert said["data"]["detail"].startswith("Queued: gathered with others like it until ")
            server.kill()
            assert not receiver.requests, "the machine was too slow for this test"
            server.start()
            until(lambda: told(receiver) >= 20, 90)
        assert told(receiver) == 20
        assert all(f"about n{number}\n" in receiver.requests[0].json()["text"] + "\n" for number in range(20))
    finally:
        if broker:
            broker.stop()
