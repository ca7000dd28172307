"""Leave out what may not go to a destination, wherever in the data it stands; refuse an event that may not go at all.

An item is judged by its own tags and distribution: the event's have been judged before, and stricter ones never become
weaker. What was left out is then looked for under its other names: copies in `_AttributeFlattened`, sightings,
proposals, references, notes about it, its value quoted in a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from misp_workflow.deadline import may_wait
from misp_workflow.delivery.guard.branches import Thinned
from misp_workflow.delivery.guard.glance import LISTS, Glance
from misp_workflow.delivery.guard.home import leave_local_tags, without_names
from misp_workflow.delivery.guard.marks import INHERIT, Rule, inherited_tags, names_in, tags_of
from misp_workflow.delivery.guard.nested import Edits, Survey
from misp_workflow.delivery.guard.parts import Parts
from misp_workflow.delivery.guard.quotes import Quotes
from misp_workflow.delivery.guard.scrub import may_hold_secrets, scrub
from misp_workflow.delivery.guard.source import FOREIGN, hide_foreign_titles, hide_source
from misp_workflow.delivery.guard.traces import Traces
from misp_workflow.errors import DeliveryError
from misp_workflow.markings import NOTHING, PAP_LEVELS, TLP_LEVELS, UNKNOWN, Mark
from misp_workflow.settings import DISTRIBUTIONS, Destination


class ClearanceError(DeliveryError):
    """The event, or whatever the data is, may not go to the destination at all."""


class MarkedError(ClearanceError):
    """It says so itself, by a tag or its distribution: what of it went there before may not stay there, either."""


ORDINARY = 256
"""Rows, those of `_AttributeFlattened` among them."""

MANY = 16_384
"""Objects that are judged in less than a second."""

SHARE = 8
"""One branch in so many may hold what is left out; where there is more of it, to walk through all is no dearer."""

Restored = Callable[[Any, Any], tuple[Any, Any]]
"""Puts the branches that were not walked back into what is kept of the data, and of what is selected."""

_UNMARKED = "What is to be sent has no {} tag and so counts as"


class Cleared(NamedTuple):
    """What may go: the data, the selected items, and the sentence that counts what was left out ("" for nothing).

    `marks` are the names of all tags, wherever they stand, that say how far something may go.
    """

    data: Any
    selected: Any
    withheld: str
    marks: tuple[str, ...]


def _as_is(kept: Any, chosen: Any) -> tuple[Any, Any]:
    return kept, chosen


def admit(data: Any, selected: Any, destination: Destination) -> Cleared:
    """Return what an action and its templates may see: `scrub` and `clear` of the data and of the selected items."""
    found = None if is_ordinary(data) else _quickly(data, selected, Rule(destination))
    return found or carefully(data, selected, destination)


def is_ordinary(data: Any) -> bool:
    """Whether an event has so few rows that a look at it costs more than the careful walk, which may follow anyway."""
    event = _event_of(data)
    return sum(len(rows) for name in LISTS if isinstance(rows := event.get(name), (list, dict))) <= ORDINARY


def _quickly(data: Any, selected: Any, rule: Rule, share: int = SHARE) -> Cleared | None:
    """Return what `carefully` returns, where a look tells which few of the branches it could change; else None."""
    if rule.least or not isinstance(data, dict):
        return None

    def hides_source(name: str) -> bool:
        return rule.mark(name).hides_source

    glances = [Glance(each, hides_source, rule.reason_of_tag) for each in (data, selected) if each is not None]
    if not all(glance.usual for glance in glances):
        return None
    members: set[str] = set().union(*[glance.members for glance in glances])
    if may_hold_secrets(members) or (selected is not None and glances[-1].foreign):
        return None
    names: set[str] = set().union(*[glance.names for glance in glances])
    marks = _marks(names, rule)
    _refuse_whole(data, glances, marks, rule)
    if suspects := sum(len(glance.suspects) for glance in glances):
        few = suspects * share <= sum(glance.branches for glance in glances)
        return _partly((data, selected), glances, marks, rule) if few else None
    if glances[0].foreign and rule.tlp < len(TLP_LEVELS) - 1:
        data = _without_foreign_titles(data)
    if not rule.destination.local_tags:
        selected = without_names(selected, frozenset(), data)  # nothing else says how these are attached
    return None if data is None else Cleared(data, selected, "", _allowed(marks, rule))


def _partly(whole: Sequence[Any], glances: Sequence[Glance], marks: Mapping[str, Mark], rule: Rule) -> Cleared | None:
    """Return what `carefully` returns, by a walk through those branches only that it could change; else None.

    These are the suspects, and the branches where something of what is left out of them may be met again.
    """
    parts = Parts(rule)
    thinned = [Thinned(*each, each[1].suspects) for each in zip(whole, glances, strict=False)]
    for some in thinned:
        parts.find(Edits(Survey(some.data)), {name for name in marks if rule.reason_of_tag(name)})
    traces = Traces(parts)
    if not traces.known or any(some.around(parts) for some in thinned):
        return None
    try:
        traced = [glance.suspects | traces.branches(glance) for glance in glances]
    except TypeError:  # a list or an object where a name should be
        return None
    thinned = [Thinned(*each) for each in zip(whole, glances, traced, strict=False)]
    edits = [Edits(Survey(each.data)) for each in thinned]

    def restored(kept: Any, chosen: Any) -> tuple[Any, Any]:
        return thinned[0].restored(kept), thinned[1].restored(chosen) if thinned[1:] else None

    return _cleared(thinned[0].data, thinned[1].data if thinned[1:] else None, edits, marks, rule, restored)


def _without_foreign_titles(data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the data with the titles of other events withheld, None when it has no event that they could stand in."""
    event = data.get("Event")
    if not isinstance(event, dict):
        return None
    changed = {}
    for name in FOREIGN & event.keys():
        branch = {name: event[name]}
        edits = Edits(Survey(branch))
        hide_foreign_titles(edits)
        made = edits.made(branch)
        if made is not branch:
            changed[name] = made[name]
    return {**data, "Event": {**event, **changed}} if changed else data


