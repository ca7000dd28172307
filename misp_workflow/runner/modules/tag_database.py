"""Which tags hang on what in MISP's database: whether there is something to attach or to take off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from misp_workflow import php
from misp_workflow.runner.modules.changes import CHANGES, OF_ATTRIBUTE, OF_EVENT, Change, localities, same_tag


class TagDatabase:
    """What MISP's database knows of tags as a run goes on, as far as the event shows it; a tag once known stays so."""

    def __init__(self, data: Any, known_tags: Iterable[str]) -> None:
        self.data = data
        self._event = php.item(data, "Event")
        self._event_id = php.to_string(php.item(self._event, "id"))
        self._of_event = _tags_of(self._event)
        self._attached = {same_tag(name): name for name in known_tags}
        self._heard = 0
        self._waiting: list[Change] = []

    def hear(self, changes: list[Change]) -> None:
        """Take note of those of the run's changes that are new."""
        for name, args in changes[self._heard :]:
            if name in OF_EVENT and php.to_string(args[0]) == self._event_id:
                self._of_event = _changed(name, self._of_event, args)
            elif name in OF_ATTRIBUTE:
                self._waiting.append((name, args))
            if "attach" in name:
                self._attached.update({same_tag(name): self.spelled(name) for name in tag_names(args[-1])})
        self._heard = len(changes)

    @property
    def _rows(self) -> list[Any]:
        return php.values(php.to_array(php.item(self._event, "_AttributeFlattened")))

    @cached_property
    def _of_attributes(self) -> dict[str, list[Any]]:
        return {php.to_string(php.item(row, "id")): _tags_of(row) for row in reversed(self._rows)}

    @cached_property
    def _known(self) -> dict[str, str]:
        """The names of the tags in the event as the run began."""
        tags = (tag for row in (self._event, *self._rows) for tag in _tags_of(row))
        return {same_tag(name): name for tag in tags if isinstance(name := php.item(tag, "name"), str)}

    def knows(self, tag: str) -> bool:
        return same_tag(tag) in self._attached or same_tag(tag) in self._known

    def spelled(self, tag: str) -> str:
        """The tag as MISP has it: one that differs in nothing but capitals is the same."""
        return self._known.get(same_tag(tag)) or self._attached.get(same_tag(tag), tag)

    def of_event(self, event_id: Any) -> list[Any]:
        return self._of_event if event_id is not None else []

    def has_attribute(self, row: Mapping[str, Any]) -> bool:
        """Whether what a filter selected is an attribute: tags, objects and the event have numbers, too."""
        return php.to_string(row.get("id")) in self._of_attributes and "type" in row

    def of_attribute(self, attribute_id: Any) -> list[Any]:
        known = self._of_attributes
        for name, args in self._waiting:
            if (key := php.to_string(args[0])) in known:
                known[key] = _changed(name, known[key], args)
        self._waiting = []
        return known.get(php.to_string(attribute_id), [])

    def detached(self, tags: list[Any], options: Mapping[str, Any]) -> list[str]:
        """The names of those tags that are attached, in the locality asked for."""
        wanted = localities(options["local"])
        return [
            name
            for name in tag_names(options)
            if any(_is(tag, name) and php.truthy(php.item(tag, "local")) in wanted for tag in tags)
        ]


def _is(tag: Any, name: str) -> bool:
    known = php.item(tag, "name")
    return isinstance(known, str) and same_tag(known) == same_tag(name)


def tag_names(options: Any) -> list[str]:
    """The names in what a change says of its tags."""
    tags = php.item(options, "tags")
    return [name for name in php.values(tags) if isinstance(name, str)] if php.is_array(tags) else []


def _tags_of(row: Any) -> list[Any]:
    tags = php.item(row, "Tag")
    return php.values(tags) if php.is_array(tags) else []


def _changed(name: str, tags: list[Any], args: list[Any]) -> list[Any]:
    return _tags_of(CHANGES[name]({"Tag": tags}, args[-1]))
