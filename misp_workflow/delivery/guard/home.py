"""Tags that an organisation has for itself: attached locally, or not exportable. MISP does not share them either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from misp_workflow.delivery.guard.nested import Edits, Place, Survey, every_text
from misp_workflow.event import flag

_YES = (True, "1", "true")
_NO = (False, "0", "false")


def leave_local_tags(each: Sequence[Edits]) -> frozenset[str]:
    """Note that these tags go, and the galaxy clusters that were attached by them; return the names of the tags."""
    asked = [edits for edits in each if not edits.survey.members.isdisjoint(("local", "local_only", "exportable"))]
    found = [tag for edits in asked if _may_be_home(edits.survey) for tag in edits.survey.tags if _is_home(tag)]
    names = frozenset(name for tag in found if (name := _name(tag)))

    def stays(row: Any) -> bool:
        return not (_is_home(row) or (_is_bare_copy(row) and _name(row) in names))

    for edits in each if found else ():
        for tags, member, place in edits.survey.tag_lists:
            edits.change(place, member, _without(tags, stays))
    for edits in asked:
        _leave_local_clusters(edits)
    return names


def without_names(selected: Any, names: frozenset[str], kept: Any) -> Any:
    """Return a selection of bare texts without the names of such tags, unless what is kept has them too."""
    if not names or not isinstance(selected, list) or not any(isinstance(item, str) for item in selected):
        return selected
    gone = names - every_text(kept)
    return [item for item in selected if not (isinstance(item, str) and item in gone)]


def _may_be_home(survey: Survey) -> bool:
    """Whether one of the tags may stay at home; quick, and false of nearly all events."""
    try:
        return not survey.plain or says_home(survey.tags)
    except TypeError:  # lists and objects say something else
        return True


def says_home(tags: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the tags, which hold no other ones, stays at home; TypeError when one cannot be read like this."""
    said = [{tag.get(member) for tag in tags} for member in ("local", "local_only", "exportable")]
    return not (said[0] | said[1]).isdisjoint(_YES) or not said[2].isdisjoint(_NO)


def _is_home(row: Any) -> bool:
    """Whether a tag, or the database's row between a tag and what it is on, says that it stays at home."""
    if type(row) is not dict:
        return False
    if row.get("local") in _YES or row.get("local_only") in _YES or row.get("exportable") in _NO:
        return True
    return "Tag" in row and _is_home(row["Tag"])


def _is_bare_copy(row: Any) -> bool:
    """Whether it is what MISP says at an attribute of its event's tags, without saying how those are attached."""
    return type(row) is str or (type(row) is dict and flag(row.get("inherited")) and "local" not in row)


def _name(row: Any) -> str:
    inner = row.get("Tag", row) if isinstance(row, Mapping) else row
    name = inner.get("name") if isinstance(inner, Mapping) else inner
    return name if isinstance(name, str) else ""


def _without(tags: Any, stays: Callable[[Any], bool]) -> Any:
    """Return a tag list, in whatever form it is, without those that do not stay."""
    if isinstance(tags, list):
        return [tag for tag in tags if stays(tag)]
    if isinstance(tags, dict) and not ("name" in tags or "Tag" in tags):
        return {key: tag for key, tag in tags.items() if stays(tag)}
    return tags if stays(tags) else []


def _leave_local_clusters(edits: Edits) -> None:
    clusters = [place for place in edits.survey.having("local") if place[1] == "GalaxyCluster"]
    local = {id(place[0]) for place in clusters if flag(place[0].get("local"))}
    for place in edits.places if local else ():
        if id(place[0]) in local or (place[1] == "Galaxy" and _has_only(place, local)):
            edits.drop(place)
    edits.settle()


def _has_only(galaxy: Place, local: set[int]) -> bool:
    rows = galaxy[0].get("GalaxyCluster")
    listed = list(rows.values()) if isinstance(rows, dict) else rows
    return isinstance(listed, list) and bool(listed) and local.issuperset(map(id, listed))
