"""The parts of an event as MISP's core format has them: tags, attributes, objects, galaxies without what is internal.

Mirrors what `JSONConverterTool` does to each part.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import orjson

from misp_workflow import php
from misp_workflow.errors import PhpCrash

Row = dict[str, Any]

_HERE = None
_PROPAGATE = "WorkflowFormatConverterTool::__propagateTagToAttributes"


class Cleaner:
    """Cleans the attributes of one event, gives each its `_allTags`, and gathers them in `flattened`.

    Large events repeat few tags many times: each different tag is copied once, and attributes with the same tags share
    their lists.
    """

    def __init__(self, event_tags: Any, sightings: Any) -> None:
        self.flattened: Any = []
        self._event_tags = event_tags or []
        self._sightings = _by_attribute(sightings)
        self._linked: dict[bytes | int | None, Any] = {}
        """By the first tag, as written, what follows it, by the next one, and so on; at `_HERE` the lists so far."""
        self._marked: dict[bytes | int, list[Any]] = {}

    @cached_property
    def _inherited(self) -> list[Row]:
        """The event's tags, marked; read when an attribute is there to bear them: only then MISP dies of a text."""
        php.require_array(self._event_tags, f"{_PROPAGATE}(): Argument #2 ($eventTags)")
        return [_marked(tag, True) for tag in php.values(self._event_tags)]

    def attributes(self, attributes: Any) -> Any:
        """The attributes of the event, cleaned; keys stay, also in `flattened`."""
        php.require_array(attributes, "array_merge(): Argument #1")
        cleaned = self._cleaned(attributes)
        self._gather(cleaned)
        return cleaned

    def _gather(self, attributes: Any) -> None:
        if isinstance(self.flattened, list) and isinstance(attributes, list):
            self.flattened += attributes
        else:
            self.flattened = php.array_merge(self.flattened, attributes)

    def _cleaned(self, attributes: Any) -> Any:
        if not attributes:
            return attributes
        inherited, sightings = self._inherited, self._sightings
        cleaned = []
        for attribute in php.each(attributes):
            clean: Row = attribute.copy() if type(attribute) is dict else _row_in_list(attribute)
            clean.pop("value1", None)
            clean.pop("value2", None)
            if "SharingGroup" in clean and not clean["SharingGroup"]:
                del clean["SharingGroup"]
            if sightings or type(clean.get("id")) is not str:
                self._add_sightings(clean)
            links = clean.get("AttributeTag")
            if links is not None:
                del clean["AttributeTag"]
            if "Tag" in clean or type(links) is not list:
                self._add_tags(clean, links if php.is_array(links) else None)
            elif links:
                clean["Tag"], clean["_allTags"] = self._of_links(links)
            else:
                clean["_allTags"] = inherited
            cleaned.append(clean)
        if isinstance(attributes, list):
            return cleaned
        return php.from_pairs(dict(zip(attributes, cleaned, strict=True)))

    def reports(self, reports: Any) -> Any:
        """The event reports, cleaned; keys stay."""
        if not php.is_array(reports):
            return reports
        return php.from_pairs({key: self._report(report) for key, report in php.pairs(reports)})

    def _report(self, report: Any) -> Any:
        if not isinstance(report, dict):
            return report
        clean = {key: value for key, value in report.items() if value or key not in ("SharingGroup", "EventReportTag")}
        self._add_tags(clean, clean.pop("EventReportTag", None))
        return clean

    def objects(self, objects: Any) -> Any:
        """The objects that have attributes, renumbered."""
        php.require_array(objects, "array_values(): Argument #1 ($array)")
        return [
            self._object(found)
            for found in php.values(objects)
            if isinstance(found, dict) and not php.empty(found.get("Attribute"))
        ]

    def _object(self, found: Row) -> Row:
        """The object, cleaned. Its attributes are found as `Object.{n}.Attribute.{n}` would: a name is no number."""
        own = found["Attribute"]
        if not php.is_array(own):
            self._gather([own])
            return found
        cleaned = self._cleaned(own)
        numbered = [row for key, row in php.pairs(cleaned) if php.is_numeric(key)] if type(cleaned) is dict else cleaned
        self._gather(numbered)
        return {**found, "Attribute": cleaned}

    def _add_sightings(self, clean: Row) -> None:
        uid = clean.get("id")
        if php.is_array(uid):
            raise PhpCrash("TypeError", "Illegal offset type in isset or empty")
        if seen := self._sightings.get(php.array_key(uid)):
            clean["Sighting"] = seen

    def _add_tags(self, clean: Row, links: Any) -> None:
        """Give a row `Tag` and `_allTags`, from its links and the tags that it may have already."""
        present = clean.get("Tag")
        if not present and type(links) is list:
            clean["Tag"], clean["_allTags"] = self._of_links(links)
            return
        if links:
            present = clean["Tag"] = merged_tags(present, links)
        clean["_allTags"] = self._all(php.each(present)) if present and php.is_array(present) else self._inherited

    def _of_links(self, links: list[Any]) -> tuple[list[Any], list[Any]]:
        """`Tag` and `_allTags` of an attribute with these links."""
        known = self._linked
        for link in links:
            try:
                written: bytes | int = orjson.dumps(link["Tag"])
            except (TypeError, KeyError):  # what JSON cannot hold is told from others by where it stands
                written = id(link)
            further = known.get(written)
            known = known.setdefault(written, {}) if further is None else further
        lists: tuple[list[Any], list[Any]] | None = known.get(_HERE)
        if lists is None:
            lists = known[_HERE] = self._of_new_links(links)
        return lists

    def _of_new_links(self, links: list[Any]) -> tuple[list[Any], list[Any]]:
        if len(links) == 1:
            tag = _tag(links[0])
            return [tag], [*self._inherited, _marked(tag, False)]
        alone = [self._of_links([link]) for link in links]
        return [tags[0] for tags, _ in alone], [*self._inherited, *[marked[-1] for _, marked in alone]]

    def _all(self, own: Collection[Any]) -> list[Any]:
        """`_allTags` of an attribute with these tags of its own."""
        found = []
        for tag in own:
            try:
                written: bytes | int = orjson.dumps(tag)
            except TypeError:
                written = id(tag)
            marked = self._marked.get(written)
            if marked is None:
                marked = self._marked[written] = [*self._inherited, _marked(tag, False)]
            found.append(marked)
        return found[0] if len(found) == 1 else [*self._inherited, *[marked[-1] for marked in found]]


