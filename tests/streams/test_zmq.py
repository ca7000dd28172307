"""Messages on a ZeroMQ socket, with real subscribers."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from misp_workflow.delivery.transports import stream
from misp_workflow.effects import Record
from misp_workflow.testing import free_port
from misp_workflow.testing.contract import ActionFile

zmq = pytest.importorskip("zmq", reason="pyzmq, the extra [zmq], is not installed here")

ACTION = Path(__file__).parents[2] / "misp_modules/modules/action_mod/zmq_message.py"


@pytest.fixture
def address() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture
def subscribe():
    """Open subscribers; they are closed at the end."""
    opened = []

    def open_one(address: str, topic: str = "", bind: bool = False):
        socket = zmq.Context.instance().socket(zmq.SUB)
        socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        (socket.bind if bind else socket.connect)(address)
        opened.append(socket)
        return socket

    yield open_one
    for socket in opened:
        socket.close(0)
    for publisher in stream._publishers.values():
        publisher.socket.close(0)
    stream._publishers.clear()


def send(record: Record, seconds: float = 5.0):
    return stream.send(record, "key", time.monotonic() + seconds)


def ask(params: dict, data: dict, selected=None) -> dict:
    body = {"module": "zmq_message", "data": data, "params": params}
    if selected is not None:
        body["filteredItems"] = selected
    return ActionFile.load(ACTION).module.handler(q=json.dumps(body))


def test_a_subscriber_gets_mispes_own_layout(address, subscribe, captures):
    listening = subscribe(address, "misp_json")
    data = captures["event-publish"]["data"]
    attribute = data["Event"]["Attribute"][1]
    said = ask({"address": address, "topic": "misp_json_event"}, data, [attribute])
    assert (said["data"]["status"], "1 listening" in said["data"]["detail"]) == ("delivered", True), said
    topic, _, body = listening.recv().decode().partition(" ")
    assert topic == "misp_json_event"
    assert json.loads(body)["items"] == [attribute]


def test_topic_and_body_as_two_frames_to_a_listening_subscriber(address, subscribe, captures):
    listening = subscribe(address, bind=True)
    params = {"address": address, "connect": "true", "layout": "frames", "items": "all", "topic": "events"}
    with ThreadPoolExecutor(1) as pool:  # a socket that listens lets others in only while somebody reads from it
        reading = pool.submit(listening.recv_multipart)
        said = ask(params, captures["event-publish"]["data"])
        topic, body = reading.result()
    assert (said["data"]["status"], "1 listening" in said["data"]["detail"]) == ("delivered", True), said
    assert topic == b"events"
    assert json.loads(body)["event"]["uuid"] == captures["event-publish"]["data"]["Event"]["uuid"]


def test_only_those_who_chose_the_topic_get_it_and_nobody_is_told(address, subscribe):
    other = subscribe(address, "something_else")
    assert send(Record(address=address, topic="misp", frames=("misp {}",))).detail.endswith("nobody listens right now")
    other.setsockopt(zmq.RCVTIMEO, 100)
    with pytest.raises(zmq.Again):
        other.recv()


def test_the_socket_stays_open_so_that_the_next_message_arrives_too(address, subscribe):
    listening = subscribe(address, "t")
    for number in range(3):
        assert "1 listening" in send(Record(address=address, topic="t", frames=("t", str(number)))).detail
        assert listening.recv_multipart() == [b"t", str(number).encode()]


def test_an_address_that_is_taken_or_none_is_said(address, subscribe):
    taken = zmq.Context.instance().socket(zmq.PUB)
    taken.bind(address)
    try:
        said = send(Record(address=address, topic="t", frames=("t",)))
    finally:
        taken.close(0)
    assert (said.outcome, "another process listens there" in said.detail) == ("again", True)
    assert send(Record(address="tcp://", topic="t", frames=("t",))).outcome == "refused"


def test_metadata_services_are_not_called():
    said = send(Record(address="tcp://169.254.169.254:80", bind=False, topic="t", frames=("t",)))
    assert (said.outcome, "metadata" in said.detail) == ("refused", True)


@pytest.mark.parametrize(
    "address", ["tcp://2852039166:80", "tcp://[::ffff:169.254.169.254]:80", "tcp://127.0.0.1:0;169.254.169.254:80"]
)
def test_no_spelling_helps(address):
    assert send(Record(address=address, bind=False, topic="t", frames=("t",))).outcome == "refused"


@pytest.fixture
def deny(rules):
    """Put networks into the settings that nothing may go to."""

    def write(*networks: str) -> None:
        rules(f"[networks]\ndeny = {json.dumps(networks)}\n")

    return write


def test_nobody_is_called_or_listened_to_where_the_settings_forbid_it(address, deny):
    deny("10.0.0.0/8")
    assert send(Record(address=address, topic="t", frames=("t",))).outcome == "delivered"
    port = address.rpartition(":")[2]
    for everywhere in (f"tcp://*:{port}", f"tcp://0.0.0.0:{port}", f"tcp://[::]:{port}", f"tcp://lo:{port}"):
        said = send(Record(address=everywhere, topic="t", frames=("t",)))
        assert (said.outcome, "must name one address" in said.detail) == ("refused", True)
    deny("loopback")
    for bind in (True, False):
        said = send(Record(address=address, bind=bind, topic="t", frames=("t",)))
        assert (said.outcome, "networks.deny" in said.detail) == ("refused", True)


def test_a_name_is_looked_up_and_what_was_checked_is_called(address, subscribe):
    port = address.rpartition(":")[2]
    listening = subscribe(f"tcp://127.0.0.1:{port}", bind=True)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(listening.recv)
        said = send(Record(address=f"tcp://localhost:{port}", bind=False, topic="t", frames=("t",)))
        assert reading.result() == b"t"
    assert "tcp://localhost" in said.detail
    unknown = send(Record(address="tcp://nowhere.invalid:1", bind=False, topic="t", frames=("t",)))
    assert (unknown.outcome, "looked up" in unknown.detail) == ("again", True)


def test_a_file_is_not_removed_to_make_a_socket(tmp_path):
    file = tmp_path / "precious"
    file.write_text("data")
    said = send(Record(address=f"ipc://{file}", topic="t", frames=("t",)))
    assert (said.outcome, file.read_text()) == ("refused", "data")
    assert send(Record(address=f"ipc://{tmp_path}/socket", topic="t", frames=("t",))).outcome == "delivered"


@pytest.mark.parametrize("params", [{"address": "http://x"}, {"topic": "two words"}, {"topic": "naïve"}])
def test_what_cannot_be_an_address_or_topic_is_an_error(params, captures):
    assert "Parameter" in ask(params, captures["event-publish"]["data"])["error"]
