"""Rules of what MISP never tells about triggers: what they hand over, how often, and in circles. Mirrors no class."""

from __future__ import annotations

from collections.abc import Iterator

from misp_workflow import php
from misp_workflow.runner.data.triggers import TRIGGERS
from misp_workflow.runner.graph.graph import CONCURRENT_TASK
from misp_workflow.runner.said.check.subject import BARE_EVENT, Finding, Subject

CAUSES: dict[str, frozenset[str]] = {
    "attribute-after-save": frozenset({"misp_tag", "misp_attribute_edit", "misp_enrichment", "hashlookup_check",
                                       "warninglist_check"}),
    "event-after-save": frozenset({"misp_tag", "misp_event_edit"}),
    "tag-attached-after-save": frozenset({"misp_tag"}),
    "event-publish": frozenset({"misp_event_edit"}),
    "event-report-after-save": frozenset({"misp_report"}),
    "sighting-after-save": frozenset({"misp_sighting"}),
    "shadow-attribute-after-save": frozenset({"misp_enrichment"}),
}  # fmt: skip
"""Actions of this pack whose change in MISP fires the trigger again."""


WITHOUT_END: dict[str, frozenset[str]] = {
    "attribute-after-save": frozenset({"attribute_ids_flag_operation", "attribute_distribution_operation",
                                       "Module_attribute_comment_operation"}),
    "event-after-save": frozenset({"publish-event"}),
    "event-publish": frozenset({"publish-event"}),
}  # fmt: skip
"""MISP's own actions that fire the trigger again each time, also where they change nothing, as a running MISP does."""


_TAGS_BY_DEFAULT = {param["id"]: param.get("default") for param in TRIGGERS["tag-attached-after-save"].params}


def data_that_is_not_there(subject: Subject) -> Iterator[Finding]:
    """Triggers that hand over less than people expect."""
    if subject.trigger not in BARE_EVENT:
        return
    for node in subject.nodes:
        module = subject.module(node)
        needs = module is not None and (module.expects_core_format or node.module in ("distribution-if", "count-if"))
        if needs or (node.module == "tag-if" and node.params.get("scope") != "event"):
            yield Finding(
                "warning",
                "no-data",
                node,
                f"It looks at attributes, and {subject.trigger} hands over {BARE_EVENT[subject.trigger]}.",
                "Put reload-full-event before it, or use event-after-save-new or attribute-after-save.",
            )


def never_fired(subject: Subject) -> Iterator[Finding]:
    """Which tags start a workflow, as a running MISP 2.5.1 does; of later ones it is not established."""
    for node in subject.workflow.graph.find("tag-attached-after-save"):
        asked = {**_TAGS_BY_DEFAULT, **{key: item for key, item in node.params.items() if item is not None}}
        if php.loose_equal(asked["scope"], "event") or php.loose_equal(asked["locality"], "local"):
            yield Finding(
                "warning",
                "never-fires",
                node,
                "MISP 2.5.1 fires it for tags of attributes only, and takes each for a global one: with the scope "
                "“Event” or the locality “Local”, which the editor offers first, it never runs.",
                "Choose “Attributes” or “Any”, and “Any”; for tags of events use event-after-save.",
            )


def high_overhead(subject: Subject) -> Iterator[Finding]:
    """Triggers that fire for every attribute hold up whoever saves them."""
    trigger = TRIGGERS.get(subject.trigger)
    if trigger is None or trigger.overhead < 3:
        return
    behind = subject.behind(subject.workflow.graph.find(CONCURRENT_TASK))
    for node, module in subject.python():
        if node.key not in behind and not module.blocking:
            why = f"{subject.trigger} fires for every single save, and each waits for this module."
            yield Finding("warning", "overhead", node, why, "Put a concurrent-task before it.")


def recursion(subject: Subject) -> Iterator[Finding]:
    """An action whose change fires the same trigger again."""
    for node in subject.nodes:
        if node.module not in CAUSES.get(subject.trigger, ()) or node.params.get("locality") == "local":
            continue
        local = str(node.params.get("local_tags") or "true").lower() in {"true", "1", "yes", "on"}
        if node.module == "misp_tag" and local:
            continue
        yield Finding("warning", "recursion", node, f"Its change in MISP fires {subject.trigger} again.",
                      "The pack ends such a loop after one round; a local tag starts none.")  # fmt: skip


def without_end(subject: Subject) -> Iterator[Finding]:
    """An action of MISP's own that starts the workflow anew, for ever; a publication in itself never returns."""
    for node in subject.nodes:
        if node.module not in WITHOUT_END.get(subject.trigger, ()):
            continue
        why = f"It fires {subject.trigger} again, even where it changes nothing, and MISP ends no such loop."
        if subject.trigger == "event-publish":
            yield Finding("error", "recursion", node, f"{why} The publication never ends.",
                          "Leave it out: the event is being published.")  # fmt: skip
        else:
            yield Finding("warning", "recursion", node, why,
                          "Put a condition before it that no longer holds once it has run.")  # fmt: skip


def saves_within_a_save(subject: Subject) -> Iterator[Finding]:
    """A tag attached before a save touches the event, and MISP then refuses the save that started the workflow."""
    if subject.trigger != "event-before-save":
        return
    for node in subject.workflow.graph.find("tag_operation"):
        if node.params.get("scope") != "attribute" and node.params.get("action") != "remove":
            yield Finding(
                "error",
                "save-refused",
                node,
                "When it attaches a tag that the event does not have yet, MISP refuses the change that somebody was "
                "saving: “Could not edit Event”, without a reason.",
                "Use event-after-save.",
            )


OF_TAGS = ("required_tags", "forbidden_tags", "exactly_one_tlp", "required_galaxies", "forbidden_together")
"""Rules of gates that need the names of tags."""


def tags_before_a_save(subject: Subject) -> Iterator[Finding]:
    """Before a save MISP sends the numbers of a new event's tags, and nothing about those of one that is there."""
    if subject.trigger != "event-before-save":
        return
    for node, _ in subject.python():
        asked = [name for name in OF_TAGS if str(node.params.get(name) or "").strip().lower() not in ("", "false")]
        if node.module == "event_gate" and asked:
            yield Finding(
                "warning",
                "no-tags",
                node,
                f"MISP sends no names of tags before a save: '{asked[0]}' refuses new events that have tags, and lets "
                "every change pass.",
                "Leave tags to publish_gate on event-publish.",
            )
