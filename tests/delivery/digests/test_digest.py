"""Many messages as one: what it says, and that it is as long as it may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from misp_workflow.delivery import digest
from misp_workflow.effects import Post


def message(text: str, **fields) -> Post:
    return Post(**{"label": "chat", "url": "http://x/", "json": {"text": text}, "digest": ("json.text",), **fields})


def test_all_are_shown_when_they_fit() -> None:
    assert digest.gathered(["a", "b\nc", "a"], 60, 100) == "3 messages in 60 s:\n2 × a\nb\nc"


def test_first_lines_are_shown_when_only_they_fit() -> None:
    texts = [f"attribute {n}\n" + "x" * 200 for n in range(5)]
    told = digest.gathered(texts, 300, 200)
    assert told == "5 messages in 5 min:\n" + "\n".join(f"attribute {n}" for n in range(5))


def test_the_rest_is_counted() -> None:
    told = digest.gathered([f"attribute {n}" for n in range(500)], 60, 200)
    head, *shown, rest = told.split("\n")
    assert head == "500 messages in 60 s:"
    assert rest == f"… and {500 - len(shown)} more that do not fit here"
    assert len(told) <= 200


@given(st.lists(st.text(max_size=60), min_size=2, max_size=80), st.integers(120, 4000))
def test_it_says_how_many_and_keeps_to_the_limit(texts: list[str], limit: int) -> None:
    told = digest.gathered(texts, 60, limit)
    assert told.startswith(f"{len(texts)} messages in 60 s:")
    assert len(told) <= limit


def attribute_saved(value: str, event: str = "56") -> str:
    lines = [f"*Attribute saved in event {event}: x*", "*TLP:* AMBER", f"*Value:* {value}", "*Type:* domain"]
    return "\n".join([*lines, "*Comment:* " + "c" * 120, f"<https://misp/events/view/{event}|Open the event>"])


def test_a_storm_tells_each_value_and_what_all_share_once() -> None:
    told = digest.gathered([attribute_saved(f"n-{n}.example") for n in range(20)], 2, 1500)
    assert len(told) <= 1500
    assert all(f"– *Value:* n-{n}.example\n" in told + "\n" for n in range(20))
    for shared in ("20 × *Attribute saved in event 56: x*", "*TLP:* AMBER", "|Open the event>"):
        assert told.count(shared) == 1
    assert "more that do not fit" not in told


def test_storms_of_two_events_stand_apart() -> None:
    texts = [attribute_saved(f"n-{n}.example", str(56 + n % 2)) for n in range(20)]
    told = digest.gathered(texts, 2, 1900)
    assert (
        told.count("10 × *Attribute saved in event 56: x*") == told.count("10 × *Attribute saved in event 57: x*") == 1
    )
    assert told.count("|Open the event>") == 2
    assert told.index("n-18.example") < told.index("event 57") < told.index("n-1.example")


def test_what_does_not_fit_is_counted_member_by_member() -> None:
    told = digest.gathered([attribute_saved(f"n-{n}.example") for n in range(200)], 2, 1500)
    shown = told.count("– *Value:*")
    assert 20 < shown < 200
    assert told.endswith(f"… and {200 - shown} more that do not fit here")


def test_the_tlp_is_told_however_little_fits() -> None:
    storm = [attribute_saved(f"{'long-' * 20}{number}.example") for number in range(200)]
    _, told, *rows = digest.gathered(storm, 60, 4_000).splitlines()
    assert "AMBER" in told and rows[0].startswith("– *Value:* long-"), "what all share once"
    mixed = [text.replace("AMBER", ("GREEN", "AMBER")[place % 2]) for place, text in enumerate(storm)]
    rows = digest.gathered(mixed, 60, 4_000).splitlines()[2:-1]
    assert rows and all("*Value:*" in row and ("GREEN" in row or "AMBER" in row) for row in rows)
    events = [attribute_saved("x.example", str(number)) for number in range(200)]
    assert all("AMBER" in row for row in digest.gathered(events, 60, 4_000).splitlines()[1:-1])


def test_what_belongs_to_one_message_only_is_left_out() -> None:
    first = message("one", json={"text": "one", "blocks": [1], "to": "#a"}, digest=("json.text", "json.blocks"))
    second = message("two", json={"text": "two", "blocks": [2], "to": "#a"}, digest=("json.text", "json.blocks"))
    assert digest.bundle(first, "slack", "lane") == digest.bundle(second, "slack", "lane")
    merged = digest.merge([first, second], 5)
    assert merged.json == {"text": "2 messages in 5 s:\none\ntwo", "to": "#a"}
    assert merged.label == "chat (2 in one)"
    assert first.json == {"text": "one", "blocks": [1], "to": "#a"}, "the effects stay as they are"


def test_only_what_differs_by_its_text_alone_goes_together() -> None:
    same = digest.bundle(message("a"), "slack", "lane")
    assert same == digest.bundle(message("b", label="another"), "slack", "lane")
    others = [
        digest.bundle(message("a", url="http://y/"), "slack", "lane"),
        digest.bundle(message("a", bearer="t"), "slack", "lane"),
        digest.bundle(message("a"), "teams", "lane"),
        digest.bundle(message("a"), "slack", "other lane"),
    ]
    assert len({same, *others}) == 5


def test_text_in_a_form_and_in_a_body() -> None:
    form = [message("", json=None, form={"to": "x", "content": text}, digest=("form.content",)) for text in "ab"]
    assert digest.merge(form, 5).form == {"to": "x", "content": "2 messages in 5 s:\na\nb"}
    body = [message("", json=None, body=text, digest=("body",)) for text in "ab"]
    assert digest.merge(body, 5).body == "2 messages in 5 s:\na\nb"


def test_every_secret_of_every_member_stays_known() -> None:
    merged = digest.merge([message("a", secrets=("s1",)), message("b", secrets=("s2", "s1"))], 5)
    assert merged.secrets == ("s1", "s2")


def test_the_key_of_a_batch_is_that_of_its_members() -> None:
    assert digest.batch_key(["a", "b"]) == digest.batch_key(["b", "a"]) != digest.batch_key(["a", "c"])
