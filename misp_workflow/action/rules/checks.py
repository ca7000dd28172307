"""The checks: each looks at one value of a rule and returns a sentence part for each way in which it is not kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timezone
from typing import Any

from misp_workflow import attribute_types, deadline
from misp_workflow.action.rules.subject import Subject, proposals
from misp_workflow.delivery.guard.addresses import ascii_name, reserved
from misp_workflow.delivery.warninglists import lists_with
from misp_workflow.event import DISTRIBUTIONS, flag, matching, number, text
from misp_workflow.markings import UNKNOWN, read_tag
from misp_workflow.tag_patterns import tagged
from misp_workflow.words import counted

MOST_NAMED = 5
_TOGETHER = re.compile(r"(.+?)\s+(named pipe|\S+)")

Values = Any
"""An object with one attribute per parameter, such as `Params`; what it lacks is not checked."""


def reasons(values: Values, subject: Subject) -> list[str]:
    """Return every way in which the subject does not keep to the values; none: it keeps to all."""
    found: list[str] = []
    for check in CHECKS:
        deadline.look()
        found += check(values, subject)
    return found


def _get(values: Values, name: str) -> Any:
    return getattr(values, name, None) or ()


def _tags(values: Values, subject: Subject) -> Iterator[str]:
    required, forbidden = _get(values, "required_tags"), _get(values, "forbidden_tags")
    once, galaxies = getattr(values, "exactly_one_tlp", False), _get(values, "required_galaxies")
    if not (required or forbidden or once or galaxies):
        return
    if subject.is_change and not (subject.has_tags and subject.view.tags):
        return
    if not subject.has_tags:
        yield "its tags cannot be judged here: before a save, MISP sends their numbers only"
        return
    scope = getattr(values, "tag_scope", "event")
    names = subject.tags(scope)
    for pattern in required:
        if not any(matching([name, *read_tag(name).names], pattern) for name in names):
            yield f"no tag matches '{pattern}'"
    others = sorted(subject.view.tags_of_all.difference(names)) if forbidden and scope == "any" else []
    yield from marked([*names, *others], forbidden)
    for pattern in galaxies:
        if not matching(subject.galaxies, pattern):
            yield f"no cluster of a galaxy '{pattern}' is named"
    if once:
        yield from _tlp_once(subject.view.tags)


def marked(names: Sequence[str], patterns: Sequence[str]) -> Iterator[str]:
    """Yield a reason for each tag that a pattern forbids; a TLP or PAP level in any spelling (TLP: Red)."""
    for pattern in patterns:
        yield from (f"the tag '{name}' is forbidden" for name in dict.fromkeys(tagged(names, pattern)))


def _tlp_once(names: list[str]) -> Iterator[str]:
    said = {name: mark for name in names if (mark := read_tag(name)).tlp != UNKNOWN or mark.hides_source}
    levels = [mark for mark in said.values() if mark.tlp != UNKNOWN]
    if not said:
        yield "it has no TLP tag"
    elif len(said) > 1:
        yield f"it has {len(said)} TLP tags ({', '.join(said)})"
    elif not levels or levels[0].note:
        yield f"'{next(iter(said))}' is no TLP level"


def _together(values: Values, subject: Subject) -> Iterator[str]:
    for line in _get(values, "forbidden_together"):
        tag, kind = read.groups() if (read := _TOGETHER.fullmatch(line)) else ("", "")
        if not tag.strip():
            yield f"the rule '{line}' cannot be read: it needs a tag pattern and a type pattern"
            continue
        if not attribute_types.is_one(kind):
            yield f"the rule '{line}' cannot be read: '{kind}' is no attribute type"
            continue
        types = [text(row.get("type")) for row in subject.attributes]
        tags, found = tagged(subject.view.all_tags, tag.strip()), dict.fromkeys(matching(types, kind))
        if not subject.has_tags and found and not subject.is_change:
            yield f"it has {_listed(found)}, and its tags cannot be judged here"
        elif tags and found:
            yield f"'{tags[0]}' and {_listed(found)} may not be together"


def _content(values: Values, subject: Subject) -> Iterator[str]:
    least, objects = getattr(values, "minimum_attributes", 0) or 0, _get(values, "required_objects")
    required, forbidden = _get(values, "required_types"), _get(values, "forbidden_types")
    allowed = _get(values, "allowed_types")
    if subject.is_change:
        least, objects, required = 0, (), ()
    elif not subject.has_attributes and (least or objects or required):
        yield "its content cannot be judged here: MISP did not send it"
        return
    types: list[str] = []
    if required or forbidden or allowed:
        types = list(dict.fromkeys(text(row.get("type")) for row in subject.attributes))
    if len(subject.attributes) < least:
        yield f"it has {counted(len(subject.attributes), 'attribute')}, and at least {least} are required"
    for pattern in required:
        if not matching(types, pattern):
            yield f"no attribute is of type '{pattern}'"
    for pattern in forbidden:
        for kind in matching(types, pattern):
            yield f"the type '{kind}' is forbidden"
    if allowed:
        unwanted = [kind for kind in types if not any(matching([kind], pattern) for pattern in allowed)]
        yield from (f"the type '{kind}' is not allowed" for kind in unwanted)
    names = [text(row.get("name")) for row in subject.view.objects]
    for pattern in objects:
        if not matching(names, pattern):
            yield f"there is no object '{pattern}'"


def _addresses(values: Values, subject: Subject) -> Iterator[str]:
    if not getattr(values, "no_reserved_addresses", False):
        return
    found = [part for row in deadline.paced(_for_detection(subject)) for part in reserved(row)]
    if found:
        yield f"{_listed(dict.fromkeys(found))} may not be for detection: private or reserved"


def _for_detection(subject: Subject) -> list[dict[str, Any]]:
    return [row for row in deadline.paced(subject.attributes) if flag(row.get("to_ids"))]


def _on_warninglists(values: Values, subject: Subject) -> Iterator[str]:
    patterns = _get(values, "warninglists")
    if not patterns:
        return
    for row in _for_detection(subject):
        names = lists_with(row, patterns)
        if names:
            yield f"{text(row.get('value'))[:60]} is for detection and on the warninglist '{names[0]}'"


def _event_row(values: Values, subject: Subject) -> Iterator[str]:
    event = subject.view.event
    level = number(event.get("distribution"), -1)
    allowed, least = _get(values, "allowed_distributions"), number(getattr(values, "minimum_distribution", 0))
    name = DISTRIBUTIONS.get(level, "unknown")
    if allowed and str(level) not in allowed and subject.is_new("distribution"):
        yield f"the distribution '{name}' is not allowed"
    elif least and not allowed and not least <= level <= 3 and subject.is_new("distribution"):
        below = "is no step of that order" if level > 3 else "is below it"
        yield f"the distribution must be at least '{DISTRIBUTIONS[least]}', and '{name}' {below}"
    patterns = _get(values, "organisations")
    orgc = event.get("Orgc") if isinstance(event.get("Orgc"), dict) else {}
    known = [text(orgc.get("name")), text(orgc.get("uuid"))] if isinstance(orgc, dict) else []
    if patterns and not any(matching(known, pattern) for pattern in patterns) and subject.is_new("orgc_id"):
        yield f"the creator organisation '{next(filter(None, known), 'unknown')}' is not allowed"
    too_old = list(_age(getattr(values, "maximum_age", 0) or 0, text(event.get("date"))))
    yield from too_old if too_old and subject.is_new("date") else ()


def _age(most: int, day: str) -> Iterator[str]:
    if not most:
        return
    try:
        days = (datetime.now(timezone.utc).date() - date.fromisoformat(day)).days
    except ValueError:
        yield "it has no date that could be judged"
        return
    if days > most:
        yield f"it is {counted(days, 'day')} old, and at most {most} are allowed"


def _proposal(values: Values, subject: Subject) -> Iterator[str]:
    domains = _get(values, "allowed_domains")
    for row in proposals(subject.view):
        if getattr(values, "comment_required", False) and not text(row.get("comment")).strip():
            yield "it does not say why (comment)"
        if domains and not in_domains(text(row.get("email")), domains):
            yield f"'{text(row.get('email'))}' may not propose: another mail domain"


def _condition(values: Values, subject: Subject) -> Iterator[str]:
    expression = getattr(values, "condition", "")
    if expression and not subject.is_change and not subject.holds(expression):
        yield "the condition is not true of this event"


def in_domains(email: str, domains: tuple[str, ...]) -> bool:
    """Return whether an e-mail address belongs to one of the domains or a subdomain."""
    host = ascii_name(email.rpartition("@")[2]).rstrip(".")
    wanted = [ascii_name(domain).lstrip("@.").rstrip(".") for domain in domains]
    return email.count("@") == 1 and any(host == domain or host.endswith(f".{domain}") for domain in wanted)


def _listed(names: Any) -> str:
    found = [repr(name)[:60] for name in names]
    more = len(found) - MOST_NAMED
    return ", ".join(found[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


CHECKS: tuple[Callable[[Values, Subject], Iterator[str]], ...] = (
    _tags,
    _together,
    _content,
    _event_row,
    _addresses,
    _on_warninglists,
    _proposal,
    _condition,
)
