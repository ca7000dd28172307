"""Effects become as small as their destination wants them, and say so."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from misp_workflow.delivery.guard import fit, size_of
from misp_workflow.effects import Command, Effect, Mail, Messages, MispChange, Notification, Post

LONG = "grüße " * 400
URL = "https://example.org/"


def mail(**more: str) -> Mail:
    return Mail(server="mx", port=25, sender="a@example.org", to="b@example.org", **{"text": "short", **more})


@pytest.mark.parametrize(
    "effect",
    [
        Post(url=URL, json={"a": 1}),
        Post(url=URL, body="short"),
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


def test_a_json_text_stays_json() -> None:
    small = fit(Post(url=URL, body=json.dumps({"text": LONG}), content_type="application/json; charset=utf-8"), 400)
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


def test_a_form_that_can_never_fit() -> None:
    assert fit(Post(url=URL, form={f"name-{n}": "x" for n in range(50)}), 20).form


def test_a_mail_loses_its_attachment_first_then_its_html() -> None:
    whole = mail(text="text", html="<p>text</p>", attachment="x" * 1000, attachment_name="event.json")
    small = fit(whole, 200)
    assert small.attachment == ""
    assert "“event.json” was too large" in small.text
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
    assert len(urlencode(small.messages[1]["form"])) <= 300


def test_what_a_script_reads_is_cut_only_where_it_decides_nothing() -> None:
    whole = {"items": list(range(1000))}
    assert size_of(fit(Command(script="s", input=whole), 300).input) <= 300
    gate = Command(script="s", input=whole, keep=False)
    assert fit(gate, 300) is gate


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