def carefully(data: Any, selected: Any, destination: Destination) -> Cleared:
    """Do the same as `admit` by walking through all of it: `scrub`, then `clear`."""
    survey = Survey(data)
    clean = scrub(data, survey)
    chosen = selected if selected is None else scrub(selected)
    return clear(clean, chosen, destination, survey if clean is data else None)


def clear(data: Any, selected: Any, destination: Destination, survey: Survey | None = None) -> Cleared:
    """Return the data and the selected items (None: nothing was selected) without what is above the clearance.

    Neither is changed; what needs no change is returned as it is. The sentence counts among the selected items, or in
    the data when nothing was selected. Raises ClearanceError when the whole may not go. `survey` is that of the data,
    for a caller that has it.
    """
    rule = Rule(destination)
    edits = [Edits(survey or Survey(data))]
    if selected is not None:
        edits.append(Edits(Survey(selected)))
    if sum(len(each.places) for each in edits) > MANY:
        may_wait()  # what takes long is watched
    marks = _marks({name for each in edits for name in names_in(each.survey)}, rule)
    _refuse_whole(data, [each.survey for each in edits], marks, rule)
    return _cleared(data, selected, edits, marks, rule)


def _cleared(
    data: Any, selected: Any, edits: Sequence[Edits], marks: Mapping[str, Mark], rule: Rule, restored: Restored = _as_is
) -> Cleared:
    """Return what may go of data of which the whole may; `marks` are its tags that say something.

    `restored` is for what is thinned: bare texts, tags and clusters are held against all that is kept.
    """
    refused = {name for name in marks if rule.reason_of_tag(name)}
    withheld, quotes = _leave_out(edits, refused, rule) if refused or rule.least else ("", None)
    if rule.tlp < len(TLP_LEVELS) - 1:
        for each in edits:
            hide_foreign_titles(each)
    local = None if rule.destination.local_tags else leave_local_tags(edits)
    kept, chosen = restored(edits[0].made(data), edits[-1].made(selected))
    if local is not None:
        chosen = without_names(chosen, local, kept)
    if quotes:
        chosen = quotes.remove_scalars(chosen, kept)
    if any(mark.hides_source for mark in marks.values()):
        kept, chosen = hide_source(kept), hide_source(chosen)
    return Cleared(kept, chosen, withheld, _allowed(marks, rule))


def _allowed(marks: Mapping[str, Mark], rule: Rule) -> tuple[str, ...]:
    return tuple(sorted(name for name in marks if not rule.reason_of_tag(name)))


def _marks(names: Iterable[str], rule: Rule) -> dict[str, Mark]:
    """Return what the names say, those that say something."""
    return {name: mark for name in names if (mark := rule.mark(name)) is not NOTHING}


