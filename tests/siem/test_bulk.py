"""Records in bulk: real servers where one runs here, else a receiver that answers as documented."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import running
from siem_kit import EVENT, ask, attribute, bulk_answer, event

from misp_workflow import settings
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.transports import bulk
from misp_workflow.effects import Bulk, from_json, to_json
from misp_workflow.testing import Receiver, answer, free_port


def get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=120) as found:
            return json.load(found)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


@contextlib.contextmanager
def serving(tmp_path: Path, *command: str) -> Iterator[str]:
    """Run a server on a free port ({port}) and yield its address."""
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    with running(*words, port=port, log=tmp_path / "log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def search(tmp_path: Path) -> Iterator[str]:
    """An OpenSearch-compatible server."""
    package = pytest.importorskip("osmem_server", reason="osmem-server is not installed here")
    program = Path(package.__file__).parent / "bin" / "osmem-server"
    with serving(tmp_path, str(program), "-addr", "127.0.0.1:{port}", "-no-stdin-watch") as url:
        yield url


@pytest.fixture
def alertmanager(tmp_path: Path, program: Callable[[str], str]) -> Iterator[str]:
    (tmp_path / "config.yml").write_text("route:\n  receiver: none\nreceivers:\n  - name: none\n")
    words = [f"--config.file={tmp_path}/config.yml", f"--storage.path={tmp_path}/data", "--cluster.listen-address="]
    with serving(tmp_path, program("prometheus-alertmanager"), *words, "--web.listen-address=127.0.0.1:{port}") as url:
        yield url


# --- Elasticsearch and OpenSearch -------------------------------------------------------------------------------------


def documents(search: str) -> dict[str, Any]:
    urllib.request.urlopen(
        urllib.request.Request(f"{search}/misp-indicators/_refresh", b"", method="POST"), timeout=120
    )
    found = get(f"{search}/misp-indicators/_search?size=1000")
    return {one["_id"]: one["_source"] for one in found["hits"]["hits"]}


def test_documents_are_indexed_corrected_and_deleted(search: str) -> None:
    params = {"server_url": search}
    rows = [attribute(1), attribute(2, "ip-dst|port", "198.51.100.7|443"), attribute(3, "sha256", "a" * 64)]
    said = ask("elastic_document", event(*rows, Tag=[{"name": "tlp:green"}]), **params)
    assert "3 in" in said["data"]["detail"], said
    found = documents(search)
    assert found.keys() == {row["uuid"] for row in rows}
    indicator = found[rows[1]["uuid"]]["threat"]["indicator"]
    assert (indicator["type"], indicator["ip"], indicator["port"]) == ("ipv4-addr", "198.51.100.7", 443)
    assert indicator["marking"] == {"tlp": "GREEN"} and indicator["provider"] == "CERT"
    assert found[rows[2]["uuid"]]["threat"]["indicator"]["file"]["hash"] == {"sha256": "a" * 64}
    ask("elastic_document", event({**rows[0], "value": "corrected.example"}, whole=False), **params)
    assert documents(search)[rows[0]["uuid"]]["threat"]["indicator"]["name"] == "corrected.example"
    ask("elastic_document", event({**rows[0], "to_ids": False}, whole=False), **params)
    assert rows[0]["uuid"] not in documents(search)
    ask("elastic_document", event(rows[1]), **params)  # the third left the event
    assert documents(search).keys() == {rows[1]["uuid"]}
    ask("elastic_document", event(rows[1]), event_goes="true", **params)
    assert documents(search) == {}


def test_ten_thousand_documents_have_one_receipt(search: str) -> None:
    rows = [attribute(number) for number in range(10_000)]
    said = ask("elastic_document", event(*rows), server_url=search, delivery="queue")
    assert said["data"]["status"] == "queued"
    for _ in range(1200):
        if get(f"{search}/misp-indicators/_count").get("count") == 10_000:
            break
        time.sleep(0.1)
    assert get(f"{search}/misp-indicators/_count")["count"] == 10_000


def test_what_elastic_refuses_is_told_and_the_rest_is_in(receiver: Receiver) -> None:
    bad = {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no IP"}}
    receiver.answers(bulk_answer({"status": 201}, bad, {"status": 409}))
    said = ask("elastic_document", event(*map(attribute, (1, 2, 3))), server_url=receiver.url)
    text = said.get("error") or said["data"]["detail"]
    assert "2 in, 1 refused: document_parsing_exception: no IP" in text
    lines = receiver.requests[0].body.decode().splitlines()
    assert json.loads(lines[0]) == {"index": {"_index": "misp-indicators", "_id": attribute(1)["uuid"]}}
    assert receiver.requests[0].body.endswith(b"\n")


def records(number: int) -> tuple[dict[str, str], ...]:
    return tuple({"id": f"u{one}/1", "key": f"u{one}", "topic": "misp", "body": "{}"} for one in range(number))


def send(receiver: Receiver, **given: Any) -> Any:
    effect = Bulk(url=receiver.url, service="It", at=1767312000, **given)
    return bulk.send(from_json(to_json(effect)), "key", time.monotonic() + 20)


def test_what_may_come_later_is_tried_again_alone(receiver: Receiver) -> None:
    receiver.answers(bulk_answer({"status": 200}, {"status": 429}, {"status": 503}, {"status": 400}))
    said = send(receiver, dialect="elastic", records=records(4))
    assert (said.outcome, said.again, dict(said.refused)) == ("part", (1, 2), {3: "status 400"})


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "content",
    [
        *("{}", "no json", DEEP, '{"items": []}', '{"items": [1, 2]}'),
        *('{"items": [{"index": {}}, {"index": 5}]}', '{"items": [{"index": {"status": "201"}}, {"index": null}]}'),
    ],
)
def test_an_answer_that_names_no_documents_is_no_success(receiver: Receiver, content: str) -> None:
    receiver.answers(answer(content.encode()))
    assert send(receiver, dialect="elastic", records=records(2)).outcome == "refused"


def test_a_busy_cluster_is_asked_again(receiver: Receiver) -> None:
    receiver.answers(answer({}, 429, {"Retry-After": "7"}), answer({}, 503), answer({}, 401))
    first = send(receiver, dialect="elastic", records=records(1))
    assert (first.outcome, first.retry_after) == ("again", 7.0)
    assert send(receiver, dialect="elastic", records=records(1)).down
    assert send(receiver, dialect="elastic", records=records(1)).outcome == "refused"


# --- Splunk -----------------------------------------------------------------------------------------------------------


def test_splunk_gets_events_and_says_success_itself(receiver: Receiver) -> None:
    receiver.always(answer({"text": "Success", "code": 0}))
    params = {"collector_url": receiver.url, "token": "splunk-token-1234", "index": "threat"}
    rows = [attribute(1), attribute(2, to_ids=False)]
    said = ask("splunk_event", event(*rows, whole=False), **params)
    assert said["data"]["status"] == "delivered", said
    there, gone = receiver.requests
    assert there.header("Authorization") == "Splunk splunk-token-1234"
    assert there.path == "/services/collector/event"
    told = json.loads(there.body)
    assert (told["index"], told["sourcetype"], told["event"]["value"]) == ("threat", "misp:attribute", "n1.example")
    assert told["event"]["withdrawn"] is False and json.loads(gone.body)["event"]["withdrawn"] is True


def test_an_event_of_which_nothing_left_is_not_told_as_withdrawn(receiver: Receiver) -> None:
    receiver.always(answer({"text": "Success", "code": 0}))
    params = {"collector_url": receiver.url, "token": "splunk-token-1234"}
    assert ask("splunk_event", event(attribute(1)), **params)["data"]["status"] == "delivered"
    rows = list(ledger_of(settings.current()).of(EVENT))
    assert [(row.item, row.withdrawn) for row in rows] == [(attribute(1)["uuid"], False)]


@pytest.mark.parametrize(
    ("reply", "status", "outcome"),
    [
        ({"text": "Success", "code": 0}, 200, "delivered"),
        ({"text": "Invalid data format", "code": 6, "invalid-event-number": 1}, 400, "part"),
        ({"text": "Incorrect index", "code": 7}, 400, "refused"),
        ({"text": "Invalid token", "code": 4}, 403, "refused"),
        ({"text": "Server is busy", "code": 9}, 503, "again"),
        ({"hello": "world"}, 200, "refused"),
        ({"text": "Success", "code": False}, 200, "refused"),
        (["code"], 200, "refused"),
        (DEEP.encode(), 200, "refused"),
    ],
)
def test_what_splunk_answers(receiver: Receiver, reply: Any, status: int, outcome: str) -> None:
    receiver.answers(answer(reply, status))
    said = send(receiver, dialect="splunk", records=records(3))
    assert said.outcome == outcome
    if outcome == "part":
        assert (said.again, list(said.refused)) == ((0, 2), [1])


def acknowledged(receiver: Receiver, said: list[bool]) -> list[dict[str, Any]]:
    """Have the receiver answer as a collector whose token acknowledges: `said` is what it tells, one after the other."""
    asked: list[dict[str, Any]] = []

    def reply(request: Any) -> Any:
        if not request.path.endswith("/ack"):
            channel = request.header("X-Splunk-Request-Channel")
            missing = answer({"text": "Data channel is missing", "code": 10}, 400)
            return answer({"text": "Success", "code": 0, "ackId": 7}) if channel else missing
        asked.append({**request.json(), "channel": dict(request.query)["channel"]})
        return answer({"acks": {"7": said.pop(0) if said else False}})

    receiver.always(reply)
    return asked


SPLUNK = {"token": "splunk-token-1234", "acknowledge": "true"}


def test_delivered_means_indexed_where_splunk_acknowledges(receiver: Receiver) -> None:
    asked = acknowledged(receiver, [False, True])
    said = ask("splunk_event", event(attribute(1), whole=False), collector_url=receiver.url, **SPLUNK)
    assert said["data"]["status"] == "delivered", said
    sent = receiver.requests[0]
    assert json.loads(sent.body).keys() == {"time", "event", "sourcetype", "source"}
    channel = sent.header("X-Splunk-Request-Channel")
    assert asked == [{"acks": [7], "channel": channel}] * 2
    refused = ask("splunk_event", event(attribute(1), whole=False), collector_url=receiver.url, token="other-token-1")
    assert "Data channel is missing" in refused["error"]


def test_what_was_not_yet_indexed_is_asked_about_and_not_sent_again(receiver: Receiver) -> None:
    said: list[bool] = []
    acknowledged(receiver, said)
    effect = Bulk(
        url=f"{receiver.url}/event",
        service="Splunk",
        dialect="splunk",
        at=1,
        records=records(2),
        options={"acknowledge": True},
    )
    first = bulk.send(effect, "key", time.monotonic() + 2)
    assert first.outcome == "again" and "not yet said that they are indexed" in first.detail and not first.down
    said.append(True)
    assert bulk.send(effect, "key", time.monotonic() + 20).outcome == "delivered"
    assert [one.path for one in receiver.requests].count("/event") == 1
    said.append(True)
    assert bulk.send(effect, "key", time.monotonic() + 20).outcome == "delivered"
    assert [one.path for one in receiver.requests].count("/event") == 2, "what is settled is forgotten"


def test_a_token_that_acknowledges_nothing_is_taken_at_its_word(receiver: Receiver) -> None:
    receiver.always(answer({"text": "Success", "code": 0}))
    assert send(receiver, dialect="splunk", records=records(1), options={"acknowledge": True}).outcome == "delivered"
    assert len(receiver.requests) == 1


# --- Alertmanager -----------------------------------------------------------------------------------------------------


def test_alerts_are_raised_updated_and_resolved(alertmanager: str) -> None:
    def active() -> dict[str, str]:
        return {one["labels"]["attribute"]: one["annotations"]["value"] for one in get(f"{alertmanager}/api/v2/alerts")}

    params = {"server_url": alertmanager}
    rows = [attribute(1), attribute(2, comment='line\nbreak "quoted"')]
    said = ask("alertmanager_alert", event(*rows), **params)
    assert "2 in" in said["data"]["detail"], said
    assert active() == {rows[0]["uuid"]: "n1.example", rows[1]["uuid"]: "n2.example"}
    ask("alertmanager_alert", event({**rows[0], "value": "corrected.example"}, whole=False), **params)
    assert active()[rows[0]["uuid"]] == "corrected.example"
    time.sleep(1.1)  # an end must be later than the beginning
    ask("alertmanager_alert", event({**rows[0], "deleted": True}, whole=False), **params)
    assert active().keys() == {rows[1]["uuid"]}


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"{}", DEEP.encode()])
def test_another_page_is_no_yes_of_alertmanagers(receiver: Receiver, body: bytes) -> None:
    receiver.answers(answer(body))
    said = send(receiver, dialect="alertmanager", records=records(2), options={"name": "x", "keep": 60})
    assert said.outcome == "refused" and "did not answer as Alertmanager does" in said.detail


def test_a_refused_label_is_an_error(receiver: Receiver) -> None:
    receiver.answers(answer(b'"invalid label set"', 400))
    options = {"name": "x", "keep": 60}
    said = send(receiver, dialect="alertmanager", records=records(2), options=options)
    assert said.outcome == "refused" and "invalid label set" in said.detail
