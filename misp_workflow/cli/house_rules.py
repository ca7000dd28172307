"""Rules of `misp-workflow check` that need what this installation knows: its settings, and what its actions declare."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from misp_workflow import settings, template
from misp_workflow.action import params as parameters
from misp_workflow.action.routing import misspelt
from misp_workflow.action.wording.context import NAMES
from misp_workflow.cli.overview import told
from misp_workflow.cli.screen import echo
from misp_workflow.errors import ParameterError, SettingsError, TemplateError, did_you_mean
from misp_workflow.event import matching, text
from misp_workflow.installed import DISTRIBUTION, enrichments, extras_named, extras_needed, not_installed, own_actions
from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.graph import Node
from misp_workflow.runner.graph.workflow import Workflow
from misp_workflow.runner.modules.catalogue import Modules
from misp_workflow.runner.modules.moduleapi import LocalServer
from misp_workflow.runner.said.check import Finding, Level, Rule, Subject, check
from misp_workflow.settings.misps import named
from misp_workflow.settings.routes import ROUTE

CONDITIONS = frozenset({"condition", "only_if", "mention_when"})
"""Parameters that hold a bare expression; the other templates are texts."""

ONLY_ON = {
    "user": ("user-",),
    "log": ("log-",),
    "post": ("post-",),
    "thread": ("post-",),
    "proposal": ("shadow-attribute-",),
    "report": ("event-report-",),
    "Log": ("log-",),
    "Post": ("post-",),
    "Thread": ("post-",),
}
"""Names of templates that are filled for some triggers only, with how the names of these begin."""

FIELDS: dict[str, tuple[str, ...]] = {
    "event": (
        "id", "uuid", "info", "date", "timestamp", "analysis", "threat_level_id", "distribution", "sharing_group_id",
        "published", "publish_timestamp", "attribute_count", "org_id", "orgc_id", "event_creator_email", "extends_uuid",
        "locked", "protected", "disable_correlation", "sighting_timestamp", "proposal_email_lock", "Org", "Orgc",
        "Attribute", "Object", "Tag", "EventTag", "Galaxy", "EventReport", "ShadowAttribute", "RelatedEvent",
        "CryptographicKey", "SharingGroup", "_AttributeFlattened",
    ),
    "user": (
        "id", "email", "org_id", "role_id", "disabled", "gpgkey", "certif_public", "date_created", "date_modified",
    ),
    "log": (
        "id", "action", "title", "change", "description", "model", "model_id", "org", "user_id", "email", "ip",
        "created",
    ),
}  # fmt: skip
"""Fields of the rows that MISP sends."""

NO_EVENT = ("user-", "log-")
"""Triggers that hand over no event."""
LOCAL_UNSAID = frozenset(
    {
        "attribute-after-save", "event-report-after-save", "sighting-after-save", "shadow-attribute-after-save",
        "shadow-attribute-before-save", "tag-attached-after-save",
    }
)  # fmt: skip
"""Triggers that hand over an event's tags and do not say which are local, as seen on MISP 2.5.1."""

OF_ENRICHMENTS = frozenset({"allowed_modules", "denied_modules", "local_modules"})
"""Parameters that hold patterns of enrichment modules' names."""

OF_EVENTS = frozenset({"event", "attributes", "objects", "tags", "link_to_event", "Event", "Attribute", "Object"})


def destinations(subject: Subject) -> Iterator[Finding]:
    """A destination that the settings do not have, that is not for the action, or that leaves something unset."""
    known = settings.current()
    for node, specs in _ours(subject):
        name = text(node.params.get("destination")).strip()
        if not name or "destination" not in specs or known.path is None:
            continue
        if name.startswith(ROUTE):
            yield from _routed(node, name.removeprefix(ROUTE).strip(), known)
            continue
        try:
            place = known.destination(name)
        except SettingsError as error:
            level: Level = "error" if known.destinations else "warning"  # these settings may not be the server's
            yield Finding(level, "destination", node, str(error), "Add it to the settings, or mend the name.")
            continue
        if not place.allows(node.module):
            yield Finding("error", "destination", node, f"The destination “{name}” is not for {node.module}.",
                          "Add the action to its 'actions' in the settings, or name another destination.")  # fmt: skip
        unset = (key for key in specs if not (text(node.params.get(key)).strip() or key in place.values))
        for missing in (key for key in unset if specs[key].get("required")):
            why = f"The parameter '{missing}' is set neither here nor by the destination “{name}”."
            yield Finding("error", "missing-parameter", node, why, "The module will answer with an error.")


def extras(subject: Subject) -> Iterator[Finding]:
    """A client library that the node needs and that is not installed here."""
    for node, specs in _ours(subject):
        for extra in extras_needed(_extras().get(node.module, ()), specs, node.params):
            if lost := not_installed(extra):
                yield Finding("warning", "extra", node, f"It needs {', '.join(lost)}, not installed here.",
                              f"Where misp-modules runs: pip install '{DISTRIBUTION}[{extra}]'.")  # fmt: skip