# --- the whole --------------------------------------------------------------------------------------------------------


def _refuse_whole(data: Any, surveys: Sequence[Survey | Glance], marks: Mapping[str, Mark], rule: Rule) -> None:
    """Raise ClearanceError when the event by its own tags or distribution, or unmarked data as such, may not go.

    `marks` are the tags that say something, on whatever.
    """
    whole = marks.keys() & tags_of(_event_of(data))
    for survey in surveys if len(whole) < len(marks) else ():
        whole |= inherited_tags(survey, marks.keys() - whole)
    for reason in filter(None, map(rule.reason_of_tag, sorted(whole))):
        raise MarkedError(_refusal(f"The event is marked {reason}", reason, rule))
    place = rule.destination
    tlp = UNKNOWN if any(marks[name].tlp != UNKNOWN for name in whole) else TLP_LEVELS.index(place.unmarked)
    if unmarked := rule.reason_of_ranks(tlp, UNKNOWN):
        raise ClearanceError(_refusal(f"{_UNMARKED.format('TLP')} {unmarked}", unmarked, rule))
    pap = UNKNOWN if any(marks[name].pap != UNKNOWN for name in whole) else PAP_LEVELS.index(place.unmarked_pap)
    if unmarked := rule.reason_of_ranks(UNKNOWN, pap):
        raise ClearanceError(_refusal(f"{_UNMARKED.format('PAP')} {unmarked}", unmarked, rule))
    for reason in filter(None, _whole_distribution(data, rule) if rule.least else ()):
        raise MarkedError(_refusal(f"The event has the {reason}", reason, rule))


def _event_of(data: Any) -> Mapping[str, Any]:
    """Return the event that the data is about, an empty one when it is about something else."""
    if not isinstance(data, dict):
        return {}
    event = data.get("Event")
    return event if isinstance(event, dict) else data


def _whole_distribution(data: Any, rule: Rule) -> Iterator[str]:
    """Yield why the event, or the thread that a post belongs to, must stay at home by its distribution."""
    if not isinstance(data, dict):
        return
    yield rule.reason_of_distribution(data)
    for name in ("Event", "Thread"):
        whole = data.get(name)
        if isinstance(whole, dict) and any(whole.values()):  # a question to one module has an empty event
            yield rule.reason_of_distribution(whole, INHERIT)


def _refusal(what: str, reason: str, rule: Rule) -> str:
    return f"{what}; {bound_of(rule.destination, reason)}. Nothing was sent."


def bound_of(place: Destination, reason: str = "TLP") -> str:
    """Return what a destination takes at most; `reason` begins with what is asked about: TLP, PAP or distribution."""
    who = f"the destination “{place.name}”" if place.name else "a node without a destination"
    bound = {
        "TLP": f"at most TLP:{place.tlp.upper()}",
        "PAP": f"at most PAP:{place.pap.upper()}",
        "dis": f"only what has at least the distribution “{DISTRIBUTIONS[place.distribution]}”",
    }[reason[:3]]
    return f"{who} takes {bound}"


# --- the parts --------------------------------------------------------------------------------------------------------


def _leave_out(edits: Sequence[Edits], refused: set[str], rule: Rule) -> tuple[str, Quotes | None]:
    """Note that what may not go goes; return the sentence that counts it, and what may quote it."""
    parts = Parts(rule)
    for each in edits:
        parts.find(each, refused)
    if not parts.withheld:
        return "", None
    counted = [*parts.counted(edits[1].survey if edits[1:] else None)]
    for each in edits:
        parts.remove(each)
    quotes = Quotes(parts, edits)
    counted += [("attribute", "its value quotes one of them")] * quotes.remove()
    return _sentence(counted), quotes


def _sentence(counted: Iterable[tuple[str, str]]) -> str:
    """Return "3 attributes withheld: TLP:RED; 1 object withheld: PAP:RED", the most of a kind first."""
    numbers: dict[tuple[str, str], int] = {}  # no Counter: it takes longer to make than all of this
    for item in counted:
        numbers[item] = numbers.get(item, 0) + 1
    parts = []
    for number, kind, reason in sorted([(-number, *item) for item, number in numbers.items()]):
        parts.append(f"{-number} {kind}{'s' if number < -1 else ''} withheld: {reason}")
    return "; ".join(parts)
