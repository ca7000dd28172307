"""Digests by the clock: what is gathered until a time of the day, over restarts, in the file and at brokers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from brokers import Brokers
from delivery_kit import parcel, until
from hurry import LEASE, REDIS, hurried

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.settings import current
from misp_workflow.settings.gathering import read
from misp_workflow.testing.receiver import Receiver
from misp_workflow.testing.server import MispModulesServer

pytestmark = pytest.mark.waits


def soon(seconds: float) -> str:
    """Return the time of the day in so many seconds, in UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(time.time() + seconds))


def message(receiver: Receiver, number: int, **fields: Any):
    return parcel(receiver, f"g{number}", json={"text": f"told {number}"}, digest=("json.text",), **fields)


def told(receiver: Receiver) -> int:
    texts = [request.json()["text"] for request in receiver.requests]
    return sum(int(text.split()[0]) if " messages in " in text else 1 for text in texts)


def in_time(gather: Callable[[float, int], bool]) -> None:
    """Gather until the clock strikes; in another turn with more time where the machine was too slow for less."""
    for turn, seconds in enumerate((4.0, 12.0, 40.0, 200.0)):
        if gather(seconds, turn):
            return
    pytest.fail("in all these seconds not everything was gathered")


# --- delivery ---------------------------------------------------------------------------------------------------------


def test_a_node_gathers_where_its_destination_says_nothing(receiver: Receiver, rules) -> None:
    rules("[destinations.open]\n[destinations.never]\ndigest = 0\n")

    def gather(seconds: float, turn: int) -> bool:
        end, at = time.time() + seconds - 2, read(soon(seconds))
        receipts = [deliver([message(receiver, 10 * turn + n, destination="open")], gather=at)[0] for n in range(5)]
        assert {one.status for one in receipts} == {"queued"}
        assert receipts[0].detail == f"Queued: gathered with others like it until {at.written}."
        return time.time() < end

    in_time(gather)
    at_once = deliver([message(receiver, 99, destination="never")], gather=read("08:00"))
    assert at_once[0].status == "delivered"

    def five() -> bool:
        texts = [request.json()["text"] for request in receiver.requests]
        return any(text.startswith("5 messages in ") and text.count("told ") == 5 for text in texts)

    until(five, 240)


def test_what_cannot_be_gathered_goes_at_once(receiver: Receiver, rules) -> None:
    rules("")
    (receipt,) = deliver([parcel(receiver, "k", json={"text": "x"})], gather=read("08:00"))
    assert receipt.status == "delivered"


@pytest.fixture(params=["redis", "rabbitmq"])
def strike(request: pytest.FixtureRequest, brokers: Brokers, rules) -> Iterator[Callable[[float], None]]:
    """Lets the destination's clock strike in so many seconds."""
    with brokers(request.param) as broker:
        outbox = f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase for all"\n'
        yield lambda seconds: rules(f'{outbox}[destinations.chat]\ndigest = "{soon(seconds)}"\n')


def test_brokers_keep_until_the_time(receiver: Receiver, strike: Callable[[float], None]) -> None:
    due = 0.0

    def gather(seconds: float, turn: int) -> bool:
        nonlocal due
        end = time.time() + seconds - 2
        strike(seconds)
        box = house(current()).outbox
        box.drop([entry.key for entry in box.entries()])
        receiver.clear()
        for number in range(30):
            (receipt,) = deliver([message(receiver, 100 * turn + number, destination="chat")])
            assert receipt.status == "queued"
        due = min((entry.due for entry in box.entries()), default=0.0)
        assert time.time() > end or not receiver.requests
        return time.time() < end

    in_time(gather)
    until(lambda: told(receiver) >= 30, 240)
    assert told(receiver) == 30 and len(receiver.requests) <= 2
    assert time.time() >= due - 1, "it was told before its time"
    until(lambda: house(current()).outbox.entries() == [])


# --- the server -------------------------------------------------------------------------------------------------------


@pytest.mark.server
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_what_is_gathered_by_the_clock_survives_a_kill(
    kind: str, receiver: Receiver, state: Path, tmp_path: Path, brokers: Brokers
) -> None:
    pytest.importorskip("misp_modules", reason="misp-modules is not installed")
    place = f'[destinations.chat.parameters]\nwebhook_url = "{receiver.url}/hook"\n'
    outbox = "answer_within = 60\n"
    with brokers(kind) if kind == "redis" else nullcontext() as broker:
        if broker:
            outbox += f'[outbox]\nurl = "{broker.url}"\nkey = "a pass phrase for all"\n'
        path = tmp_path / "settings.toml"
        path.write_text(outbox + place)
        path.chmod(0o600)
        environment = {"MISP_WORKFLOW_STATE": str(state), "MISP_WORKFLOW_CONFIG": str(path)}
        environment |= hurried(tmp_path, *(REDIS if broker else LEASE))
        with MispModulesServer(environment=environment) as server:
            first = 0

            def gather(seconds: float, turn: int) -> bool:
                nonlocal first
                end, first = time.time() + seconds - 2, 100 * turn
                params = {"destination": "chat", "message": "about {{ event.info }}", "digest": soon(seconds)}
                receiver.clear()
                for number in range(first, first + 20):
                    named = {"uuid": f"0d4b1a5e-0000-4000-8000-{number:012}", "info": f"n{number}"}
                    event = {"Event": {"id": "1", **named, "timestamp": "1", "RelatedEvent": []}}
                    said = server.query({"module": "slack_message", "data": event, "params": params})
                    assert said["data"]["detail"].startswith("Queued: gathered with others like it until ")
                server.kill()
                assert time.time() > end or not receiver.requests
                if slow := time.time() > end:
                    server.start()
                    until(lambda: told(receiver) >= 20, 240)  # else they come in the middle of the next turn
                return not slow

            in_time(gather)
            server.start()
            until(lambda: told(receiver) >= 20, 240)
        assert told(receiver) == 20
        text = receiver.requests[0].json()["text"] + "\n"
        assert all(f"about n{number}\n" in text for number in range(first, first + 20))
