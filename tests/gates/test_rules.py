"""Every check of the rules: events by rule, with the verdict and its sentence."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from misp_workflow.action.params import read
from misp_workflow.action.rules import EVENT, PROPOSAL, Subject, reasons
from misp_workflow.event import View

UUID = "e4046d41-4725-48fb-8959-e98208bd0577"


def attribute(kind: str, value: str, *tags: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "value": value, "to_ids": True, "Tag": [{"name": name} for name in tags], **more}


def event(*attributes: dict[str, Any], tags: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    rows = {"Attribute": list(attributes), "Tag": [{"name": name} for name in tags]}
    return {"Event": {"uuid": UUID, "info": "x", "distribution": "1", **rows, **more}}


def judged(data: Any, table=EVENT, **values: Any) -> list[str]:
    given = {
        name: list(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        for name, value in values.items()
    }
    return reasons(read(table, given, {}), Subject(View(data), lambda expression: expression == "yes"))


DOMAIN, HASH = attribute("domain", "a.example"), attribute("sha256", "0" * 64)
GALAXY = 'misp-galaxy:threat-actor="APT28"'

TABLE: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    # tags
    ({"required_tags": ["tlp:*"]}, event(tags=("tlp:green",)), []),
    ({"required_tags": ["tlp:*"]}, event(tags=("TLP:GREEN",)), []),
    ({"required_tags": ["tlp:*", "PAP:*"]}, event(), ["no tag matches 'tlp:*'", "no tag matches 'PAP:*'"]),
    ({"required_tags": ["tlp:*"]}, event(attribute("domain", "a", "tlp:green")), ["no tag matches 'tlp:*'"]),
    ({"required_tags": ["tlp:*"], "tag_scope": "any"}, event(attribute("domain", "a", "tlp:green")), []),
    ({"forbidden_tags": ["tlp:red"]}, event(tags=("tlp:red",)), ["the tag 'tlp:red' is forbidden"]),
    ({"forbidden_tags": ["tlp:red"]}, event(tags=("TLP: Red",)), ["the tag 'TLP: Red' is forbidden"]),
    ({"forbidden_tags": ["tlp:red"]}, event(tags=("tlp:purple",)), ["the tag 'tlp:purple' is forbidden"]),
    ({"forbidden_tags": ["PAP:AMBER"]}, event(tags=("pap:amber", "PAP-Amber")), ["'pap:amber'", "'PAP-Amber'"]),
    ({"forbidden_tags": ["tlp:clear"]}, event(tags=("tlp:white",)), ["the tag 'tlp:white' is forbidden"]),
    ({"forbidden_tags": ["tlp:amber"]}, event(tags=("tlp:amber+strict",)), []),
    ({"forbidden_tags": ["tlp:red"]}, event(attribute("domain", "a", "tlp:red")), []),
    *(
        (
            {"forbidden_tags": ["tlp:red"], "required_tags": ["tlp:*"], "tag_scope": scope},
            {"Event": {"info": "x", "Tag": [{"name": "tlp:green"}], "EventReport": [{"Tag": [{"name": "tlp:red"}]}]}},
            said,
        )
        for scope, said in (("any", ["the tag 'tlp:red' is forbidden"]), ("event", []))
    ),
    (
        {"forbidden_tags": ["tlp:red"], "tag_scope": "attribute"},
        event(attribute("domain", "a", "tlp:red"), tags=("x",)),
        ["the tag 'tlp:red' is forbidden"],
    ),
    ({"exactly_one_tlp": "true"}, event(tags=("tlp:amber+strict", "x")), []),
    ({"exactly_one_tlp": "true"}, event(tags=("x",)), ["it has no TLP tag"]),
    ({"exactly_one_tlp": "true"}, event(tags=("tlp:red", "tlp:green")), ["it has 2 TLP tags (tlp:red, tlp:green)"]),
    ({"exactly_one_tlp": "true"}, event(tags=("tlp:unclear",)), ["'tlp:unclear' is no TLP level"]),
    ({"exactly_one_tlp": "true"}, event(EventTag=[{"tag_id": 10}]), ["its tags cannot be judged here"]),
    ({"required_galaxies": ["threat-actor"]}, event(tags=(GALAXY,)), []),
    ({"required_galaxies": ["mitre-*"]}, event(Galaxy=[{"type": "mitre-attack-pattern"}]), []),
    ({"required_galaxies": ["sector"]}, event(tags=(GALAXY,)), ["no cluster of a galaxy 'sector' is named"]),
    ({"forbidden_together": ["*:red email*"]}, event(DOMAIN, tags=("PAP:RED",)), []),
    (
        {"forbidden_together": ["*:red email*"]},
        event(attribute("email-dst", "a@b.example", "pap:red")),
        ["'pap:red' and 'email-dst' may not be together"],
    ),
    (
        {"forbidden_together": ["*:red email*"]},
        event(attribute("email-dst", "a@b.example"), EventTag=[{"tag_id": 1}]),
        ["its tags cannot be judged here"],
    ),
    (
        {"forbidden_together": ["*:red named pipe"]},
        event(attribute("named pipe", "x"), tags=("tlp:red",)),
        ["'tlp:red' and 'named pipe' may not be together"],
    ),
    ({"forbidden_together": ["email*"]}, event(), ["the rule 'email*' cannot be read"]),
    # content
    ({"minimum_attributes": 2}, event(DOMAIN, HASH), []),
    ({"minimum_attributes": 2}, event(DOMAIN, {**HASH, "deleted": "1"}), ["it has 1 attribute, and at least 2"]),
    ({"minimum_attributes": 1}, event(Object=[{"name": "file", "Attribute": [HASH]}]), []),
    ({"required_types": ["sha*", "ip-*"]}, event(HASH), ["no attribute is of type 'ip-*'"]),
    ({"forbidden_types": ["target-*"]}, event(attribute("target-user", "x")), ["the type 'target-user' is forbidden"]),
    ({"required_objects": ["file"]}, event(Object=[{"name": "file", "Attribute": [HASH]}]), []),
    ({"required_objects": ["file"]}, event(HASH), ["there is no object 'file'"]),
    ({"required_objects": ["file"]}, {"Event": {"info": "edited"}}, ["its content cannot be judged here"]),
    # values
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "8.8.8.8")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "10.0.0.1", to_ids="0")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("domain|ip", "a.example|fe80::1")), ["'fe80::1' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "192.168.0.0/16")), ["'192.168.0.0/16' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "224.0.0.1")), ["'224.0.0.1' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "0.0.0.0/0")), ["'0.0.0.0/0' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "2000::/3")), ["'2000::/3' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "8.8.8.0/24")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "2606:4700::/32")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "::ffff:10.0.0.1")), ["'::ffff:10.0.0.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "::ffff:8.8.8.8")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "64:ff9b::a00:1")), ["'64:ff9b::a00:1' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "2002:a00:1::1")), ["'2002:a00:1::1' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://192.168.1.1/x")), ["'http://192.168.1.1/x'"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://8.8.8.8@[fe80::1]:80/x")), ["fe80::1"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://3232235777/")), ["'http://3232235777/' may"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://8.8.8.8/10.0.0.1")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("hostname|port", "10.0.0.1|80")), ["'10.0.0.1' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("uri", "//10.2.3.4/share")), ["'//10.2.3.4/share' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://１０.0。0.1/")), ["'http://10.0.0.1/' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("link", r"\\10.2.3.4\share")), ["10.2.3.4"]),
    ({"no_reserved_addresses": "true"}, event(attribute("email", "a@[IPv6:fe80::1]")), ["fe80::1"]),
    ({"no_reserved_addresses": "true"}, event(attribute("domain", "x.localhost")), ["'x.localhost' may not be"]),
    ({"no_reserved_addresses": "true"}, event(attribute("mac-eui-64", "00:11:22:33:44:55:66:77")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("text", "10.5")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "010.000.000.001")), ["'010.000.000.001' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "012.0.0.1")), ["'012.0.0.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "192.168.08.09")), ["'192.168.08.09' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "0x0a.0.0.1")), ["'0x0a.0.0.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "10.1")), ["'10.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "167772161")), ["'167772161' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "0xa000001")), ["'0xa000001' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src|port", "010.0.0.1|80")), ["'010.0.0.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("domain|ip", "a.example|010.0.0.1")), ["'010.0.0.1' may"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "010.0.0.0/08")), ["'010.0.0.0/08' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-src", "10[.]0[.]0[dot]0/8")), ["'10[.]0[.]0[dot]0/8'"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "::ffff:010.0.0.1")), ["'::ffff:010.0.0.1' may"]),
    ({"no_reserved_addresses": "true"}, event(attribute("hostname", "0x7f.1")), ["'0x7f.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("text", "010.000.000.001")), ["'010.000.000.001' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("email", "a@010.0.0.1")), ["'a@010.0.0.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://010.0.0.1/x")), ["'http://010.0.0.1/x' may"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://%31%30.0.0.1/x")), ["'http://%31%30.0.0.1/x'"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http:///10.0.0.1/x")), ["'http:///10.0.0.1/x' may"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "HTTP:10.0.0.1/x")), ["'HTTP:10.0.0.1/x' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "hxxp:/10.0.0.1")), ["'hxxp:/10.0.0.1' may not"]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://10.\t0.0.1/")), ["'http://10."]),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://loc%61lhost/")), ["'http://loc%61lhost/' may"]),
    ({"no_reserved_addresses": "true"}, event(attribute("ip-dst", "008.008.008.008")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("url", "http://8.8.8.8/010.0.0.1")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("text", "1.02.3.4")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("AS", "10")), []),
    ({"no_reserved_addresses": "true"}, event(attribute("port", "10")), []),
    ({"no_reserved_addresses": "true"}, event(HASH, attribute("size-in-bytes", "10")), []),
    ({"warninglists": ["List of RFC 1918*"]}, event(attribute("ip-src", "8.8.8.8")), []),
    (
        {"warninglists": ["List of RFC 1918*"]},
        event(attribute("ip-dst|port", "10.1.1.1|80")),
        ["10.1.1.1|80 is for detection and on the warninglist 'List of RFC 1918 CIDR blocks'"],
    ),
    # the event itself
    ({"minimum_distribution": 2}, event(distribution="2"), []),
    ({"minimum_distribution": 1}, event(distribution=0), ["'your organisation only' is below it"]),
    ({"minimum_distribution": 1}, event(distribution="4"), ["'sharing group' is no step of that order"]),
    ({"minimum_distribution": 1, "allowed_distributions": ["1", "4"]}, event(distribution="4"), []),
    ({"allowed_distributions": ["3"]}, event(distribution="1"), ["'this community only' is not allowed"]),
    ({"organisations": ["CIRCL"]}, event(Orgc={"name": "circl"}), []),
    ({"organisations": [UUID]}, event(Orgc={"name": "x", "uuid": UUID}), []),
    ({"organisations": ["CIRCL"]}, event(Orgc={"name": "ACME"}), ["the creator organisation 'ACME' is not allowed"]),
    ({"organisations": ["CIRCL"]}, event(), ["the creator organisation 'unknown' is not allowed"]),
    ({"maximum_age": 3}, event(date=str(date.today() - timedelta(days=1))), []),
    ({"maximum_age": 3}, event(date="2020-01-01"), ["days old, and at most 3 are allowed"]),
    ({"maximum_age": 3}, event(date="soon"), ["it has no date that could be judged"]),
    ({"condition": "yes"}, event(), []),
    ({"condition": "no"}, event(), ["the condition is not true of this event"]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "data", "told"), TABLE, ids=lambda value: str(value)[:60])
def test_event_by_rule(values, data, told):
    found = judged(data, **values)
    assert len(found) == len(told), found
    for part, sentence in zip(told, found, strict=True):
        assert part in sentence


def test_every_check_of_the_table_is_in_this_table():
    tried = {name for values, _, _ in TABLE for name in values}
    assert tried == set(EVENT)


def proposal(**row: Any) -> dict[str, Any]:
    proposed = {
        "type": "domain",
        "value": "a.example",
        "to_ids": 1,
        "email": "x@sub.acme.example",
        "comment": "",
        **row,
    }
    return {
        "Event": {"id": "1", "uuid": UUID, "info": "x", "Tag": [{"name": "tlp:red"}], "ShadowAttribute": [proposed]}
    }


@pytest.mark.parametrize(
    ("values", "row", "told"),
    [
        ({"allowed_types": ["domain", "ip-*"]}, {}, []),
        ({"allowed_types": ["ip-*"]}, {}, ["the type 'domain' is not allowed"]),
        ({"forbidden_types": ["dom*"]}, {}, ["the type 'domain' is forbidden"]),
        ({"forbidden_tags": ["tlp:red"]}, {}, ["the tag 'tlp:red' is forbidden"]),
        ({"comment_required": "true"}, {}, ["it does not say why (comment)"]),
        ({"comment_required": "true"}, {"comment": "seen"}, []),
        ({"allowed_domains": ["acme.example"]}, {}, []),
        ({"allowed_domains": ["@cme.example"]}, {}, ["another mail domain"]),
        ({"organisations": ["CIRCL"]}, {}, ["the creator organisation 'unknown' is not allowed"]),
        ({"no_reserved_addresses": "true"}, {"type": "ip-dst", "value": "127.0.0.1"}, ["'127.0.0.1' may not be"]),
        ({"warninglists": ["List of RFC 1918*"]}, {"type": "ip-dst", "value": "10.0.0.1"}, ["on the warninglist"]),
        ({"condition": "no"}, {}, ["the condition is not true"]),
    ],
    ids=str,
)
def test_proposal_by_rule(values, row, told):
    found = judged(proposal(**row), PROPOSAL, **values)
    assert len(found) == len(told), found
    for part, sentence in zip(told, found, strict=True):
        assert part in sentence


def test_ten_thousand_attributes_are_judged_in_a_fraction_of_the_time_that_they_take_to_be_read():
    """A gate must answer: judging may not cost a multiple of reading the request."""
    import time

    import orjson

    rows = [attribute("ip-dst", f"10.{n // 250}.{n % 250}.1", "tlp:green") for n in range(10_000)]
    raw = orjson.dumps(event(*rows, tags=("tlp:green",)))
    values = SimpleNamespace(
        no_reserved_addresses=True, forbidden_tags=["tlp:red", "x*"], tag_scope="any", tlp_once=True
    )
    start = time.thread_time()
    for _ in range(20):
        data = orjson.loads(raw)
    reading = (time.thread_time() - start) / 20
    start = time.thread_time()
    assert reasons(values, Subject(View(data), bool)) != []
    assert time.thread_time() - start < 60 * reading