@cache
def _extras() -> dict[str, list[str]]:
    """Return the extras that each action of this installation names; MISP's list of modules does not hold them."""
    entries = LocalServer(own_actions()).modules()
    return {str(entry["name"]): extras_named(entry["meta"].get("requirements") or ()) for entry in entries}


def _routed(node: Node, name: str, known: settings.Settings) -> Iterator[Finding]:
    """Yield what is wrong with a node whose destination a route chooses."""
    try:
        lines = known.route(name)
    except SettingsError as error:
        level: Level = "error" if known.routes else "warning"  # these settings may not be the server's
        yield Finding(level, "destination", node, str(error), "Add it to the settings, or mend the name.")
        return
    for wrong in dict.fromkeys(why for line in lines for why in misspelt(line)):
        yield Finding("warning", "route", node, f"Of the route “{name}”, {wrong}.", "Mend [[routes]] in the settings.")
    if not any(known.destination(place).allows(node.module) for line in lines for place in line.to):
        why = f"No destination of the route “{name}” is for {node.module}."
        yield Finding("error", "destination", node, why, "Add the action to the 'actions' of one of them.")


def values(subject: Subject) -> Iterator[Finding]:
    """A value that the parameter's format does not take: no number, no whole address, none of the choices."""
    for node, specs in _ours(subject):
        for name, spec in specs.items():
            given = node.params.get(name)
            if not isinstance(given, (str, int, float, bool)) or not str(given).strip():
                continue
            try:
                parameters.read({name: dict(spec)}, {name: given}, {})
            except ParameterError as error:
                yield Finding("error", "value", node, str(error), "The module will answer with an error.")


def enrichment_modules(subject: Subject) -> Iterator[Finding]:
    """A pattern of enrichment modules that means none of them: it denies nothing, or lets nothing pass."""
    known = enrichments()
    for node, specs in _ours(subject):
        for name in sorted(OF_ENRICHMENTS & specs.keys()) if known else ():
            try:
                read = parameters.read({name: dict(specs[name])}, {name: node.params.get(name)}, {})
            except ParameterError:
                continue  # another rule tells of that
            for one in (one for one in getattr(read, name) if not matching(known, one)):
                why = (
                    f"'{name}' has “{one[:60]}”, and no enrichment module here is called so{did_you_mean(one, known)}."
                )
                yield Finding("warning", "enrichment", node, why, "Mend it, unless only the server has such a module.")


def names_in_templates(subject: Subject) -> Iterator[Finding]:
    """A name that no template or condition of this pack can read, or that is empty with this trigger."""
    for node, specs in _ours(subject):
        for name, spec in specs.items():
            source = node.params.get(name)
            if not (spec.get("template") and isinstance(source, str) and source.strip()):
                continue
            if source.strip() not in spec.get("choices", ()):
                more = ("attribute",) if spec.get("per_attribute") else ()
                yield from _of_template(subject.trigger, node, name, source, more)


def _of_template(trigger: str, node: Node, name: str, source: str, more: Collection[str]) -> Iterator[Finding]:
    """Yield what is wrong with a template; it may use the names in `more` besides those of every template."""
    try:
        read = template.reads(source, name in CONDITIONS)
    except TemplateError as error:
        yield Finding(
            "error", "template", node, f"'{name}': {str(error).rstrip('.?')}.", "The module will answer with an error."
        )
        return
    for one in sorted(read):
        root, _, field = one.partition(".")
        if root in more:
            continue
        problem = "" if f"{one} is defined" in source else _field(root, field) if field else _name(root, trigger)
        if problem:
            level: Level = "error" if not field and root not in NAMES and root not in ONLY_ON else "warning"
            yield Finding(level, "template-name", node, f"'{name}' reads '{one}': {problem}.",
                          "docs/templates.md lists what a template can read.")  # fmt: skip


def _name(name: str, trigger: str) -> str:
    """Return why a name says nothing with this trigger, or ""."""
    if name not in NAMES and trigger.startswith("user-"):
        return ""  # the user's own fields stand at the top of what MISP sends
    if name not in NAMES and name not in ONLY_ON:
        return f"there is no '{name}'{did_you_mean(name, NAMES)}"
    if name in OF_EVENTS and trigger.startswith(NO_EVENT):
        return f"{trigger} hands over no event"
    beginnings = ONLY_ON.get(name)
    return f"{trigger} hands over no {name}" if beginnings and not trigger.startswith(beginnings) else ""


