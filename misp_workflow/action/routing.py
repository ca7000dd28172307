"""Routes: which destinations of the settings get what a call is about, and why the others do not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import Any

from misp_workflow import attribute_types
from misp_workflow.action import rules
from misp_workflow.action.answers import Answer, of_places, sentence
from misp_workflow.deadline import may_wait
from misp_workflow.errors import WorkflowError
from misp_workflow.event import THREAT_LEVELS, UUID, View, matching, number, text
from misp_workflow.markings import strictest
from misp_workflow.settings import Settings
from misp_workflow.settings.routes import Route
from misp_workflow.tag_patterns import tagged

UNMARKED = "unmarked"


@dataclass(frozen=True)
class Choice:
    """One line of a route held against an event: "" or the reasons why it is not for it."""

    route: Route
    why_not: tuple[str, ...]


def chosen(route: Sequence[Route], view: View, now: datetime | None = None) -> list[Choice]:
    """Hold each line of a route against what a call is about, up to one that matches and says stop."""
    choices = []
    for line in route:
        choices.append(Choice(line, tuple(reasons_against(line, view, now or datetime.now().astimezone()))))
        if line.stop and not choices[-1].why_not:
            break
    return choices


def destinations(choices: Sequence[Choice]) -> list[str]:
    """Return the destinations of the lines that match, each once."""
    return list(dict.fromkeys(name for one in choices if not one.why_not for name in one.route.to))


def reasons_against(line: Route, view: View, now: datetime) -> Iterator[str]:
    """Yield why a line is not for this; nothing when it is."""
    event = view.event
    if line.tlp:
        level = strictest(view.tags_of_all, "tlp") or UNMARKED
        if level not in line.tlp and not (level == "clear" and "white" in line.tlp):
            yield f"its TLP is {level}"
    if line.tags and not any(tagged(view.all_tags, pattern) for pattern in line.tags):
        yield f"no tag matches {', '.join(line.tags)}"
    if line.organisations and not any(matching(_names(event.get("Orgc")), one) for one in line.organisations):
        yield f"its creator is {view.organisation or 'not known'}"
    if line.sharing_groups and not _group(view) & {one.casefold() for one in line.sharing_groups}:
        yield "it is not for such a sharing group"
    types = {text(row.get("type")) for row in view.attributes} if line.types else ()
    if line.types and not any(matching(types, pattern) for pattern in line.types):
        yield "; ".join([f"no attribute is of type {', '.join(line.types)}", *attribute_types.unknown(line.types)])
    if (line.networks or line.domains) and not [*rules.own_values(view, line.domains, line.networks)]:
        yield "nothing in it is on the watch list"
    if line.threat_levels:
        level = THREAT_LEVELS.get(number(event.get("threat_level_id")), "undefined")
        if level not in line.threat_levels:
            yield f"its threat level is {level}"
    yield from _not_now(line, now)


def _not_now(line: Route, now: datetime) -> Iterator[str]:
    local = now.astimezone(line.timezone) if line.timezone else now
    begin, end = line.hours or (time_of_day.min, time_of_day.min)
    clock = local.time().replace(tzinfo=None)
    is_night = begin > end and clock < end  # that of the day before, on which its hours began
    day = local.date() - timedelta(days=is_night)
    if line.days and day.weekday() not in line.days:
        yield f"it is the night of {day:%A}" if is_night else f"it is {day:%A}"
    if line.hours and not (begin <= clock < end if begin < end else clock >= begin or clock < end):
        yield f"it is {local:%H:%M}"


def _names(organisation: Any) -> set[str]:
    found = organisation if isinstance(organisation, dict) else {}
    return {text(found.get(key)) for key in ("name", "uuid")} - {""}


def misspelt(line: Route) -> Iterator[str]:
    """Yield why a word of a line is none that an event ever has, so that the line may never hold."""
    for why in attribute_types.unknown(line.types):
        yield f"'types': {why}"
    for one in line.sharing_groups:
        if not (one.isdecimal() or UUID.fullmatch(one)):
            yield f"'sharing_groups': “{one[:60]}” is neither the number nor the uuid of a sharing group"


def _group(view: View) -> set[str]:
    """Return number and uuid of the sharing groups that the event or an attribute is for; names are anybody's."""
    found: set[str] = set()
    for row in (view.event, *view.attributes):
        if number(row.get("distribution")) == 4:
            group = row.get("SharingGroup")
            found |= {text(row.get("sharing_group_id")), text(group.get("uuid") if isinstance(group, dict) else "")}
    return {one.casefold() for one in found} - {"", "0"}


# --- one call along a route -------------------------------------------------------------------------------------------


def along(
    name: str, data: Any, settings: Settings, action: str, end: float, tell: Callable[[str, float], Answer]
) -> Answer:
    """Have `tell` tell each destination that the route chooses for this action, and return one answer for all.

    `tell` gets a destination's name and a time of the monotonic clock; each destination has its share of what is left.
    """
    choices = chosen(settings.route(name), View(data))
    places = [one for one in destinations(choices) if settings.destination(one).allows(action)]
    if not places:
        why = "; ".join(
            dict.fromkeys(f"{', '.join(one.route.to)}: {', '.join(one.why_not)}" for one in choices if one.why_not)
        )
        detail = f"The route “{name}” leads nowhere for this" + (f" ({why})." if why else f" with {action}.")
        return {"data": {"status": "skipped", "detail": sentence(detail)}}
    answers: dict[str, Answer] = {}
    if len(places) > 1:
        may_wait()  # the second may, when the first has its message
    for left, place in zip(range(len(places), 0, -1), places, strict=True):
        now = time.monotonic()
        try:
            answers[place] = tell(place, now + (end - now) / left)
        except WorkflowError as error:
            answers[place] = {"error": sentence(str(error))}
    return of_places(answers)
