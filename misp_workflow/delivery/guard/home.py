"""What an organisation has for itself: tags attached locally or not exportable, galaxy clusters that are its own.

MISP does not share them either.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from operator import itemgetter
from typing import Any

from misp_workflow.delivery.guard.nested import Edits, Place, Survey, leaves, missing, without
from misp_workflow.event import flag

GALAXIES = frozenset(("Galaxy", "GalaxyCluster"))
_SAYING = ("local", "local_only", "exportable")
_YES = (True, "1", "true")
_NO = (False, "0", "false")


def leave_local_tags(each: Sequence[Edits]) -> frozenset[str]:
    """Note that these tags go, and the galaxy clusters that were attached by them; return the names of the tags."""
    clusters = [(edits, _own_clusters(edits)) for edits in each]
    own = frozenset(name for _, (_, rows) in clusters for row in rows if type(name := row.get("tag_name")) is str)
    asked = [edits for edits in each if not edits.survey.members.isdisjoint(("local", "local_only", "exportable"))]
    found = [tag for edits in asked if _may_be_home(edits.survey) for tag in edits.survey.tags if _is_home(tag)]
    names = frozenset(name for tag in found if (name := _name(tag))) | own

    def stays(row: Any) -> bool:
        return not (_is_home(row) or (_is_bare_copy(row) and _name(row) in names) or (own and _name(row) in own))

    for edits in each if found or own else ():
        for tags, member, place in edits.survey.tag_lists:
            edits.change(place, member, _without(tags, stays))
    for edits, (local, _) in clusters:
        _leave_clusters(edits, local)
    return names


def without_names(selected: Any, names: frozenset[str], kept: Any) -> Any:
    """Return a selection without the tags and clusters that stay at home, and of bare texts without the names of such
    tags, unless what is kept has them too."""
    if not isinstance(selected, list):
        return selected
    texts = names.intersection([one for one in leaves(selected) if type(one) is str]) if names else names
    gone = missing(texts, kept)
    return without(selected, lambda one: one in gone if type(one) is str else _is_selected_home(one, names))


def _is_selected_home(row: Any, names: frozenset[str]) -> bool:
    """Whether a row that a filter selected by itself stays at home: nothing says under which member it stood."""
    if type(row) is not dict or ("type" in row and "value" in row and "tag_name" not in row):
        return False
    if "tag_name" in row:
        tag = row["tag_name"]
        named = type(tag) in (list, dict) or tag in names  # the first two could name anything
        return named or is_own(row, "GalaxyCluster") or flag(row.get("local"))
    if "GalaxyCluster" in row:
        return is_own(row, "Galaxy")
    is_tag = "tag_id" in row or ("name" in row and "uuid" not in row)  # an organisation, which is local too, has one
    return is_tag and (_is_home(row) or (bool(names) and _name(row) in names))


def _may_be_home(survey: Survey) -> bool:
    """Whether one of the tags may stay at home; quick, and false of nearly all events."""
    try:
        return says_home(survey.tags, survey.tag_members)
    except TypeError:  # lists and objects say something else
        return True


def says_home(tags: Sequence[Mapping[str, Any]], members: Container[str] = _SAYING) -> bool:
    """Whether one of the tags, which hold no other ones, stays at home; TypeError when one cannot be read like this.

    `members` are those that any of the tags has, for a caller that knows.
    """
    said = [set(column(tags, member)) if member in members else set() for member in _SAYING]
    return not (said[0] | said[1]).isdisjoint(_YES) or not said[2].isdisjoint(_NO)


def column(rows: Sequence[Mapping[str, Any]], member: str) -> list[Any]:
    """Return what each row has for a member, None where it has none."""
    try:
        return list(map(itemgetter(member), rows))
    except KeyError:
        return [row.get(member) for row in rows]


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


def is_own(row: Mapping[str, Any], key: str) -> bool:
    """Whether a galaxy cluster, or a galaxy, is for its organisation whatever it is attached to; `key` says which.

    MISP pushes no cluster whose distribution is the own organisation, none of one's own making before it is published,
    and none of a galaxy that is for local use.
    """
    if key == "Galaxy":
        return row.get("local_only") in _YES
    mine = row.get("default") in _NO and row.get("published") in _NO
    return key == "GalaxyCluster" and (row.get("distribution") in (0, "0") or mine)


def _own_clusters(edits: Edits) -> tuple[set[int], list[dict[str, Any]]]:
    """Return the ids of the galaxies and clusters that stay at home, and the clusters that do so by themselves."""
    if "GalaxyCluster" not in edits.survey.members:
        return set(), []
    found = [(place, key) for place in edits.places if (key := _stands_under(place)) in GALAXIES]
    ids: set[int] = set()
    for place, key in found:  # the outermost first
        around = place[2] if key == "GalaxyCluster" else None
        if is_own(place[0], key) or (around and id(around[0]) in ids):
            ids.add(id(place[0]))
    clusters = [place[0] for place, key in found if key == "GalaxyCluster"]
    local = {id(row) for row in clusters if (said := row.get("local")) and flag(said)}
    return ids | local, [row for row in clusters if id(row) in ids]


def _stands_under(place: Place) -> str:
    """The name of the member; for a row of an array with holes, the array's."""
    _, key, around = place
    return str(around[1]) if around and key.isdigit() else key


def _leave_clusters(edits: Edits, gone: set[int]) -> None:
    for place in edits.places if gone else ():
        if id(place[0]) in gone or (_stands_under(place) == "Galaxy" and _has_only(place, gone)):
            edits.drop(place)
    edits.settle()


def _has_only(galaxy: Place, local: set[int]) -> bool:
    rows = galaxy[0].get("GalaxyCluster")
    listed = list(rows.values()) if isinstance(rows, dict) else rows
    return isinstance(listed, list) and bool(listed) and local.issuperset(map(id, listed))
