"""Every body that MISP sent, and an event of 10,000 attributes, through every action that tells people."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from misp_workflow.delivery import digest
from misp_workflow.effects import Effect, Mail, Notification, Post, to_json
from misp_workflow.testing.contract import ActionFile, sample_params, trouble_with
from misp_workflow.testing.hostile import spellings

FOLDER = Path(__file__).parents[2] / "misp_modules/modules/action_mod"
SECRETS = ("password", "confirm_password", "authkey")
TITLES = {
    "attribute-after-save": "Attribute saved in event 56: capture base event",
    "enrichment-before-query": "Enrichment about to ask rec_expand",
    "event-after-save": "Event 59: after save add",
    "event-after-save-new": "Event 60: after save new",
    "event-after-save-new-from-pull": "Event 82: pulled from remote",
    "event-before-save": "New event: before save add",
    "event-publish": "Event 57: publish me rich",
    "event-report-after-save": "Report saved in event 56: capture base event",
    "log-after-save": "Log entry: edit on User",
    "object-after-save": "MISP sent an empty event",
    "post-after-save": "New post: Discussion about Event #56 (capture base event)",
    "shadow-attribute-after-save": "Proposal of a new attribute in event 56: capture base event",
    "shadow-attribute-before-save": "Proposal of a new attribute in event 56: capture base event",
    "sighting-after-save": "Event 56: capture base event (only a withheld attribute was touched)",  # it is TLP:RED
    "tag-attached-after-save": "Event 56: capture base event (only a withheld attribute was touched)",  # the same
    "user-after-save": "New user joined: u1795292422",
    "user-before-save": "User about to be saved: u1795292416",
}


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    return len(text.encode())


def card_as_teams_stores_it(post: Post) -> int:
    return len(json.dumps(json.dumps(post.json)))


def matrix_event(post: Post) -> int:
    overhead = 2_000  # sender, room, signatures, hashes, references to events before it
    return len(json.dumps(post.json, ensure_ascii=False).encode()) + overhead


# The vendors' limits, written down once more and measured as the vendor measures; the actions have theirs.
LIMITS: dict[str, tuple[Callable[[Any], int], int]] = {
    "slack_message": (lambda post: len(post.json["text"]), 4_000),
    "teams_card": (card_as_teams_stores_it, 28_672),
    "mattermost_message": (lambda post: len(post.json["text"]), 16_383),
    "matrix_message": (matrix_event, 65_536),
    "rocketchat_message": (lambda post: len(post.json["text"]), 5_000),
    "discord_message": (lambda post: len(post.json["embeds"][0]["description"]), 4_096),
    "telegram_message": (lambda post: utf16(post.json["text"]), 4_096),
    "googlechat_message": (lambda post: utf8(json.dumps(post.json, ensure_ascii=False)), 32_000),
    "nextcloud_message": (lambda post: len(post.json["message"]), 32_000),
    "zulip_message": (lambda post: len(post.form["content"]), 10_000),
    "webex_message": (lambda post: utf8(post.json["markdown"]), 7_439),
    "pagerduty_event": (lambda post: len(json.dumps(post.json)), 512 * 1024),
    "email_message": (lambda mail: len(mail.subject), 998),
    "apprise_notification": (lambda notification: len(notification.text), 30_000),
}
EXTRA = {
    "apprise_notification": {"service_url": "pover://user@token"},
    "email_message": {"sender": "misp@example.org", "recipients": "soc@example.org", "smtp_server": "127.0.0.1"},
}


@pytest.fixture(scope="module", params=sorted(LIMITS))
def action(request: pytest.FixtureRequest) -> ActionFile:
    return ActionFile.load(FOLDER / f"{request.param}.py")


@pytest.fixture(autouse=True)
def _unmarked_calls_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts and events before they are saved carry no marking, and go nowhere unless the settings say otherwise."""
    (tmp_path / "settings.toml").write_text('[defaults]\nunmarked_there = "amber"\n')
    monkeypatch.setenv("MISP_WORKFLOW_CONFIG", str(tmp_path / "settings.toml"))


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> list[Effect]:
    """What would go out, taken at the door to delivery; MISP hears that it is queued."""
    from misp_workflow.delivery import deliver
    from misp_workflow.effects import Receipt

    taken: list[Effect] = []

    def take(parcels: list[Any], **_: Any) -> list[Receipt]:
        taken.extend(parcel.effect for parcel in parcels)
        return [Receipt(status="queued", detail="queued", key=parcel.key) for parcel in parcels]

    monkeypatch.setattr(deliver, "deliver", take)
    return taken


def ask(action: ActionFile, body: dict[str, Any], **more: str) -> Any:
    params = sample_params(action, "http://127.0.0.1:1") | EXTRA.get(action.name, {}) | more
    return action.ask(json.dumps({**body, "module": action.name, "params": params}).encode())


def written(effect: Effect) -> str:
    """Return everything that goes out, readable: no escapes of JSON, forms or markup that our own titles do not need."""
    if isinstance(effect, Post):
        return json.dumps(effect.json or effect.form, ensure_ascii=False)
    assert isinstance(effect, (Mail, Notification))
    return json.dumps(to_json(effect), ensure_ascii=False)


