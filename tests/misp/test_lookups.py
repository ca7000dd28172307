"""Changes that ask somebody else first: hashlookup, and an expansion of misp-modules."""

from __future__ import annotations

import time
from typing import Any

import pytest
from misp_support import make

from misp_workflow.testing import CLOSE, Receiver, answer
from misp_workflow.testing.misp import MispStandIn

KNOWN_MD5 = "8ED4B4ED952526D89899E723F3488DE4"
KNOWN_SHA1 = "FFFFFDAC1B1B4C513896C805C2C698D9688BE69F"
KNOWN_SHA256 = "301C9EC7A9AADEE4D745E8FD4FA659DAFBBCC6B75B9FF491D14CBBDD840814E9"
BAD_MD5 = "0" * 32
DOUBTFUL_SHA1 = "1" * 40


def hashlookup(request: Any) -> Any:
    """The API of https://hashlookup.circl.lu/swagger.json as far as it is used: bulk leaves out, or gives {}."""
    entries = {
        "md5": {
            KNOWN_MD5: {"MD5": KNOWN_MD5, "hashlookup:trust": 100},
            BAD_MD5: {"MD5": BAD_MD5, "KnownMalicious": "x"},
        },
        "sha1": {KNOWN_SHA1: {"SHA-1": KNOWN_SHA1}, DOUBTFUL_SHA1: {"SHA-1": DOUBTFUL_SHA1, "hashlookup:trust": 30}},
        "sha256": {KNOWN_SHA256: {"SHA-256": KNOWN_SHA256, "hashlookup:trust": 55}},
    }
    _, how, kind, *rest = request.path.split("/")
    if how == "lookup":
        found = entries[kind].get(rest[0].upper())
        return answer(found) if found else answer({"message": "Non existing SHA-256", "query": rest[0]}, 404)
    found = [entries[kind].get(value.upper()) for value in request.json()["hashes"]]
    return answer([one or {} for one in found] if kind == "sha1" else [one for one in found if one])


@pytest.fixture
def files(misp, example):
    """An event with files of which a hashlookup server knows some."""
    hashes = {
        "md5": [KNOWN_MD5.lower(), BAD_MD5, "2" * 32],
        "sha1": [KNOWN_SHA1, DOUBTFUL_SHA1, "3" * 40],
        "sha256": [KNOWN_SHA256.lower(), "4" * 64],
        "filename|md5": [f"calc.exe|{KNOWN_MD5}"],
    }
    rows = [{"type": kind, "value": value, "to_ids": True} for kind, values in hashes.items() for value in values]
    return misp.add_event({"info": "files", "Attribute": rows})


def check(files, receiver: Receiver, **values):
    wanted = {"server": receiver.url, "minimum_trust": 50, "set": {"to_ids": False}, "add": ["known"], "local": True}
    rows = []
    for row in files["Attribute"]:
        kind = row["type"].rpartition("|")[2]
        rows.append({**row, "hash": f"{kind}:{row['value'].rpartition('|')[2]}"})
    from misp_workflow.delivery.transports import misp as transport
    from misp_workflow.effects import MispChange

    effect = MispChange(change="known_files", event=files["uuid"], items=tuple(rows), values={**wanted, **values})
    return transport.send(effect, "key", time.monotonic() + 20)


def test_known_files_lose_their_flag_and_get_a_tag(misp, files, receiver: Receiver):
    receiver.always(hashlookup)
    said = check(files, receiver)
    assert said.detail == "MISP changed 4 of 4 attributes; 4 of 9 hashes are of known files"
    known = {
        row["value"].rpartition("|")[2].upper() for row in misp.event(files["uuid"])["Attribute"] if not row["to_ids"]
    }
    assert known == {KNOWN_MD5, KNOWN_SHA1, KNOWN_SHA256}
    tagged = [row["value"] for row in files["Attribute"] if misp.tags(row["uuid"])]
    assert len(tagged) == 4
    assert [one.path for one in receiver.requests[:2]] == ["/bulk/md5", "/bulk/sha1"], "in bulk where that exists"
    assert "so already" in check(files, receiver).detail


