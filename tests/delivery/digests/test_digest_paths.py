"""Messages inside lists (cards, embeds) are gathered like others, and no effect is changed by it."""

from __future__ import annotations

from misp_workflow.delivery.digest import bundle, merge
from misp_workflow.effects import Post

DIGEST = ("json.cards.0.text", "json.cards.0.colour", "json.cards.1")


def card(text: str, colour: int) -> Post:
    return Post(url="http://x", json={"cards": [{"text": text, "colour": colour}, {"facts": text}]}, digest=DIGEST)


def test_text_and_colour_of_a_card_do_not_keep_it_from_the_others():
    assert bundle(card("a", 1), "teams_card", "x") == bundle(card("b", 2), "teams_card", "x")


def test_the_cards_become_one_and_stay_as_they_were():
    first, second = card("a", 1), card("b", 2)
    merged = merge([first, second], 30.0)
    assert merged.json == {"cards": [{"text": "2 messages in 30 s:\na\nb"}]}
    assert first == card("a", 1) and second == card("b", 2)


def test_paths_that_lead_nowhere_are_left_alone():
    plain = Post(url="http://x", json={"cards": "none"}, digest=DIGEST)
    assert bundle(plain, "teams_card", "x") == bundle(plain, "teams_card", "x")
