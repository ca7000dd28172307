"""What the one door promises: a true receipt, in time, whatever the other side does."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from delivery_kit import parcel, until

from misp_workflow.delivery.deliver import deliver, house
from misp_workflow.delivery.outbox import Claim
from misp_workflow.delivery.outbox.sqlite import SqliteOutbox
from misp_workflow.effects import Batch, Bulk, Parcel
from misp_workflow.errors import DeliveryError
from misp_workflow.settings import current
from misp_workflow.testing.receiver import HANG, Receiver, answer


def waiting() -> list[tuple[str, str]]:
    return [(entry.key, entry.state) for entry in house(current()).outbox.entries()]


# --- the receipts -----------------------------------------------------------------------------------------------------


def test_delivered_says_so_and_leaves_nothing_behind(receiver: Receiver) -> None:
    (receipt,) = deliver([parcel(receiver)])
    assert (receipt.status, receipt.detail, receipt.key) == ("delivered", "Slack answered 200 OK.", "k1")
    until(lambda: waiting() == [])


def test_refused_for_good_is_an_error_and_leaves_nothing_behind(receiver: Receiver) -> None:
    receiver.always(answer(status=401))
    (receipt,) = deliver([parcel(receiver)])
    assert (receipt.status, receipt.detail) == ("refused", "Slack answered 401 Unauthorized: check the credentials.")
    assert not receipt.accepted
    assert waiting() == []


def test_unreachable_is_queued_and_delivered_later(receiver: Receiver) -> None:
    receiver.answers(answer(status=503), answer(status=503))
    (receipt,) = deliver([parcel(receiver)])
    assert (receipt.status, receipt.detail) == (
        "queued",
        "Queued, because Slack answered 503 Service Unavailable.",
    )
    got = receiver.wait_for(3, timeout=300)
    assert {request.header("Idempotency-Key") for request in got} == {"k1"}
    until(lambda: waiting() == [])


def test_queue_does_not_wait(receiver: Receiver) -> None:
    receiver.always(answer(delay=0.5))
    (receipt,) = deliver([parcel(receiver)], mode="queue")
    assert receipt.status == "queued"
    receiver.wait_for(1)
    until(lambda: waiting() == [])


def test_a_dry_run_says_what_it_would_send_and_sends_nothing(receiver: Receiver) -> None:
    effect = {"bearer": "hush", "json": {"text": "héllo"}, "secrets": ("hush", receiver.url)}
    (receipt,) = deliver([parcel(receiver, **effect)], dry_run=True)
    assert (receipt.status, receipt.accepted) == ("dry-run", True)
    assert receipt.detail == (
        'Would send Slack message: {"kind": "post", "url": "***", "bearer": "***", "json": {"text": "héllo"}, '
        '"key_at": "header:Idempotency-Key"}.'
    )
    assert receiver.requests == []
    assert waiting() == []


def test_a_dry_run_of_something_long_is_cut(receiver: Receiver) -> None:
    (receipt,) = deliver([parcel(receiver, body="x" * 100_000)], dry_run=True)
    assert len(receipt.detail) < 4100


@pytest.mark.parametrize(
    "effect",
    [
        Batch(system="kafka", address="kafka://there.example", options={"mechanism": "PLAIN"}),
        Bulk(dialect="elastic", url="https://there.example", options={"index": "PLAIN"}, service="Elastic"),
    ],
)
def test_a_dry_run_of_many_records_says_first_where_they_go(effect: Batch | Bulk) -> None:
    records = tuple({"id": str(n), "topic": "a", "key": "", "body": "b" * 100} for n in range(500))
    (receipt,) = deliver(
        [Parcel(key="k", effect=replace(effect, records=records), action="a", created=0.0)], dry_run=True
    )
    assert "there.example" in receipt.detail and "PLAIN" in receipt.detail and "bbb" in receipt.detail
    for more in (
        {"stix": {"event": {"info": "c" * 9000}}},
        {"records": (), "rest_of": "u", "standing": ("d" * 36,) * 500},
    ):
        parcels = [Parcel(key="k", effect=replace(effect, **more), action="a", created=0.0)]
        assert "there.example" in deliver(parcels, dry_run=True)[0].detail, "also where something else is long"


def test_nothing_to_deliver() -> None:
    assert deliver([]) == []


def test_the_same_again_is_skipped(receiver: Receiver) -> None:
    deliver([parcel(receiver)])
    (receipt,) = deliver([parcel(receiver)])
    assert (receipt.status, receipt.accepted) == ("skipped", True)
    assert receipt.detail.startswith("Already sent")
    assert len(receiver.requests) == 1


def test_the_same_while_it_waits_is_skipped(receiver: Receiver) -> None:
    receiver.always(answer(status=503))
    deliver([parcel(receiver)])
    (receipt,) = deliver([parcel(receiver)])
    assert receipt.detail == "Already queued: the same waits to be delivered."


def test_the_same_after_the_window_is_sent(receiver: Receiver, rules) -> None:
    rules("[outbox]\nwindow = 0\n")
    for _ in range(2):
        (receipt,) = deliver([parcel(receiver)])
    assert receipt.status == "delivered"
    assert len(receiver.requests) == 2


def test_what_was_refused_may_be_tried_again_at_once(receiver: Receiver) -> None:
    receiver.answers(answer(status=401))
    deliver([parcel(receiver)])
    (receipt,) = deliver([parcel(receiver)])
    assert receipt.status == "delivered"


def test_a_maximum_age_of_nothing_means_once(receiver: Receiver, rules) -> None:
    rules("[destinations.chat]\nmax_age = 0\n")
    receiver.always(answer(status=503))
    (receipt,) = deliver([parcel(receiver, destination="chat")])
    assert (receipt.status, receipt.detail) == ("refused", "Slack answered 503 Service Unavailable.")
    (receipt,) = deliver([parcel(receiver, "k2", destination="chat")], mode="queue")
    assert receipt.status == "queued"
    until(lambda: waiting() == [("k2", "dead")])
    assert len(receiver.requests) == 2


def test_now_or_never_is_never_kept(receiver: Receiver) -> None:
    receiver.answers(answer(status=503))
    (receipt,) = deliver([parcel(receiver, keep=False)], mode="queue")
    assert (receipt.status, receipt.detail) == ("refused", "Slack answered 503 Service Unavailable.")
    assert waiting() == []
    (receipt,) = deliver([parcel(receiver, keep=False)])
    assert receipt.status == "delivered"


def test_a_bug_in_a_transport_is_an_error_not_an_exception(receiver: Receiver, caplog) -> None:
    broken = parcel(receiver, headers={"X": None})
    (receipt,) = deliver([broken])
    assert receipt.status == "refused"
    assert "in our own code" in receipt.detail
    assert "bug in the transport post" in caplog.text


# --- time -------------------------------------------------------------------------------------------------------------


def test_all_share_one_deadline(receiver: Receiver) -> None:
    receiver.always(HANG)
    start = time.monotonic()
    receipts = deliver([parcel(receiver, f"k{n}") for n in range(50)], deadline=start + 1)
    assert time.monotonic() - start < 20, "fifty deadlines instead of one"
    assert [receipt.status for receipt in receipts] == ["queued"] * 50


def test_a_third_caller_does_not_wait(receiver: Receiver) -> None:
    release = threading.Event()

    def hold(_: object):
        release.wait(30)
        return answer()

    receiver.always(hold)
    got: dict[str, str] = {}

    def call(key: str) -> None:
        got[key] = deliver([parcel(receiver, key)], deadline=time.monotonic() + 20)[0].detail

    callers = [threading.Thread(target=call, args=(key,)) for key in ("a", "b")]
    for caller in callers:
        caller.start()
    receiver.wait_for(2)
    call("c")  # returns although the other two still wait
    assert got == {"c": f"Queued: others already wait for {receiver.url}."}
    release.set()
    for caller in callers:
        caller.join()
    assert got["a"] == got["b"] == "Slack answered 200 OK."
    receiver.wait_for(3)


def test_who_waits_for_the_disk_is_no_caller_yet(receiver: Receiver, monkeypatch) -> None:
    busy, free = threading.Barrier(3), threading.Event()
    put = SqliteOutbox.put

    def slow_put(self: SqliteOutbox, items, deadline: float):
        if items[0].parcel.key != "c":
            busy.wait(30)
            free.wait(30)
        return put(self, items, deadline)

    monkeypatch.setattr(SqliteOutbox, "put", slow_put)
    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(deliver, [parcel(receiver, key)], deadline=time.monotonic() + 60) for key in "ab"]
        busy.wait(30)
        (receipt,) = deliver([parcel(receiver, "c")], deadline=time.monotonic() + 60)
        free.set()
        statuses = [receipt.status, *(other.result()[0].status for other in others)]
    assert statuses == ["delivered"] * 3


def test_all_are_let_go_of_even_when_one_cannot_be(receiver: Receiver, monkeypatch) -> None:
    monkeypatch.setattr("misp_workflow.delivery.lanes.MOST_CALLERS", 0)
    asked: list[str] = []

    def again(self: SqliteOutbox, claim: Claim, *args: object, **kwargs: object) -> None:
        asked.append(claim.parcel.key)
        raise DeliveryError(f"{claim.parcel.key} stays.")

    monkeypatch.setattr(SqliteOutbox, "again", again)
    receipts = deliver([parcel(receiver, key) for key in "abc"])
    assert [receipt.status for receipt in receipts] == ["refused"] * 3
    assert all(
        receipt.detail.endswith(f"; nobody tries it later: {key} stays.")
        for key, receipt in zip("abc", receipts, strict=True)
    )
    assert asked == ["a", "b", "c"]


def test_after_one_time_out_nobody_waits(receiver: Receiver) -> None:
    receiver.always(HANG)
    (first,) = deliver([parcel(receiver, "a")], deadline=time.monotonic() + 4)
    (second,) = deliver([parcel(receiver, "b")], deadline=time.monotonic() + 100)
    assert first.detail.startswith("Queued, because Slack did not answer within ")
    assert second.detail.startswith(f"Queued: {receiver.url} did not answer a moment ago and is left alone for")


# --- destinations -----------------------------------------------------------------------------------------------------


def test_a_rate_spreads_the_tries(receiver: Receiver, rules) -> None:
    rules("[destinations.chat]\nrate = 2\n")
    receipts = deliver([parcel(receiver, f"k{n}", destination="chat") for n in range(8)])
    statuses = {receipt.status for receipt in receipts}
    assert statuses == {"delivered", "queued"}
    assert any(receipt.detail == "Queued: chat gets no more than 2 per second." for receipt in receipts)
    times = [request.at for request in receiver.wait_for(8)]
    assert times[-1] - times[0] > 2.5, "eight at two a second, two of them at once"


def test_retry_after_holds_for_the_whole_destination(receiver: Receiver) -> None:
    receiver.answers(answer(status=429, headers={"Retry-After": "3"}))
    (first,) = deliver([parcel(receiver, "a")])
    (second,) = deliver([parcel(receiver, "b")])
    assert (first.status, second.status) == ("queued", "queued")
    assert second.detail.startswith(f"Queued: {receiver.url} asked not to be called for")
    times = [request.at for request in receiver.wait_for(3, timeout=300)]
    assert times[1] - times[0] >= 2.9


def test_a_digest_gathers(receiver: Receiver, rules) -> None:
    rules("[destinations.chat]\ndigest = 2\n")
    began = time.monotonic()
    for n in range(500):
        message = {"channel": "#soc", "text": f"attribute {n}", "blocks": [n]}
        storm = parcel(receiver, f"k{n}", destination="chat", json=message, digest=("json.text", "json.blocks"))
        (receipt,) = deliver([storm])
    spent = time.monotonic() - began
    assert receipt.detail == "Queued: gathered with others like it for 2 s."
    texts: list[str] = []
    until(lambda: waiting() == [])
    for request in receiver.requests:
        assert set(request.json()) == {"channel", "text"}
        texts.append(request.json()["text"])
    assert sum(int(text.split()[0]) for text in texts) == 500
    assert len(texts) <= spent / 2 + 2, "one for each two seconds"
    assert "attribute 0" in texts[0]


def test_different_messages_are_not_gathered(receiver: Receiver, rules) -> None:
    rules("[destinations.chat]\ndigest = 1\n")
    for n, channel in enumerate(["#a", "#b", "#a"]):
        deliver(
            [
                parcel(
                    receiver,
                    f"k{n}",
                    destination="chat",
                    json={"channel": channel, "text": f"t{n}"},
                    digest=("json.text",),
                )
            ]
        )
    until(lambda: waiting() == [])
    got = sorted((request.json()["channel"], request.json()["text"]) for request in receiver.requests)
    assert got[1] == ("#b", "t1")
    assert got[0][1].startswith("2 messages in ")
    assert got[0][1].endswith("t0\nt2")


# --- the log ----------------------------------------------------------------------------------------------------------


def test_final_receipts_are_logged(receiver: Receiver, state: Path) -> None:
    receiver.answers(answer(), answer(status=404), answer(status=503), answer(status=410))
    for key in ("good", "bad", "later"):
        deliver([parcel(receiver, key, secrets=("/hook",))])
    receiver.wait_for(4, timeout=300)
    log = state / "delivery.log"
    until(lambda: log.read_text().count("\n") == 3)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["status"], line["key"], line["tries"]) for line in lines] == [
        ("delivered", "good", 1),
        ("refused", "bad", 1),
        ("dead", "later", 2),
    ]
    assert lines[2]["detail"] == "Slack answered 410 Gone: this address was closed for good"
    assert lines[0]["action"] == "slack_message"
    assert log.stat().st_mode & 0o777 == 0o600


# --- no outbox --------------------------------------------------------------------------------------------------------


def test_an_outbox_that_cannot_be_written_is_an_error_and_nothing_is_sent(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    monkeypatch.setenv("MISP_WORKFLOW_STATE", str(in_the_way / "state"))
    with pytest.raises(DeliveryError, match="cannot be written"):
        deliver([parcel(receiver)])
    assert receiver.requests == []


def test_an_unknown_destination_is_an_error(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match="No destination is called"):
        deliver([parcel(receiver, destination="nowhere")])


def test_one_bad_parcel_among_good_ones(receiver: Receiver) -> None:
    receiver.answers(answer(), answer(status=404), answer())
    receipts = deliver([parcel(receiver, key) for key in "abc"])
    assert [receipt.status for receipt in receipts] == ["delivered", "refused", "delivered"]


def test_parcels_are_plain_values(receiver: Receiver) -> None:
    assert isinstance(parcel(receiver), Parcel)
