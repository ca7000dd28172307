"""STIX 2.1 on a stream: what a reader of a real Redis stream gets, and what MISP hears of the rest."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from misp_workflow.delivery.transports import records
from misp_workflow.delivery.transports.batches import stixed
from misp_workflow.effects import Batch, Record, from_json, to_json
from misp_workflow.testing.contract import ActionFile

client = pytest.importorskip("redis", reason="redis, the extra [queue], is not installed here")
pytestmark = pytest.mark.usefixtures("misp_stix")

ACTION = Path(__file__).parents[2] / "misp_modules/modules/action_mod/redis_stream.py"
EVENT = "11111111-2222-4333-8444-555555555555"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


def uid(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


def attribute(number: int, kind: str = "domain", value: str = "", **more: Any) -> dict[str, Any]:
    told = {"uuid": uid(number), "type": kind, "value": value or f"n{number}.example", "to_ids": True}
    return {**told, "category": "Network activity", "timestamp": "1767312000", **more}


def event(*rows: dict[str, Any], whole: bool = True, **more: Any) -> dict[str, Any]:
    told = {"id": "7", "uuid": EVENT, "info": "stream", "timestamp": "1767312000", "published": True}
    head = {**told, "date": "2026-01-01", "Orgc": {"name": "CERT"}, "Attribute": [*rows], **more}
    return {"Event": {**head, **({"RelatedEvent": []} if whole else {})}}


class Stream:
    def __init__(self, port: int) -> None:
        self.direct = client.Redis(port=port)
        self.address = f"redis://127.0.0.1:{port}"
        self.last = "0"

    def tell(self, data: dict[str, Any], **params: str) -> dict[str, Any]:
        given = {"address": self.address, "layout": "stix21", "selected_or_all": "all", **params}
        request = {"module": "redis_stream", "data": data, "params": given}
        said: dict[str, Any] = ActionFile.load(ACTION).module.handler(q=json.dumps(request))
        return said

    def news(self) -> list[tuple[bool, dict[str, dict[str, Any]]]]:
        """Return what came since the last look: whether it is withdrawn, and its objects by id."""
        found = self.direct.xrange("misp", f"({self.last}" if self.last != "0" else "-")
        if found:
            self.last = found[-1][0].decode()
        bundles = [(fields[b"withdrawn"] == b"1", json.loads(fields[b"body"])) for _, fields in found]
        return [(gone, {one["id"]: one for one in bundle["objects"]}) for gone, bundle in bundles]


@pytest.fixture
def stream(start: Any, program: Any) -> Iterator[Stream]:
    found = Stream(start(program("redis-server"), "--port", "{port}", "--bind", "127.0.0.1", "--save", ""))
    yield found
    found.direct.close()


def test_each_attribute_is_a_bundle_and_what_is_withdrawn_a_revoked_one(stream: Stream) -> None:
    first, second = f"indicator--{uid(1)}", f"indicator--{uid(2)}"
    said = stream.tell(event(attribute(1), attribute(2), Tag=[{"name": "TLP:GREEN"}]))
    assert said["data"]["status"] == "delivered" and "2 in" in said["data"]["detail"], said
    (gone, one), (_, other) = stream.news()
    assert not gone and second not in one and first not in other
    assert one[first]["object_marking_refs"] == [GREEN] and GREEN in one

    stream.tell(event(attribute(1, value="corrected.example", timestamp="1767312060"), whole=False))
    ((gone, one),) = stream.news()
    assert "corrected" in one[first]["pattern"] and one[first]["modified"] > "2026-01-02T00:00:00.000Z"
    before = one[first]["modified"]

    stream.tell(event(attribute(1, to_ids=False, timestamp="1767312120"), whole=False))
    ((gone, one),) = stream.news()
    assert gone and one[first]["revoked"] and one[first]["modified"] > before

    stream.tell(
        event(attribute(1, timestamp="1767312180"))
    )  # the second left the event, of which only its uuid is known
    told = stream.news()
    assert sorted(gone for gone, _ in told) == [False, True]
    (lost,) = [objects for gone, objects in told if gone]
    assert lost[second]["revoked"] is True and lost[second]["modified"] > "2026-01-03"


def _second(written: str) -> int:
    return int(datetime.datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp())


def test_what_is_published_again_is_a_later_version(stream: Stream) -> None:
    indicator = f"indicator--{uid(1)}"
    stream.tell(event(attribute(1)))
    stream.tell(event(attribute(1)), event_goes="true")
    (_, there), (_, gone) = stream.news()
    while int(time.time()) <= _second(gone[indicator]["modified"]):
        time.sleep(0.02)  # the same in the same second is a repetition
    stream.tell(event(attribute(1)))
    ((_, again),) = stream.news()
    assert there[indicator]["modified"] < gone[indicator]["modified"] < again[indicator]["modified"]
    assert gone[indicator]["revoked"] and "revoked" not in again[indicator]


def test_what_cannot_become_stix_is_counted_and_the_rest_is_in(stream: Stream) -> None:
    rows = [attribute(1), attribute(2, value="intranet"), attribute(3, "md5", "xyz"), attribute(4)]
    said = stream.tell(event(*rows))
    detail = said["data"]["detail"]
    assert "2 in, 2 refused: " in detail and "no domain by misp-stix's own check" in detail, said
    assert [*map(len, stream.news())] == [2, 2]
    said = stream.tell(event(attribute(2, value="intranet"), whole=False))
    assert "no domain by misp-stix's own check" in said["error"]


def test_a_whole_event_is_one_bundle_that_names_what_is_missing(stream: Stream) -> None:
    rows = [attribute(1), attribute(2, deleted=True), attribute(3, to_ids=False), attribute(4, value="intranet")]
    said = stream.tell(event(*rows), granularity="event")
    assert "1 attribute was left out: no domain by" in said["data"]["detail"]
    ((gone, found),) = stream.news()
    assert not gone and f"report--{EVENT}" in found
    assert "revoked" not in found[f"indicator--{uid(1)}"]
    assert found[f"indicator--{uid(2)}"]["revoked"] and found[f"indicator--{uid(3)}"]["revoked"]
    assert "revoked" not in found[f"observed-data--{uid(3)}"]
    stream.tell(event(*rows), granularity="event", event_goes="true")
    ((gone, found),) = stream.news()
    assert gone and found[f"report--{EVENT}"]["revoked"] and found[f"indicator--{uid(1)}"]["revoked"]


def test_nothing_above_the_clearance_is_converted(stream: Stream, rules) -> None:
    rules('[destinations.bus]\ntlp = "green"\nactions = ["redis_stream"]\n')
    rows = [attribute(1, Tag=[{"name": "tlp:red"}]), attribute(2, Tag=[{"name": "tlp:green"}])]
    said = stream.tell(event(*rows, Tag=[{"name": "tlp:green"}]), granularity="event", destination="bus")
    assert said["data"]["status"] == "delivered", said
    ((_, found),) = stream.news()
    assert "n1.example" not in json.dumps(found) and "n2.example" in json.dumps(found)


def test_what_is_large_is_for_the_background(stream: Stream) -> None:
    said = stream.tell(event(*(attribute(n, comment="x" * 1000) for n in range(600))), granularity="event")
    assert said["data"]["status"] == "queued" and "background" in said["data"]["detail"]
    for _ in range(1200):
        if stream.direct.xlen("misp"):
            break
        time.sleep(0.05)
    ((_, found),) = stream.news()
    assert sum(id_.startswith("indicator--") for id_ in found) == 600


def test_a_long_conversion_leaves_time_to_send(stream: Stream) -> None:
    body = json.dumps({**event(attribute(1, comment="x" * 600_000)), "withdrawn": []})
    one = {"id": EVENT, "key": EVENT, "topic": "misp", "body": body}
    batch = Batch(system="redis", address=stream.address, records=(one,), stix={"event": {"uuid": EVENT}})
    assert batch.outbox_only
    said = records.send(batch, "key", time.monotonic())  # as if the conversion had taken all of it
    assert said.outcome == "delivered", said


def test_a_message_on_zeromq_is_topic_and_bundle() -> None:
    body = json.dumps({**event(attribute(1)), "withdrawn": []})
    record = from_json(to_json(Record(address="tcp://127.0.0.1:1", topic="stix", frames=(body,), stix=True)))
    (frame,) = stixed.frames(record, time.monotonic() + 60)  # type: ignore[arg-type]
    topic, _, text = frame.partition(" ")
    assert topic == "stix" and json.loads(text)["id"] == f"bundle--{EVENT}"
    assert record.outbox_only is False and Record(address="x", frames=("x" * 10**6,), stix=True).outbox_only


def test_the_same_batch_is_the_same_text_each_time_it_is_tried() -> None:
    rows = [
        {"id": uid(n), "key": uid(n), "topic": "t", "body": json.dumps({"Attribute": attribute(n)})} for n in (1, 2)
    ]
    rows[1]["withdrawn"] = True
    batch = Batch(
        system="redis", address="redis://127.0.0.1", records=tuple(rows), at=1767400000, stix={"event": {"uuid": EVENT}}
    )
    first, second = (stixed.written(batch, time.monotonic() + 60).batch.records for _ in range(2))  # type: ignore[union-attr]
    assert first == second and '"revoked":true' in first[1]["body"]
