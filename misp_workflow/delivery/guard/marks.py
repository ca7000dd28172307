"""What markings say about one item: TLP and PAP tags, distribution, and what a destination makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from misp_workflow.delivery.guard.glance import Glance
from misp_workflow.delivery.guard.nested import Place, Survey
from misp_workflow.event import TAG_LISTS, named_tags
from misp_workflow.markings import PAP_LEVELS, TLP_LEVELS, UNKNOWN, Mark, read_tag
from misp_workflow.settings import DISTRIBUTIONS, GROUP_NAME, Destination

SHARING_GROUP = 4
INHERIT = 5

_NUMBER = re.compile(r"[0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def tags_of(node: Mapping[str, Any]) -> list[str]:
    """Return the names of the tags on an event, attribute or report, however the data holds them."""
    found: list[str] = []
    for key in TAG_LISTS:
        if tags := node.get(key):
            found += names_of(tags)
    return found


def names_in(survey: Survey) -> set[str]:
    """Return the names of all tags. They are found quickly: names of other things are among them."""
    found = {name for tag in survey.tags + survey.objects if type(name := tag.get("name")) is str}
    for tags, _, _ in () if survey.plain else survey.tag_lists:
        found.update(names_of(tags))
    return found


def refused_holders(survey: Survey, refused: set[str]) -> list[Place]:
    """Return the places of the objects that have one of the tags."""
    if survey.plain:
        return [place for tags, _, place in survey.tag_lists for tag in tags if tag.get("name") in refused]
    return [place for tags, _, place in survey.tag_lists if not refused.isdisjoint(names_of(tags))]


def inherited_tags(survey: Survey | Glance, names: set[str]) -> set[str]:
    """Return those of these tags that attributes have from their event: its own row may not have them."""
    if "inherited" not in survey.members or not names:
        return set()
    tags = survey.tags + survey.objects
    said = [tag for tag in tags if type(name := tag.get("name")) is str and name in names]
    return {tag["name"] for tag in said if tag.get("inherited") in (True, "1", "true")}


def names_of(tags: Any) -> list[str]:
    """Return the names in a tag list."""
    return [name for name, _ in named_tags(tags)]


class Rule:
    """What one destination lets pass."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.tlp = TLP_LEVELS.index(destination.tlp)
        self.pap = PAP_LEVELS.index(destination.pap) if destination.pap else None
        self.least = destination.distribution
        self.mark = self._mark if destination.markings else read_tag
        self._reasons: dict[str, str] = {}

    def _mark(self, name: str) -> Mark:
        """Return what a tag says here: the operator's own markings first, then the known schemes."""
        folded = name.casefold()
        for pattern, level in self.destination.markings.items():
            if folded == pattern or fnmatchcase(folded, pattern):  # a name with brackets means itself, too
                return Mark(tlp=TLP_LEVELS.index(level))
        return read_tag(name)

    def reason_of_tag(self, name: str) -> str:
        """Return why something with this tag may not go there ("TLP:RED"), or ""."""
        known = self._reasons.get(name)
        if known is None:
            mark = self.mark(name)
            known = self._reasons[name] = self.reason_of_ranks(mark.tlp, mark.pap, mark.note)
        return known

    def reason_of_ranks(self, tlp: int, pap: int, note: str = "") -> str:
        """Return why these levels are too high for the destination, or ""."""
        said = f" (from “{note}”, which is no known level)" if note else ""
        if tlp > self.tlp:
            return f"TLP:{TLP_LEVELS[tlp].upper()}{said}"
        if self.pap is not None and pap > self.pap:
            return f"PAP:{PAP_LEVELS[pap].upper()}{said}"
        return ""

    def reason(self, node: Mapping[str, Any]) -> str:
        """Return why this item may not go there by its own tags and distribution, or ""."""
        for name in tags_of(node):
            reason = self.reason_of_tag(name)
            if reason:
                return reason
        return self.reason_of_distribution(node)

    def reason_of_distribution(self, node: Mapping[str, Any], refused: int = UNKNOWN) -> str:
        """Return why the item's own distribution keeps it at home, or "".

        What inherits, or says nothing, is judged by what it is in: `refused` is INHERIT for what is in nothing.
        """
        if not self.least:
            return ""
        number = _distribution(node.get("distribution"))
        if self.least <= number < len(DISTRIBUTIONS) or (number == INHERIT != refused):
            return ""
        if number == SHARING_GROUP:
            return "" if self._group_may(node) else "distribution “sharing group”"
        name = DISTRIBUTIONS[number] if 0 <= number < len(DISTRIBUTIONS) else "unknown"
        return f"distribution “{name}”"

    def _group_may(self, node: Mapping[str, Any]) -> bool:
        """Whether the item's sharing group is one of the settings': numbers are held against numbers, and so on.

        Another organisation can call its group as it likes: like the number or uuid of one of ours, too.
        """
        group = node.get("SharingGroup")
        known = group if isinstance(group, dict) else {}
        said = {*_said_as(_NUMBER, node.get("sharing_group_id"), known.get("id"))}
        said |= {*_said_as(_UUID, known.get("uuid"), node.get("sharing_group_uuid"))}
        said |= {f"{GROUP_NAME}{name}" for name in (known.get("name"),) if isinstance(name, str)}
        return not said.isdisjoint(_spelt(entry) for entry in self.destination.sharing_groups)


def _said_as(form: re.Pattern[str], *values: Any) -> list[str]:
    """Return those of the values, in small letters, that have the form."""
    return [text for value in values if form.fullmatch(text := str(value).lower())]


def _spelt(entry: str) -> str:
    """Return what the settings say of a group as `_group_may` says it of an item's."""
    lower = entry.strip().lower()
    if entry.startswith(GROUP_NAME) or _NUMBER.fullmatch(lower) or _UUID.fullmatch(lower):
        return entry if entry.startswith(GROUP_NAME) else lower
    return GROUP_NAME + entry


def _distribution(level: Any) -> int:
    """Return MISP's number of a distribution level, INHERIT when it is not said, UNKNOWN when it is no number."""
    try:
        return INHERIT if level in (None, "") else int(level)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN
