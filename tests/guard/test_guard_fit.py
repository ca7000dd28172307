"""Effects become as small as their destination wants them, and say so."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import urlencode

import pytest

from misp_workflow.delivery.guard import fit, size_of
from misp_workflow.effects import Case, Command, Effect, EventPush, Mail, Messages, MispChange, Notification, Post
from misp_workflow.errors import DeliveryError

LONG = "grüße " * 400
URL = "https://example.org/"


def mail(**more: str) -> Mail:
    return Mail(server="mx", port=25, sender="a@example.org", to="b@example.org", **{"text": "short", **more})


@pytest.mark.parametrize(
    "effect",
    [
        Post(url=URL, json={"a": 1}),
        Post(url=URL, body="short"),
        Post(url=URL, body='{"a":  1}', content_type="application/json"),
        Post(url=URL, body='{"a":  1}' + " " * 91, content_type="application/json"),
        Post(url=URL, form={"a": "b"}),
        Post(url=URL),
        mail(),
        MispChange(change="tag"),
    ],
)
def test_what_fits_is_not_touched(effect: Effect) -> None:
    assert fit(effect, 100) is effect
    assert fit(effect, None) is effect


def test_json() -> None:
    small = fit(Post(url=URL, json={"title": "t", "items": list(range(5000))}), 600)
    assert size_of(small.json) <= 600
    assert small.json["title"] == "t"
    assert "left out" in small.json["items"][-1]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON ; charset=utf-8", "application/activity+json"])
def test_a_json_text_stays_json(kind: str) -> None:
    small = fit(Post(url=URL, body=json.dumps({"text": LONG}), content_type=kind), 400)
    assert len(small.body.encode()) <= 400
    assert json.loads(small.body)["text"].endswith("… [cut]")


def test_other_text() -> None:
    for content_type in ("text/plain", "application/json"):
        small = fit(Post(url=URL, body=LONG, content_type=content_type), 100)
        assert len(small.body.encode()) <= 100
        assert small.body.endswith("… [cut]")


def test_a_form() -> None:
    small = fit(Post(url=URL, form={"to": "room", "content": LONG}), 300)
    assert len(urlencode(small.form)) <= 300
    assert small.form["to"] == "room"
    assert small.form["content"].endswith("… [cut]")
    assert len(urlencode(small.form)) > 200, "no more is cut than must be"


@pytest.mark.parametrize("limit", range(100, 104))
def test_of_a_form_no_character_more_is_cut_than_must_be(limit: int) -> None:
    kept = fit(Post(url=URL, form={"content": "x" * 500}), limit).form["content"].removesuffix("… [cut]")
    assert len(urlencode({"content": f"{kept}… [cut]"})) <= limit < len(urlencode({"content": f"{kept}x… [cut]"}))


def test_a_form_that_can_never_fit() -> None:
    form = {f"name-{n}": "1234567" for n in range(5)}
    assert fit(Post(url=URL, form=form), 20).form == form
    assert set(fit(Post(url=URL, form=dict.fromkeys(form, LONG)), 20).form.values()) == {"… [cut]"}


def test_a_mail_loses_its_attachment_first_then_its_html() -> None:
    whole = mail(text=" text \n", html="<p>text</p>", attachment="x" * 1000, attachment_name="event.json")
    small = fit(whole, 200)
    assert (small.attachment, small.html) == ("", "")  # of what is missing only the text says so
    assert small.text == " text\n\n(The attachment “event.json” was too large and is left out.)"
    small = fit(mail(text="text", html="<p>" + "x" * 300), 200)
    assert (small.text, small.html) == ("text", "")
    small = fit(mail(text=LONG, html="<p>x"), 200)
    assert len(small.text.encode()) <= 200
    assert small.text.endswith("… [cut]")


def test_a_notification() -> None:
    assert fit(Notification(url="ntfy://x", text=LONG), 50).text.endswith("… [cut]")
    exact = Notification(url="ntfy://x", text="é" * 40)
    assert len(fit(exact, 50).text.encode()) <= 50


def test_each_message_of_several_is_made_to_fit() -> None:
    small = fit(Messages(url=URL, messages=({"json": {"text": LONG}}, {"form": {"text": LONG}})), 300)
    assert size_of(small.messages[0]["json"]) <= 300
    assert small.messages[0]["json"]["text"].endswith("… [cut]")
    assert len(urlencode(small.messages[1]["form"])) <= 300


def test_what_a_script_reads_is_cut_only_where_it_decides_nothing() -> None:
    whole = {"items": list(range(1000))}
    small = fit(Command(script="s", input=whole), 300).input
    assert size_of(small) <= 300
    assert "left out" in small["items"][-1]
    gate = Command(script="s", input=whole, keep=False)
    assert fit(gate, 300) is gate


def test_a_message_that_is_put_keeps_all_its_members_or_is_refused() -> None:
    put = {"put": "https://example.org/upload", "json": {"text": "t"}}
    assert fit(Messages(url=URL, messages=(put,)), 100).messages == (put,)
    small = fit(Messages(url=URL, messages=({**put, "json": {"text": LONG}},)), 300).messages[0]["json"]
    assert small["text"].endswith("… [cut]")
    for limit in (3, 40):  # cut to null, and to a sentence
        with pytest.raises(DeliveryError, match=rf"A message with a file does not fit .* max_bytes \({limit}\)\."):
            fit(Messages(url=URL, messages=({**put, "json": {f"name {n}": "x" * 100 for n in range(9)}},)), limit)
    with_many = {"json": {f"name {n}": "x" * 100 for n in range(9)}}
    assert fit(Messages(url=URL, messages=(with_many,)), 40).messages[0]["json"] == {"cut": "too large to be sent"}


def test_an_event_for_another_misp_goes_whole_or_not_at_all() -> None:
    push = EventPush(url=URL, api_key="k", event="uuid", at=0.0, body={"Event": {"info": "x" * 2_000}})
    size = len(json.dumps(push.body, separators=(",", ":")))
    assert fit(push, size) is push
    with pytest.raises(DeliveryError) as refused:
        fit(push, size - 1)
    assert str(refused.value) == (
        f"The event has {size:,} bytes, more than the destination takes (max_bytes: {size - 1:,}); nothing was sent."
    )


def test_of_a_case_what_makes_and_what_changes_it_is_cut() -> None:
    said = {"path": "/issues", "json": {"title": "t", "text": LONG}}
    case = Case(url=URL, look=(), found_at="id", id_at="id", create=(said,), event="uuid", at=0.0)
    small = fit(dataclasses.replace(case, update=(said,), comment=({"path": "/x"}, said)), 300)
    for request in (*small.create, *small.update):
        assert request["path"] == "/issues"
        assert request["json"]["title"] == "t"
        assert request["json"]["text"].endswith("… [cut]")
        assert size_of(request["json"]) <= 300
    assert small.comment == ({"path": "/x"}, said)
    form = {"path": "/x", "form": {"a": "b"}}
    assert fit(dataclasses.replace(case, create=(form,)), 300).create == (form,)


def test_a_file_in_a_form_is_cut() -> None:
    post = Post(url=URL, form={"a": "b"}, file={"field": "f", "name": "event.txt", "text": LONG})
    small = fit(post, 100)
    assert len(small.file["text"].encode()) <= 100
    assert (small.file["name"], small.form) == ("event.txt", {"a": "b"})


def test_what_fits_to_the_byte_is_whole() -> None:
    form = {"to": "room", "content": "é" * 20}
    assert fit(Post(url=URL, form=form), len(urlencode(form))).form == form
    assert fit(Post(url=URL, form=form), len(urlencode(form)) - 1).form != form
    whole = mail(text="text", html="<p>text</p>", attachment="x" * 20, attachment_name="a")
    assert fit(whole, 4 + 11 + 20) is whole
    assert fit(mail(text="text", html="<p>text</p>"), 4 + 11).html
