"""MISP's own actions that tag events and attributes. What they do shows in MISP, and after 2.5.1 in the data in hand.

Mirrors Module_tag_operation, Module_tag_replacement_generic with its TLP and PAP children, and Module_assign_country.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.errors import PhpCrash
from misp_workflow.runner.data import conditions
from misp_workflow.runner.data.profiles import REPLACEMENTS_MENDED, TAG_REPLACEMENTS_DIE, TAGS_TRAVEL
from misp_workflow.runner.modules import inhand
from misp_workflow.runner.modules.attributes import selected
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.runner.modules.tag_database import TagDatabase, tag_names
from misp_workflow.words import counted

Options = dict[str, Any]
Attribute = Mapping[str, Any]


def _event_id(found: Any) -> Any:
    return php.item(php.item(found, "Event"), "id")


def tag_operation(call: Call) -> Outcome:
    """Add or remove tags. On attributes it fails, without an error, when the filter selects none."""
    values = call.values()
    adding = values["action"] != "remove"
    options: Options = {"tags": _spelled(call, values["tags"]), "local": _locality(call, values["locality"], adding)}
    if adding:
        options["relationship_type"] = values["relationship_type"]
    if values["scope"] == "event":
        event_id = _event_id(call.matching())
        why = "the event's tags" if event_id is not None else "nothing: the node's filter leaves no event to tag"
        return Outcome(_tag_event(call, event_id, options, adding), why=why)
    done = tag_attributes(call, ((attribute, options, adding) for attribute in selected(call)))
    return Outcome(any(done), why=f"tags of {counted(len(done), 'attribute')}")


def _spelled(call: Call, tags: Any) -> Any:
    """The tags under the names that MISP has them by; what travels on later is called as it was asked for."""
    if TAGS_TRAVEL in call.misp or not php.is_array(tags):
        return tags
    database = call.around.tag_database(call.data())
    return [database.spelled(tag) if isinstance(tag, str) else tag for tag in php.values(tags)]


def _locality(call: Call, locality: Any, adding: bool) -> Any:
    if TAGS_TRAVEL in call.misp:
        return {"local": True, "global": False}.get(php.to_string(locality))
    if adding:
        return locality == "local"
    return {"local": [1], "global": [0]}.get(php.to_string(locality), [0, 1])


def _tag_event(call: Call, event_id: Any, options: Options, adding: bool) -> bool:
    travels = TAGS_TRAVEL in call.misp
    database = call.around.tag_database(call.data())
    name = "Event.attachTagsToEventAndTouch" if adding else "Event.detachTagsFromEventAndTouch"
    gone = database.detached(database.of_event(event_id), options) if not adding else []
    goes = _goes(options, gone, adding, database)
    # What a filter selects is no event. 2.5.1 looks for the one without a number, and finds none; to later ones it is a
    # success, though nothing is changed.
    if event_id is None and travels:
        done = call.around.world.answers(name, goes)
    else:
        done = call.change(name, event_id, options, possible=goes and event_id is not None)
    if not done:
        return False
    if travels:
        made = _made(options) if event_id is not None else []
        change = inhand.added(made) if adding else inhand.removed(gone)
        call.roaming.set(inhand.change_event_tags(call.data(), change, call.misp, adding=adding))
    return True


def tag_attributes(call: Call, wanted: Iterable[tuple[Attribute, Options, bool]]) -> list[bool]:
    """Add (true) or remove tags, one attribute after the other; answers for which of them it worked."""
    done, changes = [], []
    for attribute, options, adding in wanted:
        change = _tag_attribute(call, attribute, options, adding)
        done.append(change is not None)
        if change is not None:
            changes.append((attribute.get("id"), change))
    if changes and TAGS_TRAVEL in call.misp:
        _tags_travel(call, changes)
    return done


def _tag_attribute(call: Call, attribute: Attribute, options: Options, adding: bool) -> inhand.TagChange | None:
    travels = TAGS_TRAVEL in call.misp
    database = call.around.tag_database(call.data())
    verb = "attachTagsToAttributeAndTouch" if adding else "detachTagsFromAttributeAndTouch"
    # 2.5.1 has the attaching under the name of its opposite's preposition.
    name = f"Attribute.{verb}" if travels or not adding else "Attribute.attachTagsFromAttributeAndTouch"
    gone = database.detached(database.of_attribute(attribute.get("id")), options) if not adding else []
    possible = _goes(options, gone, adding, database)
    if adding and tag_names(options) and not database.has_attribute(attribute):
        raise PhpCrash("Exception", "Attribute not found.")
    if not call.change(name, attribute.get("id"), attribute.get("event_id"), options, possible=possible):
        return None
    return inhand.added(_made(options)) if adding else inhand.removed(gone)


def _tags_travel(call: Call, changes: list[tuple[Any, inhand.TagChange]]) -> None:
    """Put the tags into the data in hand.

    MISP does so after each attribute, and filters it anew before the next. Filters that look at each attribute by
    itself make of that what they make of all but the last at once; of other filters nobody knows.
    """
    filters = call.roaming.filters.values()
    if not filters:
        strokes = [changes]
    elif all(php.item(one, "selector") in _OF_ATTRIBUTES for one in filters):
        strokes = [changes[:-1], changes[-1:]]
    else:
        strokes = [[change] for change in changes]
    for stroke in strokes:
        call.roaming.set(inhand.change_attribute_tags(call.data(), stroke))


_OF_ATTRIBUTES = [f"Event.{name}{each}" for name in ("Attribute", "_AttributeFlattened") for each in ("", ".{n}")]


def _goes(options: Options, gone: list[str], adding: bool, database: TagDatabase) -> bool:
    """Whether MISP would call it a success: something to attach; something detached, or a tag that it never knew."""
    names = tag_names(options)
    return bool(names) if adding else bool(gone) or not all(map(database.knows, names))


def _made(options: Options) -> list[dict[str, Any]]:
    """The tags as they stand in the data from now on: without id, colour and what else the database knows of them."""
    kind, local = options.get("relationship_type"), options["local"]
    return [{"name": name, "relationship_type": kind, "local": local} for name in tag_names(options)]


# --- replacing -------------------------------------------------------------------------------------------------------

_TLP = re.compile(
    r"\btlp([:\s\-=]{1,2})\"?(?P<predicate>white|clear|green|amber|amber\+strict|red)\"?",
    re.IGNORECASE | re.ASCII,
)
_PAP = re.compile(
    r"\bpap([:\s\-=]{1,2})\"?(?P<predicate>white|clear|green|amber|red)\"?",
    re.IGNORECASE | re.ASCII,
)


def tag_replacement(pattern: re.Pattern[str] | None, template: str, call: Call) -> Outcome:
    """Put the canonical tag in place of its spellings. Raises PhpCrash where an event or attribute has no `Tag`.

    The old ones go where the node says "yes", and those only that are local; under a filter no attribute is looked at.
    """
    values = call.values()
    found = call.matching()
    if values["scope"] in ("event", "all") and not php.empty(found):
        event = php.item(found, "Event")
        if names := _spellings(event, pattern, template):
            for options, adding in _replacement(call, values, names):
                _tag_event(call, _event_id(found), options, adding)
    if values["scope"] in ("attribute", "all"):
        tag_attributes(
            call,
            (
                (attribute, options, adding)
                for attribute in (() if call.has_filter else selected(call))
                if (names := _spellings(attribute, pattern, template))
                for options, adding in _replacement(call, values, names)
            ),
        )
    return Outcome(True, why="tags replaced by their canonical spelling")


def _spellings(tagged: Any, pattern: re.Pattern[str] | None, template: str) -> dict[str, str]:
    """What to put in place of what, by the tag's present name."""
    tags = php.item(tagged, "Tag")
    php.require_array(tags, "Hash::extract(): Argument #1 ($data)")
    names = [name for name in php.values(hashpath.extract(tags, "{n}.name")) if isinstance(name, str)]
    if pattern is None:
        return {}
    return {name: template.format(hit["predicate"].lower()) for name in names if (hit := pattern.search(name))}


