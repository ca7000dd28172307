"""What a version of MISP makes of a workflow: what it loses, what it breaks, and what nobody has established."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from misp_workflow import php
from misp_workflow.runner.data import profiles, triggers
from misp_workflow.runner.graph.graph import CONCURRENT_TASK, FILTER_RESET, FILTER_TAG, SETTING_FILTERS, Node
from misp_workflow.runner.said.check.subject import Finding, Rule, Subject

_EDITS = frozenset(profiles.EDITS_TRAVEL_WHOLE.modules)
_READ_ANEW = ("reload-full-event", "enrich-event", "run-workflow")
"""Behind these the data is MISP's own again."""
_REPLACEMENTS = frozenset(profiles.TAG_REPLACEMENTS_DIE.modules)


def jobs_too_large(subject: Subject) -> Iterator[Finding]:
    """Before data of jobs went by file, a concurrent task lost what is larger than one argument of a process."""
    if profiles.JOBS_GO_BY_FILE in subject.world.misp:
        return
    for node in subject.workflow.graph.find(CONCURRENT_TASK):
        yield Finding("warning", "job-size", node, "This MISP loses the jobs of a concurrent task when the data is "
                      "larger than 128 KiB, some 100 attributes.", f"Upgrade to {profiles.JOBS_GO_BY_FILE.since} or "
                      "later, or keep large events away from it.")  # fmt: skip


def triggers_of_other_versions(subject: Subject) -> Iterator[Finding]:
    for node in subject.workflow.graph.triggers:
        if said := triggers.lacking(node.module, subject.world.misp):
            yield Finding("error", "unknown-trigger", node, said, "Choose one that it has.")


def blocks_in_doubt(subject: Subject) -> Iterator[Finding]:
    sentence = profiles.block_in_doubt(subject.trigger, subject.world.misp)
    actions = [subject.module(node) for node in subject.nodes if node.type == "action"]
    if sentence and any(module is not None and module.blocking for module in actions):
        advice = f"Upgrade to {profiles.BLOCKING_BLOCKS.since} or later: before that no gate is sure to hold."
        yield Finding("warning", "may-publish", None, sentence, advice)


def replacements_die(subject: Subject) -> Iterator[Finding]:
    """The version of which it is known; of later ones that it is not, `not_established` says."""
    misp = subject.world.misp
    if profiles.TAG_REPLACEMENTS_DIE not in misp:
        return
    for node in _nodes(subject, _REPLACEMENTS):
        if not profiles.doubt(node.module, node.params, misp):
            yield Finding("error", "dies", node, "This MISP dies here as soon as there is something to tag.",
                          "Use tag_operation with a filter on the tag instead.")  # fmt: skip


def splunk_dies(subject: Subject) -> Iterator[Finding]:
    """Seen on a running MISP 2.5.1, whatever the receiver answers; of later ones nothing is known."""
    if profiles.SPLUNK_SENDS in subject.world.misp:
        return
    for node in _nodes(subject, frozenset(profiles.SPLUNK_SENDS.modules)):
        yield Finding("error", "dies", node, "This MISP dies here before it sends anything.",
                      "Use splunk_event of this package instead.")  # fmt: skip


def untagged_events(subject: Subject) -> Iterator[Finding]:
    misp = subject.world.misp
    if profiles.TAGS_TRAVEL not in misp or profiles.EVENT_WITHOUT_TAGS_TAKES_TAGS in misp:
        return
    for node in _nodes(subject, {"tag_operation"}):
        if node.params.get("scope") in ("event", None) and node.params.get("action") != "remove":
            yield Finding("warning", "untagged", node, "This MISP dies here of an event that has no tag yet.",
                          "Put generic-if before it, which passes events that have one: any_value of "
                          "Event.Tag.{n}.name.")  # fmt: skip


def edits_overwrite(subject: Subject) -> Iterator[Finding]:
    """Under filter-tag, a later MISP writes an edited attribute over another one in the data behind the reset."""
    if profiles.EDITS_TRAVEL_WHOLE not in subject.world.misp:
        return
    filtered = subject.behind(_nodes(subject, {FILTER_TAG}), until=(FILTER_RESET, *_READ_ANEW))
    resets = {node.key for node in _nodes(subject, {FILTER_RESET})}
    for node in _nodes(subject, _EDITS):
        if node.key in filtered and resets & subject.behind([node], until=_READ_ANEW):
            yield Finding("warning", "overwrites", node, "Under filter-tag this MISP writes the edited attribute over "
                      "another one of Event.Attribute; after the reset that one is missing.",
                      "Filter with the node's own filter instead, or reload the event in place of the "
                      "reset.")  # fmt: skip


def tags_with_holes(reading_both: Collection[str]) -> Rule:
    """After a removal, a later MISP hands modules an object in place of a list of tags; some read either."""

    def rule(subject: Subject) -> Iterator[Finding]:
        if profiles.TAGS_TRAVEL not in subject.world.misp:
            return
        reading_lists = {node.key for node, _ in subject.python() if node.module not in reading_both}
        for node in _nodes(subject, {"tag_operation"}):
            if node.params.get("action") == "remove" and reading_lists & subject.behind([node], until=_READ_ANEW):
                yield Finding("warning", "holes", node, "After removing a tag this MISP hands the modules behind it an "
                              'object {"1": {…}} in place of the list of tags.',
                              "Reload the event behind it, or use modules that read both.")  # fmt: skip

    return rule


def silent_ends(subject: Subject) -> Iterator[Finding]:
    """A later MISP lets a filter that is disabled end its path, unless the stored node says isFiltering."""
    if profiles.DISABLED_FILTER_ENDS_PATH not in subject.world.misp:
        return
    for node in _nodes(subject, {*SETTING_FILTERS, FILTER_RESET}):
        if not php.truthy(php.item(php.item(node.raw, "data"), "isFiltering")):
            yield Finding("warning", "silent-end", node, "Where this module is disabled, this MISP ends the path here "
                          "in silence; earlier ones let everything through.",
                          "Enable it, and set isFiltering to true in the stored node.")  # fmt: skip


def not_established(subject: Subject) -> Iterator[Finding]:
    for node in subject.nodes:
        if sentence := profiles.doubt(node.module, node.params, subject.world.misp):
            yield Finding("warning", "not-established", node, sentence, "Try it on a MISP of this version.")


UPGRADE: tuple[Rule, ...] = (
    triggers_of_other_versions,
    blocks_in_doubt,
    replacements_die,
    splunk_dies,
    untagged_events,
    edits_overwrite,
    silent_ends,
    not_established,
)
"""What somebody asks for who names a version."""


def _nodes(subject: Subject, modules: set[str] | frozenset[str]) -> Iterator[Node]:
    return (node for node in subject.nodes if node.module in modules)