def test_nothing_known_changes_nothing(misp, files, receiver: Receiver):
    receiver.always(lambda request: answer([]) if "bulk" in request.path else answer({}, 404))
    assert check(files, receiver).detail == "there was nothing to change; 0 of 9 hashes are of known files"


@pytest.mark.parametrize(
    ("reply", "outcome", "says"),
    [
        (answer("busy", 503), "again", "hashlookup answered 503"),
        (answer("no", 403), "refused", "hashlookup answered 403"),
        (answer("<html>"), "refused", "not JSON"),
        (answer({"message": "strange"}), "delivered", "0 of 9"),
        (CLOSE, "again", "closed the connection"),
    ],
)
def test_a_hashlookup_in_trouble(misp, files, receiver: Receiver, reply, outcome, says):
    receiver.always(lambda request: answer({}, 404) if reply.status == 200 and "sha256" in request.path else reply)
    said = check(files, receiver)
    assert (said.outcome, says in said.detail) == (outcome, True), said
    assert not said.down, "hashlookup is ill, and MISP is not"


# --- enrichment -------------------------------------------------------------------------------------------------------

MODULES = [
    {"name": "old_form", "type": "expansion", "mispattributes": {"input": ["domain"], "output": ["ip-dst"]}},
    {
        "name": "standard_form",
        "type": "expansion",
        "mispattributes": {"input": ["domain", "ip-dst"], "format": "misp_standard"},
    },
    {"name": "an_export", "type": "export", "mispattributes": {}},
]


def expansions(request: Any) -> Any:
    if request.path == "/modules":
        return answer(MODULES)
    asked = request.json()
    if asked["module"] == "old_form":
        results = [
            {
                "types": ["ip-dst", "ip-src"],
                "values": ["203.0.113.7", "203.0.113.8"],
                "categories": ["Network activity"],
            }
        ]
        return answer({"results": results} if "domain" in asked else {"error": "Unsupported attributes type"})
    attribute = asked["attribute"]
    found = [{"type": "ip-dst", "value": "203.0.113.7"}, {"type": attribute["type"], "value": attribute["value"]}]
    inner = [
        {"type": "text", "object_relation": "country", "value": "LU", "to_ids": False},
        {"type": "hostname", "object_relation": "host", "value": f"gw.{attribute['value']}", "to_ids": True},
    ]
    template = {
        "template_uuid": "d8b4a7f4-9d2c-4e6f-8a51-3a6e6d1c0f11",
        "template_version": "7",
        "description": "a place",
    }
    place = {"name": "geolocation", "meta-category": "misc", **template, "Attribute": inner}
    return answer({"results": {"Attribute": found, "Object": [place] if attribute["type"] == "domain" else []}})


@pytest.fixture
def expansion(misp, use, receiver: Receiver) -> Receiver:
    """A misp-modules with two expansions, named by the settings."""
    use(misp, f'modules_url = "{receiver.url}"')
    receiver.always(expansions)
    return receiver


def enrich(event, *rows, module: str = "old_form", kind: str = "attributes", **more):
    values = {"module": module, "config": {}, "as": kind}
    return make("enrich", event, *rows, values=values, **more)


@pytest.mark.parametrize("before", ["", "x" * 190])
def test_an_expansion_that_quotes_its_settings_shows_nobody_a_secret(misp, example, expansion: Receiver, before):
    quoted = {"error": {"config hunter2hunter2": [f"{before}hunter2hunter2 is wrong"]}}
    expansion.always(lambda request: answer(MODULES if request.path == "/modules" else quoted))
    said = enrich(example, example["Attribute"][1], secrets=("hunter2hunter2",))
    assert said.outcome == "refused" and "config ***" in said.detail and "hunter" not in said.detail


@pytest.mark.parametrize("module", ["old_form", "standard_form"])
def test_what_an_expansion_says_is_added_once(misp, example, expansion: Receiver, module):
    domain = example["Attribute"][1]
    said = enrich(example, domain, module=module)
    assert said.outcome == "delivered"
    assert "2 results were added as attributes" in said.detail
    added = [row for row in misp.event(example["uuid"])["Attribute"] if row["comment"] == f"From {module}"]
    assert len(added) == (2 if module == "old_form" else 1)
    assert not any(row["to_ids"] for row in added)
    asked = len(expansion.requests)
    said = enrich(example, *added, module=module)
    assert "came from an enrichment and were not asked about" in said.detail, "or it would go on for ever"
    assert len(expansion.requests) == asked + 1, "only the list of modules"