def _field(name: str, field: str) -> str:
    """Return what a field that MISP does not send may have meant; "" for one that is known, or like none."""
    known = FIELDS.get(name, ())
    near = "" if field in known or hasattr(dict, field) else did_you_mean(field, known)
    return f"MISP sends no such field{near}" if near else ""


def drafts(subject: Subject) -> Iterator[Finding]:
    """A case that is opened for an event which nobody has published yet."""
    after = {key for node in subject.workflow.graph.find("published-if") for key in subject.behind([node])}
    for node, specs in _ours(subject):
        if "open_when" not in specs or node.key in after:
            continue
        if subject.trigger == "event-after-save-new":
            yield Finding("warning", "draft", node, "It opens a case for each new event, published or not: MISP sends "
                          "the same here as on event-publish.",
                          "Put it on event-publish, or a published-if before it.")  # fmt: skip
        elif text(node.params.get("open_when")).strip() == "saved":
            yield Finding("warning", "draft", node, "It opens a case also for an event that nobody has published yet.",
                          "Leave 'open_when' empty, unless drafts shall have cases.")  # fmt: skip


def misps(subject: Subject) -> Iterator[Finding]:
    """A MISP that the settings do not have, or none said where one of several would be changed."""
    known = settings.current()
    for node, specs in _ours(subject):
        if "misp" not in specs or known.path is None:
            continue
        name = _misp(node, known)
        if name:
            try:
                named(known, name)
            except SettingsError as error:
                level: Level = "error" if any(one.url for one in known.misps.values()) else "warning"
                yield Finding(level, "misp", node, str(error), "Add it to the settings, or mend the name.")
        elif len(known.misps) > 1 and _changes_misp(node):
            why = f"It changes MISP and does not say which of {', '.join(known.misps)}."
            yield Finding("warning", "misp", node, why, "Name one in 'misp': where the event's organisation does not "
                          "tell it either, the module answers with an error.")  # fmt: skip


def local_tags(subject: Subject) -> Iterator[Finding]:
    """Tags that go out although they are local: MISP does not say which are, and the settings name nobody to ask."""
    known = settings.current()
    if known.path is None or any(one.url for one in known.misps.values()) or subject.trigger not in LOCAL_UNSAID:
        return
    for node, _ in _ours(subject):
        if node.module in _senders() and not _may_have_local_tags(node, known):
            yield Finding("warning", "local-tags", node,
                          "MISP does not say here which tags of the event are local, so they go out with the others.",
                          "Name your MISP in [misp] of the settings, which is then asked, or set local_tags = true "
                          "where they may go.")  # fmt: skip


def _may_have_local_tags(node: Node, known: settings.Settings) -> bool:
    name = text(node.params.get("destination")).strip()
    try:
        if not name.startswith(ROUTE):
            return known.destination(name).local_tags
        places = {place for line in known.route(name.removeprefix(ROUTE).strip()) for place in line.to}
        return all(known.destination(place).local_tags for place in places)
    except SettingsError:
        return True  # another rule tells of that


def _misp(node: Node, known: settings.Settings) -> str:
    """Return the name of the MISP that a node means, or its destination, which wins; "" for none."""
    try:
        place = known.destination(text(node.params.get("destination")).strip())
    except SettingsError:
        return text(node.params.get("misp")).strip()
    return text(place.values.get("misp") or node.params.get("misp")).strip()


def _changes_misp(node: Node) -> bool:
    link = text(node.params.get("link_back")).strip()
    return node.module in _writers() or bool(text(node.params.get("approval_tag")).strip()) or link not in ("", "no")


@cache
def _writers() -> Collection[str]:
    """Return the actions of this pack that change what is in MISP whatever their parameters say."""
    return {one.name for one in told(own_actions()) if one.group in ("ask", "write back")}


@cache
def _senders() -> Collection[str]:
    """Return the actions of this pack that send to somebody what they were given."""
    return {one.name for one in told(own_actions()) if one.group in ("tell", "feed", "case")}


def _ours(subject: Subject) -> Iterator[tuple[Node, Mapping[str, Mapping[str, Any]]]]:
    """Yield each node whose module declares its parameters as this pack does, with what it declares."""
    for node, module in subject.python():
        specs = {param.id: param.declared for param in module.params}
        if any("format" in spec or "template" in spec or "required" in spec for spec in specs.values()):
            yield node, specs


HOUSE_RULES: tuple[Rule, ...] = (
    destinations, extras, values, enrichment_modules, names_in_templates, drafts, misps, local_tags,
)  # fmt: skip


def warn(workflow: Workflow, known: Modules | None, world: World | None = None) -> None:
    """Say on standard error what a run passes over in silence: names that nobody has, gates without a rule."""
    for one in check(workflow, known, world, more=(destinations,)) if known else ():
        if one.rule in ("unknown-parameter", "renamed", "no-rule", "unknown-module", "destination", "disabled"):
            echo(f"Warning: {one}", err=True)
