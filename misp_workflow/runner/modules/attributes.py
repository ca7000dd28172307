"""MISP's own actions that change attributes, or attach something to them, in the data in hand.

Mirrors Module_attribute_edition_operation and its children, Module_attach_enrichment and Module_attach_warninglist.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from misp_workflow import php
from misp_workflow.errors import PhpCrash
from misp_workflow.php import pcre
from misp_workflow.runner.data.profiles import COMMENT_SEES_ATTRIBUTE, EDITS_TRAVEL_WHOLE
from misp_workflow.runner.modules import changes, inhand, moduleapi
from misp_workflow.runner.modules.execution import Call, Exec, Outcome
from misp_workflow.words import counted

Attribute = Mapping[str, Any]


def selected(call: Call) -> list[Any]:
    """The attributes that the node's filter selects; all of the event where it has none."""
    found = call.matching()
    if not call.has_filter:
        found = php.item(php.item(found, "Event"), "_AttributeFlattened")
    return [attribute for attribute in php.values(found) if isinstance(attribute, dict)] if php.is_array(found) else []


# --- editing ---------------------------------------------------------------------------------------------------------


def edit(call: Call, change: Callable[[Attribute], Mapping[str, Any] | None]) -> Outcome:
    """Change every selected attribute, in MISP's database and in the data; one for which there is no change is left.

    Without any it fails, with no error, as it does where a filter selects tags or objects: MISP saves none of those.
    """
    wanted = [(attribute, change(attribute)) for attribute in selected(call)]
    edited = [{**attribute, **changed} for attribute, changed in wanted if changed is not None]
    rows = [_without_timestamp(attribute) for attribute in edited]
    known = _attributes_by_id(call)
    saved = [call.change("Attribute.editAttribute", row, possible=_is_one(row, known)) for row in rows]
    call.change("Attribute.editAttributeBulk", rows)
    if EDITS_TRAVEL_WHOLE in call.misp:
        # The database answers the row that it saved; a mere yes, which it never gives, would be no row.
        refused = call.around.world.model_returns.get("Attribute.editAttribute") is not None
        rows = [] if refused else _saved(call, edited)
        saved = [bool(rows)]
    call.roaming.set(inhand.write_back(call.data(), rows, call.misp))
    return Outcome(any(saved), why=f"{counted(len(rows), 'attribute')} edited")


def _attributes_by_id(call: Call) -> dict[str, Any]:
    return _by_id(call.data())


def _by_id(data: Any) -> dict[str, Any]:
    rows = php.values(php.to_array(php.item(php.item(data, "Event"), "_AttributeFlattened")))
    return {php.to_string(php.item(row, "id")): row for row in rows if isinstance(row, dict)}


