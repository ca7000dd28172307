"""What markings say about one item: TLP and PAP tags, distribution, and what a destination makes of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from misp_workflow.delivery.guard.nested import TAG_LISTS, Place, Survey
from misp_workflow.settings import DISTRIBUTIONS, PAP_LEVELS, TLP_LEVELS, Destination

SHARING_GROUP = 4
INHERIT = 5
UNKNOWN = -1
LONGEST_TAG = 510
"""Characters; MISP stores 255. Of a longer one the two ends are looked at."""

_SCHEME = re.compile(r"(?:.*:)?(tlp|pap)([:=_ .-]+)(.*)", re.DOTALL)
_SPELLINGS = {"white": "clear", "amberstrict": "amber+strict"}
_CHATHAM_HOUSE = ("exchr", "chr")


class Mark(NamedTuple):
    """What one tag says. Ranks are positions in TLP_LEVELS and PAP_LEVELS, UNKNOWN when it says nothing.

    `note` is the tag itself when its level is none that is known and so counts as the strictest.
    """

    tlp: int = UNKNOWN
    pap: int = UNKNOWN
    hides_source: bool = False
    note: str = ""


NOTHING = Mark()


@lru_cache(maxsize=8192)
def read_tag(name: str) -> Mark:
    """Return what a tag's name says by the rules of docs/clearance.md."""
    plain = _plain(name)
    found = _SCHEME.fullmatch(plain)
    if not found:
        return NOTHING
    scheme, separator, rest = found.groups()
    level = "".join(filter(str.isalnum, rest))
    level = _SPELLINGS.get(level, level)
    if scheme == "tlp" and level in _CHATHAM_HOUSE:
        return Mark(hides_source=True)
    levels = TLP_LEVELS if scheme == "tlp" else PAP_LEVELS
    if level in levels:
        rank, note = levels.index(level), ""
    elif ":" in separator or "=" in separator:
        rank, note = len(levels) - 1, _printable(name)
    else:
        return NOTHING  # "tlp-review-needed" speaks of TLP without being one
    return Mark(tlp=rank, note=note) if scheme == "tlp" else Mark(pap=rank, note=note)


def _plain(name: str) -> str:
    """Return the name without what makes it look the same and compare otherwise: case, width, invisible characters."""
    if len(name) > LONGEST_TAG:
        name = name[: LONGEST_TAG // 2] + name[-LONGEST_TAG // 2 :]
    normal = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in normal if unicodedata.category(c) != "Cf").strip()


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:40])


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


def inherited_tags(survey: Survey, names: set[str]) -> set[str]:
    """Return those of these tags that attributes have from their event: its own row may not have them."""
    if "inherited" not in survey.members or not names:
        return set()
    tags = survey.tags + survey.objects
    said = [tag for tag in tags if type(name := tag.get("name")) is str and name in names]
    return {tag["name"] for tag in said if tag.get("inherited") in (True, 1, "1", "true")}


def names_of(tags: Any) -> list[str]:
    """Return the names in a tag list: of MISP's tag rows, of the database's rows between, of bare texts."""
    found = []
    for tag in _rows(tags):
        row = tag.get("Tag", tag) if isinstance(tag, dict) else tag
        name = row.get("name") if isinstance(row, dict) else row
        if isinstance(name, str):
            found.append(name)
    return found


def _rows(value: Any) -> list[Any]:
    """Return the items of a PHP array (a list, or an object keyed "0", "3"), or the single value as a list."""
    if isinstance(value, dict) and not ("name" in value or "Tag" in value):
        return list(value.values())
    return value if isinstance(value, list) else [value]


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
        for pattern, level in self.destination.markings.items():
            if fnmatchcase(name.casefold(), pattern):
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
        group = node.get("SharingGroup")
        names = {str(node.get("sharing_group_id"))}
        if isinstance(group, dict):
            names.update(str(group.get(key)) for key in ("id", "uuid", "name"))
        return bool(names & set(self.destination.sharing_groups))


def _distribution(level: Any) -> int:
    """Return MISP's number of a distribution level, INHERIT when it is not said, UNKNOWN when it is no number."""
    try:
        return INHERIT if level in (None, "") else int(level)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN
