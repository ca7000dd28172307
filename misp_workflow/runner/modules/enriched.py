"""MISP's own actions that tag attributes with what others know of them.

Mirrors Module_tag_country_asn_from_enrichment and Module_tag_cve_from_enrichment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import InputError, PhpCrash
from misp_workflow.runner.data import wire
from misp_workflow.runner.modules import inhand
from misp_workflow.runner.modules.attributes import selected
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.runner.modules.moduleapi import NoAnswerError
from misp_workflow.runner.modules.tags import tag_attributes
from misp_workflow.runner.modules.webhooks import curl_error

Attribute = Mapping[str, Any]


def _tagged(call: Call, wanted: Iterable[tuple[Attribute, list[str]]]) -> list[bool]:
    local = call.values()["locality"] == "local"
    return tag_attributes(
        call,
        ((attribute, {"tags": tags, "local": local, "relationship_type": ""}, True) for attribute, tags in wanted),
    )


# --- country and network ---------------------------------------------------------------------------------------------


def tag_country_asn(call: Call) -> Outcome:
    """Tag with the country and network that an enrichment left under `enrichment`. Without any it fails."""
    if call.has_filter:
        # It looks for the event inside of what the filter selected.
        return Outcome(False, why="the node's filter leaves nothing that it could read")
    wanted = ((attribute, tags) for attribute in selected(call) if (tags := _origin(attribute)))
    done = _tagged(call, wanted)
    return Outcome(any(done), why=f"{sum(done)} attributes tagged with where they come from")


def _origin(attribute: Attribute) -> list[str]:
    found: dict[str, str] = {}
    for relation, value, in_object in _enriched(attribute.get("enrichment")):
        if relation == "country":
            found["country"] = value.strip().upper()
        elif relation == "countrycode":
            found["country_code"] = value.strip()
        elif (relation == "asn" or (relation == "ASN" and in_object)) and (
            digits := re.search(r"\d+", value, re.ASCII)
        ):
            found["asn_number"] = digits[0]
        elif relation == "ASNOrganization":
            found["asn_org"] = value.strip()
        elif relation == "description" and (named := _organisation(value)):
            found.setdefault("asn_org", named)
    quoted = {name: value.replace('"', "'") for name, value in found.items() if value}
    return [
        f'{name}:"{quoted[name]}"' for name in ("country", "asn_number", "asn_org", "country_code") if name in quoted
    ]


def _organisation(text: str) -> str:
    named = re.search(r"ASNOrganization:\s*([^.]+)\.", text) or re.search(r"\bASN?\s*\d*\s+(.+)", text)
    return named[1].strip() if named else ""


def _enriched(answers: Any) -> Iterator[tuple[str, str, bool]]:
    """Every (object relation, text, whether it stands in an object) of the enrichments of an attribute."""
    for answer in php.values(answers) if php.is_array(answers) else ():
        rows = [(row, False) for row in php.values(php.to_array(php.item(answer, "Attribute")))]
        for found in php.values(php.to_array(php.item(answer, "Object"))):
            rows += [(row, True) for row in php.values(php.to_array(php.item(found, "Attribute")))]
        for row, in_object in rows:
            relation, value = php.item(row, "object_relation"), php.item(row, "value")
            if isinstance(relation, str) and isinstance(value, str):
                yield relation, value, in_object


# --- vulnerabilities -------------------------------------------------------------------------------------------------

_SERVICE = "https://vulnerability.circl.lu/api/cve/"
_SCORES = ("cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV3", "cvssV2_0", "cvssV2")
_HIGH, _MEDIUM = 7, 4
_EXPLOITS = 'misp-galaxy:mitre-attack-pattern="Vulnerabilities - T1588.006"'
_SUMMARY = "CVE Summary:"


def tag_cve(call: Call) -> Outcome:
    """Ask the vulnerability service (here: the script) about each vulnerability. It always has an error to tell."""
    values = call.values()
    arbitrary = call.around.world.arbitrary_urls
    errors = ["URL not provided." if arbitrary else "`Security.rest_client_enable_arbitrary_urls` is turned off"]
    done = []
    for attribute in [] if call.has_filter else selected(call):
        if attribute.get("type") != "vulnerability":
            continue
        answer = _asked(call, php.to_string(attribute.get("value")))
        if isinstance(answer, str):
            errors.append(answer)
            continue
        score = _score(answer)
        tags = [f"CVSS:{'unknown' if score is None else php.to_string(score)}", f'misp:threat-level="{_risk(score)}"']
        if values["add_vulnerability_ttp"] == "yes":
            tags.append(_EXPLOITS)
        before = call.data()
        done += _tagged(call, [(attribute, tags)])
        if done[-1]:
            _comment(call, before, attribute, answer)
    return Outcome(any(done), errors, f"{sum(done)} vulnerabilities tagged")


def _asked(call: Call, cve: str) -> Any:
    """The decoded answer, null for one that is no JSON; a text says what went wrong."""
    url = _SERVICE + cve
    request = {"method": "GET", "url": url, "data": False, "headers": {"Accept": "application/json"}}
    call.effect("webhook", f"GET {url}", request)
    try:
        answer = call.around.server.webhook(request)
    except NoAnswerError as error:
        raise PhpCrash("SocketException", curl_error(error.kind, url)) from error
    if answer is None:
        return "Nobody was asked: requests to the outside are noted only."
    text = answer.body.decode("utf-8", "replace")
    if answer.status != 200:
        return f"Request failed with HTTP {answer.status}: {text}"
    try:
        return wire.decode(text[max(text.find("{"), 0) :].encode())
    except InputError:
        return None


def _score(answer: Any) -> Any:
    """The first base score that is a number, of the authority or of those who added to its record."""
    containers = php.item(answer, "containers")
    adders = php.values(php.to_array(php.item(containers, "adp")))
    for container in (php.item(containers, "cna"), *adders):
        for metric in php.values(php.to_array(php.item(container, "metrics"))):
            for name in _SCORES:
                score = php.item(php.item(metric, name), "baseScore")
                if php.is_numeric(score):
                    return score
    return None


def _risk(score: Any) -> str:
    if score is None:
        return "unknown-risk"
    number = php.to_number(score)
    return "high-risk" if number >= _HIGH else "medium-risk" if number >= _MEDIUM else "low-risk"


def _comment(call: Call, before: Any, attribute: Attribute, answer: Any) -> None:
    """Add the summary to the comment, once. Written is the attribute from before its tags, which so get lost."""
    comment = php.to_string(attribute.get("comment"))
    summary = _summary(answer)
    if _SUMMARY in comment or not summary:
        return
    row = {key: value for key, value in attribute.items() if key != "timestamp"}
    edited = {**row, "comment": f"{comment} {_SUMMARY} {summary}".strip()}
    call.change("Attribute.editAttribute", edited)
    call.roaming.set(inhand.write_back(before, [edited], call.misp))


def _summary(answer: Any) -> str:
    descriptions = php.item(php.item(php.item(answer, "containers"), "cna"), "descriptions")
    for description in php.values(php.to_array(descriptions)):
        if php.to_string(php.item(description, "lang")).startswith("en"):
            return php.to_string(php.item(description, "value"))
    return "No summary found"


ACTIONS: Mapping[str, Exec] = {
    "tag_country_asn_from_enrichment": tag_country_asn,
    "tag_cve_from_enrichment": tag_cve,
}
