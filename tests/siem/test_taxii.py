"""Objects for a TAXII collection: medallion, and a receiver for what the standard allows and medallion does not do."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from siem_kit import EVENT, ask, attribute, event
from taxii_kit import COLLECTION, PASSWORD, READ_ONLY, USER, WRITE_ONLY, Medallion, Standard, medallion_running

from misp_workflow import settings
from misp_workflow.delivery import deliver
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.transports.dialects import taxii
from misp_workflow.testing import Received, Receiver, answer

pytestmark = pytest.mark.usefixtures("misp_stix")


@pytest.fixture(scope="module")
def medallion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Medallion]:
    with medallion_running(tmp_path_factory.mktemp("medallion")) as found:
        yield found


def add(server: Any, data: dict[str, Any], **more: str) -> dict[str, Any]:
    given = {"username": USER, "password": PASSWORD, "collection": COLLECTION, **more}
    return ask("taxii_objects", data, api_root=server.url, **given)


def numbered(base: int) -> Callable[..., dict[str, Any]]:
    """Return a maker of attributes that no other test of the collection has."""
    return lambda number, **more: attribute(base + number, **more)


# --- medallion --------------------------------------------------------------------------------------------------------


def test_a_published_event_is_indicators_and_a_report(medallion: Medallion) -> None:
    one = numbered(1000)
    data = event(
        one(1), one(2, kind="ip-dst", value="198.51.100.7"), Tag=[{"name": "tlp:green"}], uuid=EVENT[:-1] + "1"
    )
    said = add(medallion, data)
    assert said["data"]["status"] == "delivered" and "3 in" in said["data"]["detail"], said
    found = medallion.objects()
    indicator = found[f"indicator--{one(1)['uuid']}"]
    assert indicator["pattern"] == "[domain-name:value = 'n1001.example']"
    assert indicator["object_marking_refs"] == ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]
    report = found[f"report--{EVENT[:-1]}1"]
    assert report["name"] == "bulk" and indicator["id"] in report["object_refs"]
    seen = found[f"observed-data--{one(1)['uuid']}"]
    assert {*seen["object_refs"], *report["object_refs"], indicator["created_by_ref"]} <= found.keys()
    assert [found[uid]["value"] for uid in seen["object_refs"]] == ["n1001.example"]


def test_what_was_withheld_is_counted_in_the_answer(medallion: Medallion) -> None:
    one = numbered(2500)
    said = add(medallion, event(one(1), one(2, Tag=[{"name": "tlp:red"}]), whole=False))["data"]["detail"]
    assert "1 in" in said and said.endswith("(1 attribute withheld: TLP:RED)"), said
    assert f"indicator--{one(2)['uuid']}" not in medallion.objects()


def test_the_same_again_is_no_failure(medallion: Medallion) -> None:
    """Medallion counts what it has already as a failure."""
    one = numbered(2000)
    for _ in range(2):
        said = add(medallion, event(one(1), one(2), uuid=EVENT[:-1] + "2"))
        assert said["data"]["status"] == "delivered" and "3 in" in said["data"]["detail"], said


def test_a_correction_is_a_later_version(medallion: Medallion) -> None:
    one = numbered(3000)
    add(medallion, event(one(1), whole=False))
    said = add(medallion, event(one(1, value="corrected.example", timestamp="1767312999"), whole=False))
    assert "1 in" in said["data"]["detail"], said
    found = medallion.objects()
    assert "corrected.example" in found[f"indicator--{one(1)['uuid']}"]["pattern"]
    (seen,) = found[f"observed-data--{one(1)['uuid']}"]["object_refs"]
    assert found[seen]["value"] == "corrected.example", "what was observed is no longer the old value"


CHANGES: list[dict[str, Any]] = [{"deleted": True}, {"to_ids": False}, {"Tag": [{"name": "false-positive"}]}]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_withdrawn_is_revoked_and_can_come_back(medallion: Medallion, change: dict[str, Any]) -> None:
    one = numbered(4000 + 100 * CHANGES.index(change))
    name = f"indicator--{one(1)['uuid']}"
    add(medallion, event(one(1), whole=False))
    said = add(medallion, event(one(1, **change), whole=False), withdraw_tags="false-*")
    assert "1 in" in said["data"]["detail"], said
    gone = medallion.objects()[name]
    assert gone["revoked"] is True
    add(medallion, event(one(1), whole=False))
    back = medallion.objects()[name]
    assert not back.get("revoked") and back["modified"] > gone["modified"]


def test_what_left_the_event_and_an_event_that_goes_are_revoked(medallion: Medallion) -> None:
    one, uuid = numbered(5000), EVENT[:-1] + "5"
    add(medallion, event(one(1), one(2), uuid=uuid))
    add(medallion, event(one(1), uuid=uuid, timestamp="1767312999"))
    found = medallion.objects()
    assert found[f"indicator--{one(2)['uuid']}"]["revoked"] is True
    assert found[f"report--{uuid}"]["object_refs"] and not found[f"report--{uuid}"].get("revoked")
    bare = event(whole=False, uuid=uuid, published=False, info="a title that nobody shall see")
    del bare["Event"]["Attribute"]
    add(medallion, bare)
    found = medallion.objects()
    assert found[f"indicator--{one(1)['uuid']}"]["revoked"] is True and found[f"report--{uuid}"]["revoked"] is True
    assert "nobody shall see" not in json.dumps(found)
    add(medallion, event(one(1), uuid=uuid, timestamp="1767313999"))
    found = medallion.objects()
    assert not found[f"indicator--{one(1)['uuid']}"].get("revoked") and not found[f"report--{uuid}"].get("revoked")


def test_an_event_that_was_never_there_leaves_nothing(medallion: Medallion) -> None:
    uuid = EVENT[:-1] + "6"
    bare = event(whole=False, uuid=uuid, published=False)
    del bare["Event"]["Attribute"]
    add(medallion, bare)
    assert f"report--{uuid}" not in medallion.objects()


def test_without_the_report_there_are_indicators_alone(medallion: Medallion) -> None:
    one, uuid = numbered(7000), EVENT[:-1] + "7"
    add(medallion, event(one(1), uuid=uuid), report="false")
    found = medallion.objects()
    assert f"indicator--{one(1)['uuid']}" in found and f"report--{uuid}" not in found


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"password": "wrong"}, "401"),
        ({"collection": READ_ONLY}, "cannot be written"),
        ({"collection": "5f1d8b8a-0000-4000-8000-00000000000f"}, "404"),
    ],
)
def test_medallion_says_no(medallion: Medallion, params: dict[str, str], told: str) -> None:
    assert told in add(medallion, event(attribute(1), whole=False), **params)["error"]


def test_a_collection_that_cannot_be_read_takes_and_cannot_be_asked_again(medallion: Medallion) -> None:
    one = numbered(8000)
    said = add(medallion, event(one(1), whole=False), collection=WRITE_ONLY)
    assert "1 in" in said["data"]["detail"], said
    said = add(medallion, event(one(1), whole=False), collection=WRITE_ONLY)
    assert "whether it is there already is not known" in said["error"], said


def test_no_request_is_larger_than_the_api_root_takes(tmp_path: Path) -> None:
    with medallion_running(tmp_path, limit=6_000) as small:
        one = numbered(9000)
        rows = [*map(one, range(20)), one(30, kind="url", value=f"https://n.example/{'x' * 7000}")]
        said = add(small, event(*rows, whole=False))
        assert "20 in, 1 refused" in said["data"]["detail"] and "6,000 bytes" in said["data"]["detail"], said
        assert sum(uid.startswith("indicator--") for uid in small.objects()) == 20
        log = (tmp_path / "medallion.log").read_text()
        assert log.count("POST") > 5 and " 413 " not in log


def test_an_event_has_one_indicator_for_each_attribute_all_its_life(medallion: Medallion) -> None:
    """Published, once more, corrected, added to, unpublished, deleted, published again with one attribute less."""
    one, uuid, later = numbered(9500), EVENT[:-1] + "9", itertools.count(int(time.time()) - 1000)
    first, second = one(1), one(2, timestamp=str(next(later)))
    bare = event(whole=False, uuid=uuid, published=False)
    del bare["Event"]["Attribute"]
    corrected = {**first, "value": "corrected.example", "timestamp": str(next(later))}
    for data, more in (
        (event(first, uuid=uuid), {}),
        (event(first, uuid=uuid), {}),
        (event(corrected, uuid=uuid), {}),
        (event(second, uuid=uuid, whole=False), {}),
        (bare, {}),
        (event(corrected, second, uuid=uuid), {"event_goes": "true"}),
        (event(second, uuid=uuid), {}),
    ):
        assert "error" not in add(medallion, data, **more)
    seen = {
        number: [_told(told) for told in medallion.versions(f"indicator--{one(number)['uuid']}")] for number in (1, 2)
    }
    assert seen == {  # unpublished, and deleted
        1: ["n9501.example", "corrected.example", "revoked", "revoked"],
        2: ["n9502.example", "revoked", "revoked", "n9502.example"],
    }


def _told(one: dict[str, Any]) -> str:
    return "revoked" if one.get("revoked") else str(one["pattern"].split("'")[1])


# --- what the standard allows, and medallion does not do --------------------------------------------------------------


@pytest.fixture
def server(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Standard:
    monkeypatch.setattr(taxii, "FIRST_PAUSE", 0.01)
    return Standard(receiver)


def is_indicator(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one["id"] == f"indicator--{attribute(number)['uuid']}"


def there() -> set[str]:
    return {row.item for row in ledger_of(settings.current()).of(EVENT)}


def test_a_token_goes_along(server: Standard) -> None:
    said = add(server, event(attribute(1), whole=False), username="", password="", token="a-long-token")
    assert said["data"]["status"] == "delivered", said
    assert {one.header("Authorization") for one in server.receiver.requests} == {"Bearer a-long-token"}


def test_a_pending_status_is_asked_until_it_is_complete(server: Standard) -> None:
    server.pending = 3
    said = add(server, event(attribute(1), whole=False))
    assert said["data"]["status"] == "delivered" and server.posts() == 1, said
    assert [one.path for one in server.receiver.requests[-3:]] == ["/root/status/status-1/"] * 3


def test_a_status_that_stays_pending_is_asked_later_and_nothing_is_sent_twice(
    server: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taxii, "SPARE", 60.0)  # no time to wait
    monkeypatch.setattr(taxii, "LATER", 0.0)
    server.pending, server.bad = 2, is_indicator(2)
    said = add(server, event(attribute(1), attribute(2), whole=False))
    assert said["data"]["status"] == "queued" and "asked for them later" in said["data"]["detail"], said
    assert there() == set()
    settle()
    assert server.posts() == 1 and there() == {attribute(1)["uuid"]}


def test_a_status_that_is_forgotten_meanwhile_is_made_anew(server: Standard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taxii, "SPARE", 60.0)
    monkeypatch.setattr(taxii, "LATER", 0.0)
    server.pending = 1
    add(server, event(attribute(1), whole=False))
    server.statuses.clear()
    settle()
    assert server.posts() == 2 and there() == {attribute(1)["uuid"]}


def test_what_is_refused_is_told_and_the_rest_is_in(server: Standard) -> None:
    server.bad = is_indicator(2)
    said = add(server, event(*map(attribute, (1, 2, 3)), whole=False))
    assert "2 in, 1 refused: no such pattern" in said["data"]["detail"], said
    assert there() == {attribute(1)["uuid"], attribute(3)["uuid"]}


def test_failures_that_are_not_named_are_looked_for(server: Standard) -> None:
    server.bad, server.terse = is_indicator(2), True
    said = add(server, event(*map(attribute, (1, 2, 3)), whole=False))
    assert "2 in, 1 refused" in said["data"]["detail"] and "does not say which" in said["data"]["detail"], said


def test_a_server_without_a_manifest_says_what_it_refuses_all_the_same(server: Standard) -> None:
    server.bad = is_indicator(2)
    server.before = lambda request: answer({}, 404) if "manifest" in request.path else None
    said = add(server, event(*map(attribute, (1, 2, 3)), whole=False))
    assert "2 in, 1 refused: no such pattern (the collection cannot be read" in said["data"]["detail"], said
    assert there() == {attribute(1)["uuid"], attribute(3)["uuid"]}


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_as_a_whole_is_sent_in_parts(server: Standard, status: int) -> None:
    bad = is_indicator(2)

    def strict(request: Received) -> Any:
        if request.method != "POST" or not any(map(bad, request.json()["objects"])):
            return None
        return answer({"title": "Unprocessable", "description": "a pattern is none"}, status)

    server.before = strict
    said = add(server, event(*map(attribute, (1, 2, 3)), whole=False))
    assert "2 in, 1 refused" in said["data"]["detail"] and "a pattern is none" in said["data"]["detail"], said


def test_a_server_that_refuses_everything_is_not_asked_for_each(
    server: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taxii, "MOST_PARTS", 5)
    server.before = lambda request: answer({"title": "no"}, 422) if request.method == "POST" else None
    assert "422" in add(server, event(*map(attribute, range(40)), whole=False))["error"]
    assert server.posts() < 15


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answer({"title": "Unauthorized"}, 401), "401 Unauthorized: Unauthorized; check the credentials"),
        (answer({"title": "Forbidden", "description": "not yours"}, 403), "Forbidden: not yours"),
        (answer({}, 406), "406"),
        (answer(b"<html>", 200), "check the address"),
        (answer({"id": "x"}, 200), "check the address"),
        (answer({}, 204), "204"),
    ],
)
def test_a_no_is_an_error(server: Standard, reply: Any, told: str) -> None:
    server.before = lambda request: reply if request.method == "POST" else None
    assert told in add(server, event(attribute(1), whole=False))["error"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"status": "failed"}, "check the address"),
        ({"status": "complete", "success_count": 0}, "does not say which"),
        ({"status": "complete", "failure_count": "many", "failures": [{}, 7], "successes": "x"}, ""),
        ({"status": "complete", "failure_count": 9, "failures": 7, "successes": [[]]}, "does not say which"),
    ],
)
def test_a_status_of_another_shape_is_no_failure_of_ours(server: Standard, status: Any, told: str) -> None:
    """What it does not say is in counts as not in, unless the manifest knows it."""
    server.before = lambda request: answer({"id": "x", **status}, 202) if request.method == "POST" else None
    said = add(server, event(attribute(1), whole=False))
    assert "our own code" not in str(said) and "cannot be made" not in str(said)
    assert told in said["error"] if told else said["data"]["status"] == "delivered", said


@pytest.mark.parametrize("rows", [7, [{}], [{"id": 7}], {"a": "b"}, None])
def test_a_manifest_of_another_shape_knows_nothing(server: Standard, rows: Any) -> None:
    server.bad = is_indicator(1)
    server.before = lambda request: answer({"objects": rows}) if "manifest" in request.path else None
    assert "no such pattern" in add(server, event(attribute(1), whole=False))["error"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_limit_waits_as_long_as_it_says(server: Standard, status: int) -> None:
    server.before = lambda request: answer({}, status, {"Retry-After": "600"}) if request.method == "POST" else None
    said = add(server, event(attribute(1), whole=False))
    assert said["data"]["status"] == "queued", said
    deliver.stop()  # so that the outbox says what it was told
    (entry,) = deliver.house(settings.current()).outbox.entries()
    assert entry.due - entry.created > 500


def settle() -> None:
    """Send on what waits, until nothing does."""
    deliver.resume()
    keeper = deliver.house(settings.current())
    for _ in range(1200):
        if not keeper.outbox.anything_waits():
            return
        time.sleep(0.05)
    raise AssertionError("something still waits")


def test_a_manifest_without_an_end_is_read_for_a_while(server: Standard) -> None:
    """A server that says for ever that there are more is not asked for ever, at each try anew."""
    asked = []

    def before(request: Received) -> Any:
        if "manifest" in request.path:
            asked.append(request.target)
            return answer({"more": True, "next": str(len(asked)), "objects": []})
        return (
            answer({"id": "x", "status": "complete", "failure_count": "9" * 400}, 202)
            if request.method == "POST"
            else None
        )

    server.before = before
    said = add(server, event(attribute(1), whole=False))
    assert len(asked) == taxii.MOST_PAGES
    assert "999" not in said["error"]