def own_row(row: Any) -> Row:
    """A row as PHP would take it apart: null and false turn into an array, other scalars are its death."""
    if php.is_array(row):
        return dict(php.pairs(row))
    if row is None or row is False:
        return {}
    if isinstance(row, str):
        raise PhpCrash("Error", "Cannot unset string offsets")
    raise PhpCrash("Error", "Cannot unset offset in a non-array variable")


def own_field(row: Any, key: str) -> Any:
    """$row[$key] where PHP then changes the row: a text dies when it is read, other scalars when they are written."""
    found = field(row, key)
    return found if php.is_array(row) else own_row(row).get(key)


def _row_in_list(row: Any) -> Row:
    if row is None or row is False:
        php.require_array(row, f"{_PROPAGATE}(): Argument #1 ($attribute)")
    return own_row(row)


def merged_tags(present: Any, links: Any) -> Any:
    """The tags that the links point to, position by position over those already there."""
    tags = own_row(present)
    for key, link in php.pairs(php.to_array(links)):
        tags[key] = _tag(link)
    return php.from_pairs(tags)


def _tag(link: Any) -> Any:
    tag = link.get("Tag") if type(link) is dict else own_field(link, "Tag")
    if type(tag) is not dict or "org_id" not in tag:
        return tag if tag is None or tag is False or php.is_array(tag) else own_row(tag)
    own: Row = tag.copy()
    del own["org_id"]
    return own


def clean_galaxies(galaxies: Any) -> Any:
    """An empty `meta` of a cluster is an object, {}, on the wire."""
    if not php.is_array(galaxies):
        return galaxies
    return php.from_pairs({key: _clean_galaxy(galaxy) for key, galaxy in php.pairs(galaxies)})


def _clean_galaxy(galaxy: Any) -> Any:
    clusters = field(galaxy, "GalaxyCluster")
    if not php.is_array(clusters):
        return galaxy
    cleaned = {key: _clean_cluster(cluster) for key, cluster in php.pairs(clusters)}
    return {**galaxy, "GalaxyCluster": php.from_pairs(cleaned)}


def _clean_cluster(cluster: Any) -> Any:
    return cluster if field(cluster, "meta") else with_key(cluster, "meta", php.EMPTY_OBJECT)


def without_empty_groups(notes: Any) -> list[Any]:
    php.require_array(notes, "array_values(): Argument #1 ($array)")
    return [_without_empty_group(note) for note in php.values(notes)]


def _without_empty_group(note: Any) -> Any:
    if note and not php.is_array(note):
        return own_row(note)
    if isinstance(note, dict) and "SharingGroup" in note and not note["SharingGroup"]:
        return {key: value for key, value in note.items() if key != "SharingGroup"}
    return note


def _by_attribute(sightings: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for sighting in php.values(sightings) if php.is_array(sightings) else []:
        found.setdefault(php.array_key(field(sighting, "attribute_id")), []).append(sighting)
    return found


def _marked(tag: Any, inherited: bool) -> Row:
    if type(tag) is not dict:
        return with_key(tag, "inherited", inherited)
    marked: Row = tag.copy()
    marked["inherited"] = inherited
    return marked


def with_key(array: Any, key: str, value: Any) -> Row:
    """$array[$key] = $value: null and false turn into an array, other scalars are PHP's death."""
    field(array, key)
    if array is not None and array is not False and not php.is_array(array):
        raise PhpCrash("Error", "Cannot use a scalar value as an array")
    return {**dict(php.pairs(array or [])), key: value}


def field(array: Any, key: str) -> Any:
    if isinstance(array, str):
        raise PhpCrash("TypeError", f'Cannot access offset of type string "{key}" on string')
    return php.item(array, key) if php.is_array(array) else None