def _is_one(row: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a row is an attribute: tags and objects have numbers, too."""
    attribute = known.get(php.to_string(row.get("id")))
    return attribute is not None and attribute.get("type") == row.get("type")


def _without_timestamp(attribute: Attribute) -> dict[str, Any]:
    # MISP saves it with the time of the change, so the old one is taken off first, and in 2.5.1 is missed in the data.
    return {key: value for key, value in attribute.items() if key != "timestamp"}


_MATERIAL = ("value", "type", "distribution", "sharing_group_id")


def _saved(call: Call, edited: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as the database answers them: what counts as a change is told by the row as the run began."""
    began = php.item(php.item(call.around.start_data, "Event"), "_AttributeFlattened")
    before = {php.to_string(php.item(row, "id")): row for row in php.values(php.to_array(began))}
    now = call.around.world.clock()
    return [
        {**row, "timestamp": now, "_materialChange": _is_material(before.get(php.to_string(row.get("id"))), row)}
        for row in edited
    ]


def _is_material(before: Any, after: Attribute) -> bool:
    return any(not php.loose_equal(php.item(before, name), after.get(name)) for name in _MATERIAL)


def ids_flag(call: Call) -> Outcome:
    action = call.values()["action"]
    return edit(call, lambda _: {"to_ids": action != "remove"})


def distribution(call: Call) -> Outcome:
    """Set the distribution; a sharing group without a group is left out."""
    values = call.values()
    level, group = values["distribution"], values["sharing_group_id"]
    if not php.loose_equal(level, 4):
        return edit(call, lambda _: {"distribution": level})
    return edit(call, lambda _: {"distribution": level, "sharing_group_id": group} if php.truthy(group) else None)


def comment(call: Call) -> Outcome:
    """In 2.5.1 one comment for all, rendered first; later perhaps one for each, of a template that sees it."""
    if COMMENT_SEES_ATTRIBUTE not in call.misp:
        text = call.values()["comment"]
        return edit(call, lambda _: {"comment": text})
    template = call.node.params.get("comment") or ""
    data = dict(php.pairs(call.data()))

    def commented(attribute: Attribute) -> Mapping[str, Any]:
        variables = {**data, "__currentAttribute": attribute}
        return {"comment": call.render("comment", template, variables) if template else ""}

    return edit(call, commented)


def unchanged(call: Call) -> Outcome:
    """The base of the edits does nothing."""
    del call
    return Outcome(True, why="the base of the modules that edit attributes; it edits none itself")


# --- enrichment ------------------------------------------------------------------------------------------------------

NO_MODULE = "No enrichmnent module selected"
"""MISP's own spelling."""


def attach_enrichment(call: Call) -> Outcome:
    """Ask expansion modules about the selected attributes and put what they answer under `enrichment`.

    Raises PhpCrash for an answer without results, a time-out included, and for a module that is not served: MISP dies.
    """
    chosen = call.values()["modules"]
    wanted = [name for name in php.values(php.to_array(chosen)) if php.truthy(name)]
    if php.empty(chosen):
        return Outcome(False, [NO_MODULE], "no module is chosen")
    known = {str(php.item(described, "name")): described for described in call.around.enrichments()}
    enriched = []
    for attribute in selected(call):
        results = [result for name in wanted for result in _ask(call, _offered(known, name), attribute)]
        if results:
            before = attribute.get("enrichment")
            enriched.append({**attribute, "enrichment": [*(before if isinstance(before, list) else []), *results]})
    call.around.encoder.plain = False  # an answer can hold anything
    call.roaming.set(inhand.write_back(call.data(), enriched, call.misp, _gathered))
    by = ", ".join(map(str, wanted)) or "no module"
    return Outcome(True, why=f"{counted(len(enriched), 'attribute')} enriched by {by}")


def _gathered(enriched: list[dict[str, Any]]) -> dict[str, Any]:
    return {"enrichment": [result for attribute in enriched for result in attribute["enrichment"]]}


def _offered(known: Mapping[str, Any], name: Any) -> Any:
    if not isinstance(name, str) or name not in known:
        where = "Module_attach_enrichment::getModuleOptions(): Argument #1 ($moduleConfig)"
        raise PhpCrash("TypeError", f"{where} must be of type array, null given")
    return known[name]


def _ask(call: Call, described: Any, attribute: Attribute) -> list[Any]:
    offered = php.item(described, "mispattributes")
    kind = attribute.get("type")
    if kind not in php.values(php.to_array(php.item(offered, "input"))):
        return []
    fields: dict[str, Any] = {
        "user": dict(call.around.world.user),
        "event_id": attribute.get("event_id"),
        "config": _settings(php.item(php.item(described, "meta"), "config")),
        "module": described["name"],
    }
    if php.item(offered, "format") == "misp_standard":
        fields["attribute"] = attribute
    else:
        fields[str(kind)] = attribute.get("value")
    result = call.ask("Enrichment", described["name"], call.around.world.enrichment_timeout, fields)
    if moduleapi.error_of(result) is not None:
        return []
    results = php.item(result, "results")
    if not php.is_array(results):
        raise PhpCrash(
            "TypeError", "Module_attach_enrichment::_queryModules(): Return value must be of type array, null returned"
        )
    return [results]


def _settings(declared: Any) -> dict[str, Any]:
    """The module's settings, none of which is set here; MISP sends a placeholder for a module that has none."""
    names = php.values(declared) if php.is_array(declared) else []
    if any(map(php.is_array, names)):
        raise PhpCrash("TypeError", "Illegal offset type")
    return {php.to_string(name): None for name in names} or {"_": "_"}


# --- warninglists ----------------------------------------------------------------------------------------------------


def attach_warninglist(call: Call) -> Outcome:
    """Put under `warnings` on which of the world's warninglists an attribute stands; at the event, all of these."""
    chosen = call.values()["warninglists"]
    wanted = [php.to_string(name) for name in php.values(php.to_array(chosen))]
    if php.empty(chosen):
        return Outcome(False, ["No warninglist module selected"], "no list is chosen")
    lists = [
        row
        for row in call.around.world.warninglists
        if "ALL" in wanted or php.to_string(php.item(php.item(row, "Warninglist"), "name")) in wanted
    ]
    known, looked_at, hit = _attributes_by_id(call), [], {}
    rows = selected(call)
    for attribute in rows:
        matches = {place: match for place, row in enumerate(lists) if (match := _match(row, attribute))}
        if matches:
            hit.update({place: _named(lists[place]) for place in matches})
            warnings = [_warning(lists[place], match) for place, match in matches.items()]
            attribute = {**attribute, "warnings": warnings}
        if _is_one(attribute, known):
            looked_at.append(attribute)  # written back with a warning or without
    data = inhand.write_back(call.data(), looked_at, call.misp)
    if strangers := [row for row in rows if not _is_one(row, known)]:
        data = inhand.under_no_place(data, strangers[-1])
    event = {**dict(php.pairs(php.to_array(php.item(data, "Event")))), "warnings": list(hit.values())}
    call.roaming.set({**dict(php.pairs(data)), "Event": event})
    return Outcome(True, why=f"{counted(sum('warnings' in row for row in looked_at), 'attribute')} on warninglists")


def _named(row: Any) -> dict[str, Any]:
    found = php.item(row, "Warninglist")
    return {
        "id": php.item(found, "id"),
        "name": php.item(found, "name"),
        "category": php.item(found, "category", "false_positive"),
    }


def _warning(row: Any, match: tuple[str, str]) -> dict[str, Any]:
    found = php.item(row, "Warninglist")
    entry, value = match
    return {
        "match": entry,
        "value": value,
        "warninglist_id": php.item(found, "id"),
        "warninglist_name": php.item(found, "name"),
        "warninglist_category": php.item(found, "category", "false_positive"),
    }


def _match(row: Any, attribute: Attribute) -> tuple[str, str] | None:
    """The entry that the attribute's value, or a part of it, stands for, and that part; None when there is none.

    MISP asks only about attributes for detection, and of the types that the list is for.
    """
    kind = php.to_string(attribute.get("type"))
    types = [php.item(one, "type") for one in php.values(php.to_array(php.item(row, "WarninglistType")))]
    if not php.truthy(attribute.get("to_ids", True)) or (types and kind not in types and "ALL" not in types):
        return None
    value = php.to_string(attribute.get("value"))
    parts = value.split("|") if "|" in kind else [value]
    test = _TESTS.get(php.to_string(php.item(php.item(row, "Warninglist"), "type")), _same)
    entries = [php.item(entry, "value") for entry in php.values(php.to_array(php.item(row, "WarninglistEntry")))]
    texts = [entry for entry in entries if isinstance(entry, str)]
    return next(((entry, part) for part in parts for entry in texts if test(entry, part)), None)


def _same(entry: str, value: str) -> bool:
    return entry.lower() == value.lower()


def _within(entry: str, value: str) -> bool:
    return entry.lower() in value.lower()


def _below(entry: str, value: str) -> bool:
    name, host = entry.lower().strip("."), re.sub(r"^[a-z]+://|[:/].*$", "", value.lower())
    return host == name or host.endswith(f".{name}")


def _in_network(entry: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _fits(entry: str, value: str) -> bool:
    return pcre.matcher(entry)(value)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "string": _same,
    "substring": _within,
    "hostname": _below,
    "cidr": _in_network,
    "regex": _fits,
}

# --- decay -----------------------------------------------------------------------------------------------------------

_ROW = (
    *("id", "event_id", "object_id", "object_relation", "category", "type", "value1", "value2", "to_ids", "uuid"),
    *("timestamp", "distribution", "sharing_group_id", "comment", "deleted", "disable_correlation"),
    *("first_seen", "last_seen", "value"),
)
"""The fields of an attribute's row, in MISP's order."""


def attach_decay_score(call: Call) -> Outcome:
    """Put MISP's bare rows, as they are stored by now, in place of the selected attributes, whose tags so get lost.

    One that is deleted, or that MISP does not have, stays as it is. The scores are not known here.
    """
    if php.empty(call.values()["decayingmodels"]):
        return Outcome(False, ["No decaying model selected"], "no model is chosen")
    around = call.around
    known, start = _attributes_by_id(call), around.start_data if around.start_data is not None else call.data()
    stored = _by_id(changes.after(start, around.changes, call.misp, around.world.clock()))
    rows = [
        _bare(stored[identity])
        for attribute in selected(call)
        if _is_one(attribute, known)
        and (identity := php.to_string(attribute.get("id"))) in stored
        and not php.truthy(stored[identity].get("deleted"))
    ]
    call.roaming.set(inhand.write_back(call.data(), rows, call.misp))
    why = "taken anew without tags; their scores are not known here"
    return Outcome(True, why=f"{counted(len(rows), 'attribute')} {why}")


def _bare(attribute: Attribute) -> dict[str, Any]:
    first, _, second = php.to_string(attribute.get("value")).partition(
        "|" if "|" in str(attribute.get("type")) else "\0"
    )
    row = {**attribute, "value1": first, "value2": second}
    return {key: row[key] for key in _ROW if key in row}


ACTIONS: Mapping[str, Exec] = {
    "attach-decay-score": attach_decay_score,
    "Module_attribute_comment_operation": comment,
    "attach-enrichment": attach_enrichment,
    "attach-warninglist": attach_warninglist,
    "attribute_distribution_operation": distribution,
    "attribute_edition_operation": unchanged,
    "attribute_ids_flag_operation": ids_flag,
}
