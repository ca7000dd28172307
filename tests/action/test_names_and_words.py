"""Parameters under the names that they had before, and choices by MISP's number or its word."""

from __future__ import annotations

import difflib
import time

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from misp_workflow.action import fields
from misp_workflow.action.params import read
from misp_workflow.action.rules import EVENT
from misp_workflow.errors import ParameterError, did_you_mean
from misp_workflow.installed import FOLDER
from misp_workflow.testing.contract import ActionFile

EDIT = ActionFile.load(FOLDER / "misp_event_edit.py").params


@pytest.mark.parametrize(
    "given", [{"items": "all"}, {"selected_or_all": "all"}, {"items": "all", "selected_or_all": ""}]
)
def test_a_parameter_is_known_by_its_former_name(given):
    assert read(fields.ITEMS, given, {}).selected_or_all == "all"
    assert read(fields.ITEMS, {}, given).selected_or_all == "all", "in a destination, too"


def test_the_present_name_wins_and_an_error_says_the_name_that_was_given():
    assert read(fields.ITEMS, {"items": "all", "selected_or_all": "selected"}, {}).selected_or_all == "selected"
    with pytest.raises(ParameterError, match="'tlp_once' must be true or false"):
        read(EVENT, {"tlp_once": "perhaps"}, {})


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("threat_level", "1", "high"),
        ("threat_level", "High", "high"),
        ("analysis", "2", "completed"),
        ("analysis", "ongoing", "ongoing"),
        ("distribution", "3", "3"),
        ("distribution", "Community", "1"),
        ("distribution", "your organisation only", "0"),
        ("publish", "1", "publish"),
        ("publish", "false", "unpublish"),
        ("publish", "unpublish", "unpublish"),
    ],
)
def test_number_and_word_mean_the_same(name, given, meant):
    assert getattr(read(EDIT, {name: given}, {}), name) == meant


def test_a_wrong_value_names_the_allowed_ones():
    with pytest.raises(ParameterError, match=r"high \(1\), medium \(2\), low \(3\), undefined \(4\)"):
        read(EDIT, {"threat_level": "critical"}, {})
    with pytest.raises(ParameterError, match=r"0 \(organisation\), 1 \(community\), 2 \(connected\), 3 \(all\)"):
        read(EDIT, {"distribution": "inherit"}, {})
    assert read(EVENT, {"allowed_distributions": "community\nsharing group"}, {}).allowed_distributions == ("1", "4")


NAMES = st.text("ab_", max_size=12)


@drawn(NAMES, st.lists(NAMES, max_size=4))
def test_the_nearest_name_is_the_one_that_difflib_finds(name, known):
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    assert did_you_mean(name, known) == (f"; the nearest name is “{near[0]}”" if near else "")


def test_a_name_of_a_megabyte_is_not_compared_letter_by_letter():
    """Whoever edits a workflow writes it, and every call would pay for it."""

    def cost(length):
        name = "x" * length
        start = time.process_time()
        for _ in range(10):
            assert did_you_mean(name, ["soc", "hq"]) == ""
        return time.process_time() - start

    assert min(cost(2**20) for _ in range(5)) < 100 * max(cost(2**7) for _ in range(5))