def plain(text: str) -> str:
    return html.unescape(text.replace("\\", "").replace("\u200b", ""))


@pytest.mark.parametrize("trigger", sorted(TITLES))
def test_each_trigger_has_a_message_that_says_what_happened(
    trigger: str, action: ActionFile, captures: dict[str, Any], effects: list[Effect]
):
    reply = ask(action, captures[trigger])
    assert trouble_with(reply) == "" and reply["data"]["status"] == "queued", reply
    (effect,) = effects
    said = plain(written(effect))
    assert TITLES[trigger] in said
    assert "_AttributeFlattened" not in said and "198.51.100.7" not in said
    secrets = {str(captures[trigger]["data"].get(name) or "") for name in SECRETS} - {""}
    assert not [form for secret in secrets for form in spellings(secret) if form in written(effect).encode()]


def test_the_captures_are_all_here(captures: dict[str, Any]):
    assert {name for name in captures if not name.startswith("variant-")} == set(TITLES)


def big_event(captures: dict[str, Any], attributes: int) -> dict[str, Any]:
    """Return an event-publish with so many attributes of many types, tags of all kinds, and long texts."""
    body = json.loads(json.dumps(captures["event-publish"]))
    event = body["data"]["Event"]
    row = next(row for row in event["Attribute"] if row["type"] == "url")
    event["Attribute"] = [
        {
            **row,
            "id": str(n),
            "uuid": f"0000-{n}",
            "type": f"type-{n % 300}",
            "value": f"https://evil{n}.example/\"<&>'",
        }
        for n in range(attributes)
    ]
    event["Tag"] += [{"name": f"misp-galaxy:malware=\"Family {n} \\ 'quoted' ünïcode\""} for n in range(400)]
    event["Tag"] += [{"name": f"workflow:state-{n}"} for n in range(400)]
    event["info"] = 'Ünïcode \U0001f600 "quoted" <b> *bold* [x](y) \\ ' * 2_000
    event["_AttributeFlattened"] = []
    return body


@pytest.fixture(scope="module")
def large(captures: dict[str, Any]) -> dict[str, Any]:
    return big_event(captures, 10_000)


@pytest.fixture(scope="module")
def long(captures: dict[str, Any]) -> dict[str, Any]:
    return big_event(captures, 1_500)


EVERYTHING = "{% for row in attributes() %}{{ row.value }} {{ event.info|truncate(90) }}\n{% endfor %}"


def within_limits(action: ActionFile, body: dict[str, Any], message: str, effects: list[Effect]) -> None:
    reply = ask(action, body, message=message)
    assert trouble_with(reply) == "" and "data" in reply, reply
    measure, limit = LIMITS[action.name]
    assert effects and all(0 < measure(effect) <= limit for effect in effects)
    assert all(effect.digest_limit <= limit for effect in effects if not isinstance(effect, Mail))


def test_a_summary_of_ten_thousand_attributes_stays_within_the_limits(
    action: ActionFile, large: dict[str, Any], effects: list[Effect]
):
    within_limits(action, large, "", effects)


def test_a_message_of_all_attributes_stays_within_the_limits(
    action: ActionFile, long: dict[str, Any], effects: list[Effect]
):
    within_limits(action, long, EVERYTHING, effects)


def test_the_small_places_have_limits_of_their_own(long: dict[str, Any], effects: list[Effect]):
    for name in ("slack_message", "pagerduty_event", "zulip_message", "teams_card"):
        ask(ActionFile.load(FOLDER / f"{name}.py"), long)
    slack, pagerduty, zulip, teams = effects
    assert len(slack.json["blocks"][0]["text"]["text"]) <= 150 and len(slack.json["blocks"][1]["text"]["text"]) <= 3_000
    assert len(pagerduty.json["payload"]["summary"]) <= 1_024 and len(pagerduty.json["dedup_key"]) <= 255
    assert len(dict(parse_qsl(f"topic={zulip.form['topic']}"))["topic"]) <= 60
    assert len(teams.json["attachments"][0]["content"]["body"][1]["facts"]) < 30


NEVER_GATHERED = {"pagerduty_event", "nextcloud_message"}  # one alert per attribute; a signature over the one message


def test_a_storm_about_one_event_becomes_one_message(
    action: ActionFile, captures: dict[str, Any], effects: list[Effect]
):
    for number in range(60):
        body = json.loads(json.dumps(captures["attribute-after-save"]))
        row = body["data"]["Event"]["Attribute"][0]
        row |= {"uuid": f"u-{number}", "value": f"evil{number}.example", "comment": f"seen {number} times " * 15}
        assert "data" in ask(action, body)
    assert len(effects) == 60
    if action.name in NEVER_GATHERED:
        assert not any(effect.digest for effect in effects)
        return
    assert len({digest.bundle(effect, action.name, "lane") for effect in effects}) == 1
    merged = digest.merge(effects, 60.0)
    measure, limit = LIMITS[action.name]
    assert 0 < measure(dataclasses.replace(merged, subject="x") if isinstance(merged, Mail) else merged) <= limit
    said = plain(written(merged))
    assert "60 messages in 60 s" in said and "Attribute saved in event 56" in said
