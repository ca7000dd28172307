"""A long message in several: nothing is lost, each one fits, no mark-up is left open."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misp_workflow import settings
from misp_workflow.action.call import Call
from misp_workflow.action.params import Params
from misp_workflow.action.shared.overflow import MOST, parts, split, spread
from misp_workflow.delivery import digest
from misp_workflow.delivery.guard.sizes import MARK, measure
from misp_workflow.effects import Messages, Post, from_json, to_json

WORDS = ["evil.example", "é" * 7, "🦊🦊", "198.51.100.7", "", "x" * 30, "&amp; so on"]
LINES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=80)


class Asked:
    """A call whose node says `split`, and whose message is this text."""

    def __init__(self, text: str, overflow: str = "split") -> None:
        self.text = text
        self.params = type("Params", (), {"overflow": overflow})()

    def message(self, style: str, calls: str = "") -> str:
        return self.text

    def note(self, style: str) -> str:
        return ""


def told(text: str, limit: int, style: str = "plain", unit: str = "characters") -> list[str]:
    return parts(Asked(text), style, limit, unit)  # type: ignore[arg-type]


@given(LINES, st.integers(70, 200), st.sampled_from(["characters", "bytes", "utf-16"]))
def test_every_line_is_told_once_and_in_order(lines: list[str], room: int, unit: str) -> None:
    pieces = list(split("\n".join(lines), room, unit, "plain"))
    assert all(measure(piece, unit) <= room for piece in pieces)
    assert [line for piece in pieces for line in piece.split("\n") if line] == [line for line in lines if line]


def test_they_are_numbered_and_each_fits() -> None:
    found = told("\n".join(f"line {n:03}" for n in range(40)), 160)
    assert [one.partition("\n")[0] for one in found] == [f"({n}/{len(found)})" for n in range(1, len(found) + 1)]
    assert len(found) == 3
    assert all(len(one) <= 160 for one in found)


def test_what_fits_and_what_shall_be_cut_is_not_split() -> None:
    assert told("a\nb", 100) == []
    assert parts(Asked("a\n" * 500, "cut"), "plain", 100) == []  # type: ignore[arg-type]
    assert told("x" * 500, 100) == [], "one line is cut, as without it"


def test_the_tenth_says_that_it_is_not_the_end() -> None:
    found = told("\n".join(f"line {n:04}" for n in range(9_000)), 100)
    assert len(found) == MOST
    assert found[-1].endswith(f"\n{MARK}") and MARK not in "".join(found[:-1])
    assert all(len(one) <= 100 for one in found)


def test_a_line_that_is_too_long_is_cut_and_the_others_are_not() -> None:
    pieces = list(split(f"before\n{'y' * 300}\nafter", 60, "characters", "plain"))
    assert pieces[::2] == ["before", "after"]
    assert pieces[1].endswith(MARK) and len(pieces[1]) <= 60


def test_a_fence_is_closed_and_opened_again() -> None:
    text = "list:\n```\n" + "\n".join(f"value {n:02}" for n in range(20)) + "\n```\nend"
    pieces = list(split(text, 80, "characters", "markdown"))
    assert len(pieces) > 2
    assert all(len(piece) <= 80 and piece.count("```") % 2 == 0 for piece in pieces)
    assert all(piece.startswith("```\n") for piece in pieces[1:-1])
    assert [f"value {n:02}" for n in range(20)] == re.findall(r"value \d\d", "".join(pieces))


@pytest.mark.parametrize("style", ["html", "telegram"])
def test_tags_are_closed_and_opened_again(style: str) -> None:
    text = (
        '<a href="http://x/">\n<b>list</b>\n<pre>' + "\n".join(f"value {n:02}" for n in range(20)) + "</pre></a>\nend"
    )
    pieces = list(split(text, 120, "characters", style))
    assert len(pieces) > 2
    for piece in pieces:
        assert len(piece) <= 120
        assert piece.count("<pre>") == piece.count("</pre>") and piece.count("<a ") == piece.count("</a>")
    assert pieces[1].startswith('<a href="http://x/"><pre>value') and pieces[1].endswith("</pre></a>")
    assert [f"value {n:02}" for n in range(20)] == re.findall(r"value \d\d", "".join(pieces))


@given(st.lists(st.sampled_from(["<b>", "</b>", "<i>", "</i>", "<br>", "x &lt; y", "long " * 9, "\n", "\n"])))
def test_no_tag_is_left_open_where_one_stood_over_several_lines(told: list[str]) -> None:
    whole = "".join(told)
    pieces = list(split(whole, 100, "characters", "html"))
    for piece in pieces[:-1]:
        for name in ("b", "i"):
            assert piece.count(f"<{name}>") <= piece.count(f"</{name}>")
    assert not pieces or pieces[-1].count("<b>") <= pieces[-1].count("</b>")


def test_a_text_of_line_ends_only_takes_no_time_and_is_nothing() -> None:
    assert list(islice(split("\n" * 500_000, 100, "characters", "html"), MOST)) == []


def test_what_is_gathered_is_told_in_one() -> None:
    post = Post(url="http://x/", json={"text": "short", "call": "here"}, digest=("json.text",))
    assert spread(post, []) is post
    made = spread(post, [{"text": "(1/2)\na"}, {"text": "(2/2)\nb", "call": None}])
    assert isinstance(made, Messages)
    assert made.messages == ({"json": {"text": "(1/2)\na", "call": "here"}}, {"json": {"text": "(2/2)\nb"}})
    assert from_json(to_json(made)) == made
    assert digest.bundle(made, "a", "l") == digest.bundle(post, "a", "l"), "long ones and short ones are one digest"
    for gathered in ([made, post], [post, made]):
        merged = digest.merge(gathered, 60)
        assert merged.json["text"] == "2 messages in 60 s:\n2 × short"
        assert getattr(merged, "messages", ()) == () and merged.number() == 1


@pytest.mark.parametrize("style", ["plain", "slack", "html"])
def test_what_is_cut_still_says_what_was_withheld(style: str) -> None:
    params = Params(message="{% for n in range(300) %}line {{ n }}\n{% endfor %}")
    call = Call(params, {"Event": {"info": "x"}}, None, settings.current(), "3 attributes withheld: TLP:RED")
    cut = call.message(style, 500)
    assert len(cut) <= 500 and MARK in cut and "3 attributes withheld: TLP:RED" in cut[-40:]
    assert call.without_markup(call.message(style), 500).endswith(f"{MARK}\n(3 attributes withheld: TLP:RED)")
    short = Call(params, {"Event": {"info": "x"}}, None, settings.current(), "3 attributes withheld: TLP:RED", most=400)
    assert len(short.message(style)) <= 400 and "withheld" in short.message(style)


@pytest.mark.parametrize("style", ["plain", "slack", "html"])
def test_what_is_told_in_ten_and_cut_off_still_says_what_was_withheld(style: str) -> None:
    params = Params(message="{% for n in range(3000) %}line {{ n }}\n{% endfor %}", overflow="split")
    call = Call(params, {"Event": {"info": "x"}}, None, settings.current(), "3 attributes withheld: TLP:RED")
    found = parts(call, style, 500)
    assert len(found) == MOST and all(len(one) <= 500 for one in found)
    assert MARK in found[-1] and found[-1].removesuffix("</p>").rstrip(")").endswith("3 attributes withheld: TLP:RED")


@pytest.mark.parametrize("style", ["slack", "markdown", "discord", "rocketchat"])
def test_a_block_of_code_that_is_cut_within_is_closed(style: str) -> None:
    params = Params(message="values:\n```\n{% for n in range(300) %}line {{ n }}\n{% endfor %}```\nend")
    call = Call(params, {"Event": {"info": "x"}}, None, settings.current(), "3 attributes withheld: TLP:RED")
    cut = call.message(style, 500)
    assert len(cut) <= 500 and cut.count("```") == 2
    assert cut.endswith(f"{MARK}\n```\n(3 attributes withheld: TLP:RED)")
    assert call.message(style, 40).count("```") != 1, "also where hardly anything fits"