def _replacement(call: Call, values: Mapping[str, Any], names: dict[str, str]) -> list[tuple[Options, bool]]:
    """What is removed (false) and what is added (true)."""
    if _dies(call):
        raise PhpCrash("ArgumentCountError", "Too few arguments to function Module_tag_operation::__addTagsToEvent()")
    adding: Options = {
        "local": values["locality"] == "local",
        "relationship_type": values["relationship_type"],
        "tags": _spelled(call, list(dict.fromkeys(names.values()))),
    }
    removing: Options = {"local": [1], "tags": list(names)}
    return [*([(removing, False)] if values["remove_substituted"] == "yes" else []), (adding, True)]


def _dies(call: Call) -> bool:
    """Whether helpers of the tag modules changed in this version, and their callers did not."""
    return TAG_REPLACEMENTS_DIE in call.misp and REPLACEMENTS_MENDED not in call.misp


# --- countries -------------------------------------------------------------------------------------------------------


def assign_country(call: Call) -> Outcome:
    """Attach the galaxy clusters of the countries that the hash path finds in the attributes, to these or the event.

    Under a filter it looks at none. Without a country it fails, without an error; so it does when the last of the
    attributes has none. Raises PhpCrash where the path finds what is no text.
    """
    values = call.values()
    rows = [] if call.has_filter and php.is_array(call.matching()) else selected(call)
    if values["scope"] == "event":
        path = php.to_string(values["hash_path"])
        options = _countries(call, values, rows, path if path.startswith("{n}") else f"{{n}}.{path}")
        done = [options is not None and _tag_event(call, _event_id(call.data()), options, True)]
    else:
        of_each = ((row, _countries(call, values, row, values["hash_path"])) for row in rows)
        done = [found is not None and any(tag_attributes(call, [(row, found, True)])) for row, found in of_each]
    return Outcome(done[-1] if done else False, why=f"countries of {counted(len(rows), 'attribute')} looked for")


def _countries(call: Call, values: Mapping[str, Any], data: Any, path: Any) -> Options | None:
    """How to tag by the countries that the path finds; MISP has no other galaxy for them, whatever the node says."""
    known = call.around.world.countries
    tags = []
    for text in php.values(php.to_array(conditions.extract_data(data, path))):
        if php.is_array(text):
            raise PhpCrash("TypeError", "strtolower(): Argument #1 ($string) must be of type string, array given")
        country = php.to_string(text).lower()
        if country and (known is None or country in known):
            tags.append(f'misp-galaxy:country="{country}"')
    if not tags:
        return None
    if _dies(call):
        raise PhpCrash("ArgumentCountError", "Too few arguments to function __addTagsToEvent()")
    return {
        "tags": _spelled(call, list(dict.fromkeys(tags))),
        "local": values["locality"] == "local",
        "relationship_type": values["relationship_type"],
    }


ACTIONS: Mapping[str, Exec] = {
    "assign_country": assign_country,
    "tag_operation": tag_operation,
    "tag_replacement_generic": partial(tag_replacement, None, ""),
    "tag_replacement_pap": partial(tag_replacement, _PAP, "PAP:{}"),
    "tag_replacement_tlp": partial(tag_replacement, _TLP, "tlp:{}"),
}
