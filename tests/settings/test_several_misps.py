"""Several MISPs in the settings: read, told apart, and which of them asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from misp_workflow.errors import SettingsError
from misp_workflow.settings import Settings, misps
from misp_workflow.settings.reader import literal_secrets, read

HUB = "6e3701a8-d864-4f99-9b37-257af3627fe0"
PARTNER = "4bd6252b-bcd7-406c-9960-52dd41a274c3"
TWO = f"""
[misp.hub]
url = "https://hub.example"
key = "env:HUB_KEY"
organisations = ["{HUB.upper()}", "Hub"]
proxy = "none"
[misp.partners]
url = "https://partners.example/misp/"
key = "env:PARTNERS_KEY"
organisations = ["{PARTNER}"]
"""


def rules(text: str) -> Settings:
    return read(text, Path("/settings.toml"), Path("/state"))


def event(**fields: Any) -> dict[str, Any]:
    return {"Event": {"uuid": "d0ac10dd-f11c-4af5-b9d7-992273ee2f3a", "id": "56", **fields}}


def test_one_misp_is_in_force_whatever_the_data_says():
    alone = rules('[misp]\nurl = "https://one.example"\norganisations = ["Hub"]\n')
    assert misps.asking(alone, "", event()) is alone
    assert misps.asking(alone, "misp", event()).misp == alone.misp
    named = rules('[misp.hub]\nurl = "https://hub.example"\n')
    assert (named.misp.name, named.misp.url) == ("hub", "https://hub.example")
    assert misps.named(named, "").misp == named.misp


def test_each_has_what_it_says_itself_and_nothing_of_another():
    two = rules(TWO)
    assert list(two.misps) == ["hub", "partners"]
    assert (two.misps["hub"].proxy, two.misps["partners"].proxy) == ("none", "")
    assert two.misps["partners"].url == "https://partners.example/misp"
    with pytest.raises(SettingsError, match=r"misp\.partners\.key"):
        _ = two.misps["partners"].key


def test_the_plain_table_is_one_of_several_and_is_called_misp():
    three = rules(f'[misp]\nurl = "https://old.example"\n{TWO}')
    assert list(three.misps) == ["misp", "hub", "partners"]
    assert misps.asking(three, "misp", event()).misp.url == "https://old.example"
    assert misps.named(three, "").misp.url == "https://old.example"
    assert misps.asking(three, "", event()).misp.url == ""


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (event(Org={"uuid": HUB}, Orgc={"uuid": PARTNER}), "hub"),
        (event(Orgc={"uuid": PARTNER}), "partners"),
        (event(Org={"name": "HUB"}), "hub"),
        ({**event(Orgc={"uuid": HUB}), "_env": {"baseurl": "https://Partners.example/misp"}}, "partners"),
        (event(), ""),
        (event(Orgc={"uuid": "", "name": None}), ""),
        (event(Orgc=[{"uuid": HUB}]), ""),
        (event(id=None, Orgc={"uuid": HUB}), ""),
        ({"_env": {"baseurl": ""}, "Event": {}}, ""),
        ({"_env": "https://hub.example", "Log": {}}, ""),
        ([], ""),
    ],
)
def test_who_asks_is_told_by_the_data(data: Any, found: str):
    asked = misps.asking(rules(TWO), "", data).misp
    assert asked.name == found
    assert bool(asked.choices) == (not found)


def test_what_the_node_says_counts_before_all_else():
    asked = misps.asking(rules(TWO), "partners", event(Orgc={"uuid": HUB})).misp
    assert (asked.name, asked.event) == ("partners", ("d0ac10dd-f11c-4af5-b9d7-992273ee2f3a", "56"))


def test_an_organisation_of_two_misps_says_nothing():
    both = rules(TWO.replace(PARTNER, HUB))
    assert misps.asking(both, "", event(Orgc={"uuid": HUB})).misp.choices == ("hub", "partners")


def test_an_unknown_name_is_an_error_that_names_the_choices():
    with pytest.raises(SettingsError, match=r"called “partner” .* “partners”; there are hub, partners\."):
        misps.asking(rules(TWO), "partner", event())
    with pytest.raises(SettingsError, match=r"called “misp” .*; there are hub, partners\."):
        misps.named(rules(TWO), "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[misp.a]\nkey = "env:K"\n', "misp.a.url must be there"),
        ('[misp.a]\nurl = "a.example"\n', "misp.a.url must be a web address"),
        ('[misp.misp]\nurl = "https://a.example"\n', "misp.misp is no name for a MISP"),
        ('[misp."a b"]\nurl = "https://a.example"\n', "is no name for a MISP"),
        (
            '[misp]\nkey = "env:K"\n[misp.a]\nurl = "https://a.example"\n',
            "misp.url must be there, or [misp] be left out",
        ),
        ('[misp.url]\nurl = "https://a.example"\n', "misp.url must be text"),
        ('[misp.a]\nurl = "https://a.example"\nkye = "x"\n', "the nearest name is “key”"),
        ('[misp]\nulr = "https://a.example"\n', "the nearest name is “url”"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, sentence: str):
    with pytest.raises(SettingsError) as error:
        rules(text)
    assert sentence in str(error.value)


def test_a_secret_in_the_file_is_found_in_every_table():
    text = '[misp.a]\nurl = "https://a.example"\nkey = "AbC"\n[misp.b]\nurl = "https://u:p@b.example"\nproxy = "http://u:p@h:1"\n'
    assert literal_secrets(rules(text)) == ["misp.a.key", "misp.b.url", "misp.b.proxy"]
