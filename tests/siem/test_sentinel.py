"""Indicators for Microsoft Sentinel, against a receiver that answers as its upload API and Entra are documented to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from siem_kit import EVENT, ask, attribute, event

from misp_workflow import settings
from misp_workflow.delivery.ledger import ledger_of
from misp_workflow.delivery.transports.request import tokens
from misp_workflow.testing import Receiver, answer

pytestmark = pytest.mark.usefixtures("misp_stix")

SECRET = "s3cret-of-the-application"
TOKEN = answer({"token_type": "Bearer", "expires_in": 3599, "access_token": "token-one"})
OTHER_TOKEN = answer({"token_type": "Bearer", "expires_in": 3599, "access_token": "token-two"})
IN = answer(b"")


@pytest.fixture(autouse=True)
def _no_token_of_others() -> None:
    tokens._known.clear()


def upload(receiver: Receiver, data: dict[str, Any], **more: str) -> dict[str, Any]:
    given = {"tenant_id": "tenant-1", "client_id": "client-1", "client_secret": SECRET, "workspace_id": "workspace-1"}
    return ask("sentinel_indicator", data, server_url=receiver.url, login_url=receiver.url, **given, **more)


def refused(*places: int) -> Any:
    message = "Error for Property=pattern: Required property is missing. Actual value: NULL."
    return answer({"errors": [{"recordIndex": place, "errorMessages": [message]} for place in places]})


def objects(request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request.json()["stixobjects"]
    return found


def test_an_indicator_for_each_attribute_goes_with_a_token(receiver: Receiver) -> None:
    receiver.answers(TOKEN, IN)
    said = upload(receiver, event(attribute(1), attribute(2), Tag=[{"name": "TLP:GREEN"}]))
    assert said["data"]["status"] == "delivered" and "2 in" in said["data"]["detail"], said
    login, sent = receiver.requests
    assert login.path == "/tenant-1/oauth2/v2.0/token"
    form = dict(pair.split("=") for pair in login.body.decode().split("&"))
    assert (form["grant_type"], form["client_id"], form["client_secret"]) == ("client_credentials", "client-1", SECRET)
    assert sent.path == "/workspaces/workspace-1/threat-intelligence-stix-objects:upload"
    assert (
        dict(sent.query) == {"api-version": "2024-02-01-preview"} and sent.header("Authorization") == "Bearer token-one"
    )
    assert sent.json()["sourcesystem"] == "MISP"
    first, _ = objects(sent)
    assert first["id"] == f"indicator--{attribute(1)['uuid']}" and first["name"] == "bulk"
    assert first["object_marking_refs"] == ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]
    assert {"created", "modified", "pattern", "pattern_type", "valid_from"} <= first.keys()


def test_the_token_is_kept_and_a_refused_one_is_asked_for_anew_once(receiver: Receiver) -> None:
    receiver.answers(TOKEN, IN, answer({}, 401), OTHER_TOKEN, IN, answer({}, 401), TOKEN, answer({}, 401))
    upload(receiver, event(attribute(1), whole=False))
    said = upload(receiver, event(attribute(2), whole=False))
    assert said["data"]["status"] == "delivered", said
    assert [one.header("Authorization") for one in receiver.requests if "workspaces" in one.path] == [
        "Bearer token-one", "Bearer token-one", "Bearer token-two",
    ]  # fmt: skip
    said = upload(receiver, event(attribute(3), whole=False))
    assert "401" in said["error"] and len(receiver.requests) == 8, said


def test_a_wrong_secret_is_an_error_that_does_not_say_it(receiver: Receiver) -> None:
    why = f"AADSTS7000215: Invalid client secret provided: {SECRET}"
    receiver.answers(answer({"error": "invalid_client", "error_description": why}, 401))
    said = upload(receiver, event(attribute(1), whole=False))
    assert "AADSTS7000215" in said["error"] and SECRET not in said["error"]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "broken", [answer({}, 503), answer({"error": "temporarily_unavailable"}, 400), answer({}, 429)]
)
def test_when_entra_is_ill_it_is_asked_again(receiver: Receiver, broken: Any) -> None:
    receiver.answers(broken)
    assert upload(receiver, event(attribute(1), whole=False))["data"]["status"] == "queued"


def test_what_is_refused_is_told_and_the_rest_is_in(receiver: Receiver) -> None:
    receiver.answers(TOKEN, refused(1))
    said = upload(receiver, event(*map(attribute, (1, 2, 3)), whole=False))
    assert "2 in, 1 refused: Error for Property=pattern" in said["data"]["detail"], said
    there = {row.item for row in ledger_of(settings.current()).of(EVENT)}
    assert there == {attribute(1)["uuid"], attribute(3)["uuid"]}


def test_what_misp_stix_cannot_make_is_counted_beside_what_sentinel_refuses(receiver: Receiver) -> None:
    receiver.answers(TOKEN, refused(1))
    rows = [attribute(1, value="intranet"), attribute(2), attribute(3), attribute(4, "comment", "no indicator")]
    said = upload(receiver, event(*rows, whole=False))
    detail = said["data"]["detail"]
    assert detail.count("refused") and "1 in" in detail, said
    assert "no domain by misp-stix's own check" in detail and "makes no indicator of its type" in detail
    assert [row.item for row in ledger_of(settings.current()).of(EVENT)] == [attribute(2)["uuid"]]


def test_too_many_requests_wait_as_long_as_it_says(receiver: Receiver) -> None:
    limit = {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 31 seconds."}
    receiver.answers(TOKEN, answer(limit, 429))
    said = upload(receiver, event(attribute(1), whole=False))
    assert said["data"]["status"] == "queued" and "100 requests a minute" in said["data"]["detail"]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answer({}, 404), "404"),
        (answer({"message": "no"}, 400), "400"),
        (answer(b"<html>"), "check the address"),
        (refused(7), "check the address"),
    ],
)
def test_what_is_no_success_is_an_error(receiver: Receiver, reply: Any, told: str) -> None:
    receiver.answers(TOKEN, reply)
    assert told in upload(receiver, event(attribute(1), whole=False))["error"]


def test_a_server_error_is_tried_again(receiver: Receiver) -> None:
    receiver.answers(TOKEN, answer({}, 500))
    assert upload(receiver, event(attribute(1), whole=False))["data"]["status"] == "queued"


def test_no_request_has_more_than_a_hundred_objects(receiver: Receiver) -> None:
    receiver.answers(TOKEN)
    receiver.always(IN)
    said = upload(receiver, event(*map(attribute, range(250)), whole=False))
    assert "250 in" in said["data"]["detail"], said
    assert [len(objects(one)) for one in receiver.requests[1:]] == [100, 100, 50]


@pytest.mark.parametrize("change", [{"deleted": True}, {"to_ids": False}, {"Tag": [{"name": "false-positive"}]}])
def test_what_is_withdrawn_is_revoked(receiver: Receiver, change: dict[str, Any]) -> None:
    receiver.answers(TOKEN)
    receiver.always(IN)
    upload(receiver, event(attribute(1), attribute(2), whole=False))
    (there, _) = objects(receiver.requests[-1])
    upload(receiver, event({**attribute(1), **change}, whole=False), withdraw_tags="false-*")
    (gone,) = objects(receiver.requests[-1])
    assert gone["id"] == there["id"] and gone["revoked"] is True and gone["modified"] > there["modified"]
    assert gone["valid_until"].rstrip("Z") > gone["valid_from"].rstrip("Z")
    upload(receiver, event(attribute(1)))  # the second left the event
    (lost,) = objects(receiver.requests[-1])
    assert lost["id"].endswith(attribute(2)["uuid"]) and lost["revoked"] is True
    rows = {row.item: row.withdrawn for row in ledger_of(settings.current()).of(EVENT)}
    assert rows == {attribute(1)["uuid"]: False, attribute(2)["uuid"]: True}
    assert "n2.example" not in json.dumps(lost)
