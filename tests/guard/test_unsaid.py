"""Of which calls MISP does not send the marking, and what it is to be asked for: by shape, as MISP 2.5 sends them."""

from __future__ import annotations

from typing import Any

import pytest

from misp_workflow.delivery.guard import Found, Unsaid, completed, unsaid, with_event_tags

UUID = "00000000-0000-4000-8000-000000000007"
ROW = "00000000-0000-4000-9000-000000000001"
RED = {"name": "tlp:red"}
ATTRIBUTE = {"uuid": ROW, "id": "1", "event_id": "7", "type": "domain", "value": "a.example"}
LINK = {"id": "3", "tag_id": 9}


def event(**members: Any) -> dict[str, Any]:
    """An event as MISP sends it just after it was saved, and what else it has; a member that is None is not there."""
    whole = {"id": "7", "uuid": UUID, "info": "x", **members}
    return {"Event": {name: value for name, value in whole.items() if value is not None}}


def before(tags: tuple[str, ...] = ()) -> Unsaid:
    return Unsaid("an event before it is saved", True, tags=tags)


def saved(number: str = UUID) -> Unsaid:
    return Unsaid("an event just after it was saved", False, event=number)


def attribute(number: str = UUID, *rows: str) -> Unsaid:
    return Unsaid("an attribute just after it was saved", False, event=number, attributes=rows or (ROW,))


def log(**members: str) -> Unsaid:
    return Unsaid("a log entry about an event", True, **members)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # just after it was saved: nothing but the event's own columns
        (event(), saved()),
        (event(uuid=None), saved("7")),
        (event(uuid=""), saved("7")),
        (event(info=""), None),
        (event(info=None), None),
        (event(Tag=[]), None),
        (event(Tag=[RED]), None),
        (event(EventTag=[{**LINK, "Tag": RED}]), None),
        (event(EventTag=[{**LINK, "name": "tlp:red"}]), None),
        (event(RelatedEvent=[]), None),
        (event(Attribute=[]), saved()),
        (event(Attribute=[{"value": "written by hand"}]), None),
        (event(Object=[{"name": "file"}]), None),
        ({**event(), "_module": "dns"}, None),
        ([event()], None),
        (None, None),
        # an edit, before it is saved
        (event(CryptographicKey=[]), Unsaid("an event before it is saved", True, event=UUID)),
        # a new one, before it is saved: with the numbers of its tags, or without any
        (event(id=None, EventTag=[LINK, LINK, {"tag_id": "10"}, {"tag_id": 0}, {}]), before(("9", "10"))),
        (event(id=None, Tag=[RED], EventTag=[LINK]), before(("9",))),
        (event(id=None, Attribute=[{**ATTRIBUTE, "AttributeTag": [LINK]}]), before(("9",))),
        (event(id=None, Attribute=[{**ATTRIBUTE, "EventTag": [LINK]}, {"Tag": [RED]}]), before(("9",))),
        (event(id=None, _AttributeFlattened=[]), before()),
        (event(id=None, _AttributeFlattened=[], Tag=[RED]), None),
        (event(id=None), None),
        (event(EventTag=[LINK]), before(("9",))),
        # one attribute, just after it was saved: its own tags are not there, and its event's may be
        (event(Attribute=[ATTRIBUTE]), attribute()),
        (event(Attribute=[ATTRIBUTE], uuid=None), attribute("7")),
        (event(Attribute=[ATTRIBUTE], _AttributeFlattened=[ATTRIBUTE]), attribute()),
        (event(Attribute=[ATTRIBUTE], Tag=[RED]), attribute("")),
        (event(Attribute=[{**ATTRIBUTE, "Tag": []}]), None),
        (event(Attribute=[{**ATTRIBUTE, "AttributeTag": [{**LINK, "Tag": RED}]}]), None),
        (event(Attribute=[{**ATTRIBUTE, "Sighting": [{"id": "1"}]}]), None),
        (event(RelatedEvent=[], Attribute=[ATTRIBUTE]), None),
        # posts say which event they are about, or which thread; log entries say it by number
        ({**event(), "Post": {}}, Unsaid("a post", True, event=UUID)),
        ({**event(Tag=[]), "Post": {}}, None),
        ({"Post": {}, "Thread": {"event_id": "7"}}, Unsaid("a post", True, event="7")),
        ({"Post": {}, "Thread": {"event_id": "0"}}, Unsaid("a post", True)),
        ({"Post": {}}, Unsaid("a post", True)),
        ({"Log": {"model": "Event", "model_id": "7"}}, log(event="7")),
        ({"Log": {"model": "Event", "model_id": 7}}, log(event="7")),
        ({"Log": {"model": "Attribute", "model_id": "1"}}, log(row="1")),
        ({"Log": {"model": "Object", "model_id": "1"}}, log()),
        ({"Log": {}}, log()),
        ({"Log": {"model": "User", "model_id": "1"}}, None),
        # what cannot stand in a question is no name of an event
        ({"Log": {"model": "Event", "model_id": True}}, log()),
        ({"Log": {"model": "Event", "model_id": "7/../8"}}, log()),
        ({"Log": {"model": "Event", "model_id": "7" * 37}}, log()),
        ({"Log": {"model": "Event", "model_id": "7" * 36}}, log(event="7" * 36)),
        ({"Log": {"model": "Event", "model_id": ["7"]}}, log()),
        ({"Log": {"model": "Event", "model_id": "----"}}, log()),
    ],
)
def test_what_misp_does_not_say(data: Any, expected: Unsaid | None) -> None:
    assert unsaid(data) == expected


@pytest.mark.parametrize("known", [{}, {"event": "7"}, {"attributes": (ROW,)}, {"tags": ("9",)}, {"row": "1"}])
def test_misp_can_be_asked_for_what_has_a_name(known: dict[str, Any]) -> None:
    assert Unsaid("something", False, **known).askable is bool(known)


def test_what_misp_said_stands_where_it_belongs() -> None:
    inherited = {**RED, "inherited": True}
    rows = [{**ATTRIBUTE, "_allTags": [inherited]}, {**ATTRIBUTE, "uuid": "another"}]
    given = event(Attribute=rows, EventTag=[LINK, {"tag_id": 8}, {"tag_id": 9, "name": "kept"}])
    green = [{"name": "tlp:green"}]
    got = completed(given, Found(attributes={ROW: green}, names={"9": "tlp:amber"}))["Event"]
    assert got["Attribute"] == [{**rows[0], "Tag": green, "_allTags": [inherited, *green]}, rows[1]]
    assert got["EventTag"] == [
        {**LINK, "Tag": {"id": 9, "name": "tlp:amber"}},
        {"tag_id": 8},
        {"tag_id": 9, "name": "kept"},
    ]
    assert completed(given, Found()) is given
    assert with_event_tags(given, green) == event(Attribute=rows, EventTag=given["Event"]["EventTag"], Tag=green)
    assert with_event_tags({"Log": {}}, green) == {"Log": {}, "Tag": green}
    assert with_event_tags(["x"], green) == ["x"]
