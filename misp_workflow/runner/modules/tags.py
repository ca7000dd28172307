"""MISP's own actions that tag events and attributes. What they do shows in MISP, not in the data that travels on.

Mirrors Module_tag_operation, Module_tag_replacement_generic with its TLP and PAP children, and Module_assign_country.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from misp_workflow import hashpath, php
from misp_workflow.runner.data import conditions
from misp_workflow.runner.modules.attributes import selected
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.words import counted

Options = dict[str, Any]


def _event_id(found: Any) -> Any:
    return php.item(php.item(found, "Event"), "id")


def tag_operation(call: Call) -> Outcome:
    """Add or remove tags. On attributes it fails, without an error, when the filter selects none."""
    values = call.values()
    adding = values["action"] != "remove"
    options: Options = {"tags": values["tags"], "local": _locality(values["locality"], adding)}
    if adding:
        options["relationship_type"] = values["relationship_type"]
    if values["scope"] == "event":
        return Outcome(_tag_event(call, _event_id(call.matching()), options, adding), why="the event's tags")
    done = [_tag_attribute(call, attribute, options, adding) for attribute in selected(call)]
    return Outcome(any(done), why=f"tags of {counted(len(done), 'attribute')}")


def _locality(locality: Any, adding: bool) -> Any:
    if adding:
        return locality == "local"
    return {"local": [1], "global": [0]}.get(php.to_string(locality), [0, 1])


def _tag_event(call: Call, event_id: Any, options: Options, adding: bool) -> bool:
    if adding:
        return call.change("Event.attachTagsToEventAndTouch", event_id, options)
    return call.change("Event.detachTagsFromEventAndTouch", event_id, options)


def _tag_attribute(call: Call, attribute: Mapping[str, Any], options: Options, adding: bool) -> bool:
    name = "attachTagsFromAttributeAndTouch" if adding else "detachTagsFromAttributeAndTouch"
    return call.change(f"Attribute.{name}", attribute.get("id"), attribute.get("event_id"), options)


# --- replacing -------------------------------------------------------------------------------------------------------

_TLP = re.compile(
    r"(\w*tlp\w*|traffic\W+light\W+protocol)([:\s\-=]{1,2})\"?(?P<predicate>white|clear|green|amber|amber\+strict|red)\"?",
    re.IGNORECASE | re.ASCII,
)
_PAP = re.compile(
    r"(\w*pap\w*|permissible\W+actions\W+protocol)([:\s\-=]{1,2})\"?(?P<predicate>white|clear|green|amber|red)\"?",
    re.IGNORECASE | re.ASCII,
)


def tag_replacement(pattern: re.Pattern[str] | None, template: str, call: Call) -> Outcome:
    """Put the canonical tag in place of its spellings. Raises PhpCrash where an event or attribute has no `Tag`."""
    values = call.values()
    found = call.matching()
    if values["scope"] in ("event", "all"):
        event = php.item(found, "Event")
        if names := _spellings(event, pattern, template):
            _replace(call, values, names, _event_id(found), None)
    if values["scope"] in ("attribute", "all"):
        for attribute in selected(call):
            if names := _spellings(attribute, pattern, template):
                _replace(call, values, names, None, attribute)
    return Outcome(True, why="tags replaced by their canonical spelling")


def _spellings(tagged: Any, pattern: re.Pattern[str] | None, template: str) -> dict[str, str]:
    """What to put in place of what, by the tag's present name."""
    tags = php.item(tagged, "Tag")
    php.require_array(tags, "Hash::extract(): Argument #1 ($data)")
    names = [name for name in php.values(hashpath.extract(tags, "{n}.name")) if isinstance(name, str)]
    if pattern is None:
        return {}
    return {name: template.format(hit["predicate"].lower()) for name in names if (hit := pattern.search(name))}


def _replace(call: Call, values: Mapping[str, Any], names: dict[str, str], event_id: Any, attribute: Any) -> None:
    adding: Options = {
        "local": values["locality"] == "local",
        "relationship_type": values["relationship_type"],
        "tags": list(dict.fromkeys(names.values())),
    }
    removing: Options = {"local": [0, 1], "tags": list(names)}
    changes = [(removing, False)] if values["remove_substituted"] in ("yes", "1") else []
    for options, add in [*changes, (adding, True)]:
        if attribute is None:
            _tag_event(call, event_id, options, add)
        else:
            _tag_attribute(call, attribute, options, add)


# --- countries -------------------------------------------------------------------------------------------------------


def assign_country(call: Call) -> Outcome:
    """Attach the galaxy cluster of the country that the hash path finds; without any it fails, without an error."""
    values = call.values()
    on_event = values["scope"] == "event"
    done = []
    for item in [call.matching()] if on_event else selected(call):
        country = php.item(conditions.extract_data(item, values["hash_path"]), "0")
        if not isinstance(country, str) or not country:
            continue
        galaxy = values["galaxy_name"] or "country"
        options: Options = {
            "tags": [f'misp-galaxy:{galaxy}="{country.lower()}"'],
            "local": values["locality"] == "local",
            "relationship_type": values["relationship_type"],
        }
        if on_event:
            done.append(_tag_event(call, _event_id(item), options, True))
        else:
            done.append(_tag_attribute(call, item, options, True))
    return Outcome(any(done), why=f"{len(done)} countries assigned")


ACTIONS: Mapping[str, Exec] = {
    "assign_country": assign_country,
    "tag_operation": tag_operation,
    "tag_replacement_generic": partial(tag_replacement, None, ""),
    "tag_replacement_pap": partial(tag_replacement, _PAP, "PAP:{}"),
    "tag_replacement_tlp": partial(tag_replacement, _TLP, "tlp:{}"),
}