def test_objects_are_added_whole_and_once(misp, example, expansion: Receiver):
    domain = example["Attribute"][1]
    assert "2 results were added" in enrich(example, domain, module="standard_form").detail
    (place,) = [thing for thing in misp.event(example["uuid"])["Object"] if thing["name"] == "geolocation"]
    assert [(row["object_relation"], row["to_ids"]) for row in place["Attribute"]] == [
        ("country", False),
        ("host", False),
    ]
    said = enrich(example, *place["Attribute"], module="standard_form")
    assert "2 came from an enrichment" in said.detail


def test_of_an_object_what_is_for_detection_is_proposed(misp, expansion: Receiver):
    event = misp.add_event({"info": "x", "Attribute": [{"type": "domain", "value": "a.example"}]})
    said = enrich(event, event["Attribute"][0], module="standard_form", kind="proposals")
    assert "2 results were added as proposals" in said.detail
    if isinstance(misp, MispStandIn):
        assert [row["value"] for row in misp.proposals] == ["203.0.113.7", "gw.a.example"]


def test_a_value_that_the_event_has_already_is_no_failure(misp, expansion: Receiver):
    rows = [{"type": "domain", "value": "a.example"}, {"type": "ip-dst", "value": "203.0.113.7"}]
    event = misp.add_event({"info": "x", "Attribute": rows})
    said = enrich(event, event["Attribute"][0])
    assert said.outcome == "delivered"
    assert "1 result was added as attributes" in said.detail
    assert len(misp.event(event["uuid"])["Attribute"]) == 3


def test_results_become_proposals_and_are_not_proposed_twice(misp, example, expansion: Receiver):
    domain = example["Attribute"][1]
    assert "2 results were added as proposals" in enrich(example, domain, kind="proposals").detail
    assert "a moment ago" in enrich(example, domain, kind="proposals").detail
    assert len(misp.event(example["uuid"])["Attribute"]) == 3


def test_types_that_a_module_does_not_take_are_left_out(misp, example, expansion: Receiver):
    address, domain, _ = example["Attribute"]
    said = enrich(example, address, domain)
    assert (said.outcome, "old_form does not take ip-dst" in said.detail) == ("delivered", True)


def test_no_such_module_and_no_misp_modules(misp, example, expansion: Receiver):
    assert (
        "no expansion module called “an_export”" in enrich(example, example["Attribute"][1], module="an_export").detail
    )
    expansion.always(CLOSE)
    assert enrich(example, example["Attribute"][1]).outcome == "again"


def test_an_expansion_that_fails_is_said_with_the_item(misp, example, expansion: Receiver):
    expansion.always(
        lambda request: answer(MODULES) if request.path == "/modules" else answer({"error": "quota exceeded"})
    )
    domain = example["Attribute"][1]
    said = enrich(example, domain)
    assert (said.outcome, f"{domain['value']} (quota exceeded)" in said.detail) == ("refused", True)


def test_a_long_enrichment_goes_on_with_what_was_not_asked_about_yet(misp, expansion: Receiver):
    """Also past the items about which the expansion knew nothing."""
    rows = [{"type": "domain", "value": f"{letter}.example"} for letter in "abcdef"]
    event = misp.add_event({"info": "x", "Attribute": rows})

    def slowly(request: Any) -> Any:
        if request.path == "/query":
            time.sleep(0.15)
            return answer({"results": []})
        return expansions(request)

    expansion.always(slowly)
    values = {"module": "old_form", "config": {}, "as": "attributes"}
    said, asked = None, []
    for _ in range(10):
        said = make("enrich", event, *event["Attribute"], values=values, seconds=0.6)
        asked = [request.json()["domain"] for request in expansion.requests if request.path == "/query"]
        if said.outcome == "delivered":
            break
        assert (said.outcome, said.more, said.down) == ("again", True, False), said
    assert said is not None and said.outcome == "delivered"
    assert set(asked) == {row["value"] for row in rows}
    assert len(asked) < len(rows) * 2, "not all over again in each slice"
