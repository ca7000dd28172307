"""What differs between the versions of MISP, in one place: each change, since when, and how it is known.

The engine asks `CHANGE in world.misp`; nothing else in it knows a version.

    recorded   the PHP of that version was run, and what it did is among the recorded cases
    read       a file's text or a release note says so; it was not run
    likely     not established; a run says so at the node and goes on with what is likely
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from misp_workflow.errors import InputError

Known = Literal["recorded", "read", "likely"]


@dataclass(frozen=True)
class Change:
    """One thing that MISP does otherwise since a version.

    since: the first version that is known to do so. source: the commit, release or recording that shows it.
    before, after: one sentence each. modules: those that it concerns; none: all. shows: whether a run in this engine,
    which has no background worker, can differ by it.
    """

    since: str
    known: Known
    what: str
    before: str
    after: str
    source: str = "recordings of 2.5.19"
    modules: tuple[str, ...] = ()
    shows: bool = True

    def concerns(self, used: Collection[str]) -> bool:
        """Whether it can matter where these modules are used."""
        return not self.modules or any(name in used for name in self.modules)


@dataclass(frozen=True)
class Profile:
    """A version of MISP as the engine mirrors it: its number, and the changes since 2.5.1 that it has."""

    version: str
    changes: frozenset[Change]
    modules_of: str

    def __contains__(self, change: Change) -> bool:
        return change in self.changes

    @property
    def known(self) -> Known:
        """How this version is known as a whole: the recorded ones, and all others."""
        return "recorded" if self.version in RECORDED else "read"

    def reaches(self, version: str) -> bool:
        """Whether this version is that one or a later one."""
        return _number(version) <= _number(self.version)

    def having(self, *changes: Change, modules_of: str) -> Profile:
        """This version with single later changes and modules, for what no release holds."""
        return Profile(self.version, self.changes | set(changes), modules_of)

    def lists(self, since: str, until: str | None = None) -> bool:
        """Whether it has a module or trigger that came and went with these versions."""
        return _number(since) <= _number(self.modules_of) and (
            until is None or _number(self.modules_of) < _number(until)
        )


_REPLACERS = ("tag_replacement_tlp", "tag_replacement_pap", "tag_replacement_generic", "assign_country")
_TAGGERS = ("tag_operation", "tag_country_asn_from_enrichment", "tag_cve_from_enrichment", *_REPLACERS)

# --- recorded from 2.5.19 --------------------------------------------------------------------------------------------

RENDERER_FAILS_SOFTLY = Change(
    "2.5.19",
    "recorded",
    "a template when misp-modules or the Enrichment service is down",
    "the walk dies with a TypeError",
    "the parameter becomes empty",
)
TEMPLATES_SEE_ENV = Change(
    "2.5.19",
    "recorded",
    "what a template sees",
    "the data in hand",
    "the data in hand and `_env.baseurl`, the address of this MISP",
)
MATCHES_RENUMBERED = Change(
    "2.5.19",
    "recorded",
    "what a filter selects (filteredItems, filtered lists, data of jobs)",
    "keeps its positions: an object with holes",
    "is numbered anew: a list; what had names loses them",
)
FILTER_LABELS_BY_PREFIX = Change(
    "2.5.19",
    "recorded",
    "generic-filter-reset with a label, among filters kept in the unfiltered data",
    "drops that label",
    "drops every label that begins with it",
    modules=("generic-filter-reset",),
)
DISABLED_FILTER_ENDS_PATH = Change(
    "2.5.19",
    "recorded",
    "a filter node that is disabled or says no",
    "lets everything through",
    "ends its path in silence, unless the stored node says isFiltering, which the editor does not write",
    modules=(
        "generic-filter-data",
        "generic-filter-reset",
        "filter-tag",
        "filter-timestamp",
    ),
)
TAGS_TRAVEL = Change(
    "2.5.19",
    "recorded",
    "tag_operation",
    "changes MISP's database only",
    "changes the data in hand too; after a removal the list keeps its holes and travels as an object",
    modules=_TAGGERS,
)
TAG_REPLACEMENTS_DIE = Change(
    "2.5.19",
    "recorded",
    "tag_replacement_tlp, tag_replacement_pap, tag_replacement_generic and assign_country, with something to tag",
    "tag it",
    "the walk dies with an ArgumentCountError",
    modules=_REPLACERS,
)
EDITS_TRAVEL_WHOLE = Change(
    "2.5.19",
    "recorded",
    "an edited attribute in the data in hand",
    "without its timestamp; lost when filters are reset",
    "with its new timestamp and _materialChange; kept when filters are reset, but under filter-tag it overwrites "
    "another attribute of Event.Attribute",
    modules=(
        "attribute_ids_flag_operation",
        "Module_attribute_comment_operation",
        "attribute_edition_operation",
        "attribute_distribution_operation",
        "attach-enrichment",
        "attach-warninglist",
        "tag_cve_from_enrichment",
    ),
)
DISTRIBUTION_IF_TURNED = Change(
    "2.5.19",
    "recorded",
    "distribution-if on sharing groups",
    "without a group chosen, equals asks whether there is one",
    "without a group chosen, equals asks whether there is none; an event shared otherwise is compared by number",
    modules=("distribution-if",),
)
ENRICH_EVENT_RELOADS = Change(
    "2.5.19",
    "recorded",
    "the data behind enrich-event",
    "is MISP's row as it is, without _AttributeFlattened",
    "is in core format; filters are gone, a reset behind it dies",
    modules=("enrich-event",),
)
REPORTS_HAVE_TAGS = Change(
    "2.5.19",
    "recorded",
    "event reports in the data",
    "bear no tags",
    "bear Tag and _allTags",
)
SINGLE_FILTERS_SHOWN = Change(
    "2.5.19",
    "recorded",
    "a filter module executed by itself",
    "answers that it succeeded",
    "answers the filtered event too",
    modules=(
        "generic-filter-data",
        "filter-tag",
    ),
)
TRIGGERS_RUN_INLINE = Change(
    "2.5.19",
    "recorded",
    "a non-blocking trigger with MISP.background_jobs off",
    "goes to a job all the same",
    "runs inside the request, and its failure reaches the caller",
    shows=False,
)

# --- read: later files and release notes -----------------------------------------------------------------------------

THREAT_LEVEL_BY_KEY = Change(
    "2.5.33",
    "recorded",
    "threat-level-if left at its default",
    'compares with the word "Low", which no event has',
    "compares with 3, low",
    "05ba80f8, recorded on 2.5.19",
    modules=("threat-level-if",),
)
EVENT_WITHOUT_TAGS_TAKES_TAGS = Change(
    "2.5.32",
    "recorded",
    "tag_operation that adds to an event without any tag",
    "the walk dies with a TypeError",
    "the tag is added; removing still dies",
    "a later base class, recorded on 2.5.19; the release is not known",
    modules=_TAGGERS,
)
ORDER_OPERATORS = Change(
    "2.5.32",
    "likely",
    "greater, greater_equals, less and less_equals in filters and aggregates",
    "are unknown, and so false",
    "compare numbers",
    "filter-timestamp and aggregate_comparator_if need them; the class that would know them is not to be had",
    modules=(
        "filter-timestamp",
        "aggregate_comparator_if",
    ),
)
REPLACEMENTS_MENDED = Change(
    "2.5.50",
    "likely",
    "tag replacements and assign_country after 2.5.19",
    "die when there is something to tag",
    "tag again, and the tags travel on",
    "whether and when they were mended is not established",
    modules=_REPLACERS,
)
COMMENT_SEES_ATTRIBUTE = Change(
    "2.5.19",
    "likely",
    "the template of Module_attribute_comment_operation",
    "is rendered once, from the data in hand",
    "is rendered for each attribute, as `__currentAttribute`",
    "MISP's own blueprints use that name, which 2.5.1 does not know; since when is not established",
    modules=("Module_attribute_comment_operation",),
)
SPLUNK_SENDS = Change(
    "2.5.2",
    "likely",
    "splunk-hec-export with an address and a token",
    "dies before it sends anything",
    "sends what it is given",
    "a running MISP 2.5.1 died of it; since when it does not is not established",
    modules=("splunk-hec-export",),
)
REQUESTS_NAME_TIMEOUT = Change(
    "2.5.34",
    "read",
    "the request to a module",
    "does not say how long MISP waits",
    "bears `timeout`, the setting Plugin.Action_timeout",
    "MISP pull request 10661",
    shows=False,
)
JOBS_GO_BY_FILE = Change(
    "2.5.44",
    "read",
    "the data of a background job above 128 KiB",
    "is lost: the process cannot be started",
    "goes by file",
    "MISP pull request 10247",
    modules=("concurrent-task",),
    shows=False,
)
BLOCKING_BLOCKS = Change(
    "2.5.40",
    "read",
    "a publication that a workflow blocks, through the background worker",
    "may be published all the same, as was seen in 2.5.27 and 2.5.33; in 2.5.1 it is not",
    "is not published",
    "010df6e2, MISP issues 10690 and 10692",
    shows=False,
)

# --- not established -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Doubt:
    """A module or trigger whose behaviour from a version on is not established; a run goes on with what is likely.

    only: parameters that must have one of these values for the doubt to matter; none: it always does.
    """

    ids: frozenset[str]
    since: str
    why: str
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def concerns(self, module_id: str, params: Mapping[str, Any], misp: Profile) -> bool:
        return (
            module_id in self.ids
            and _number(self.since) <= _number(misp.version)
            and all(str(params.get(name, "")) in values for name, values in self.only.items())
        )


_ORDERS = frozenset({"greater", "greater_equals", "less", "less_equals", ""})

DOUBTS = (
    Doubt(frozenset({"filter-timestamp"}), "2.5.32", "How this MISP compares times is not established."),
    Doubt(
        frozenset({"aggregate_comparator_if"}),
        "2.5.32",
        "How this MISP orders numbers is not established.",
        {"operator": _ORDERS},
    ),
    Doubt(
        frozenset(_REPLACERS),
        "2.5.20",
        "It dies in 2.5.19; when it was mended is not established.",
    ),
    Doubt(
        frozenset({"flowintel-create-case", "send-report-to-cti-info-extractor", "ai-extract-indicators"}),
        "2.5.20",
        "What it does was read, never run; its effect is noted.",
    ),
    Doubt(
        frozenset({"event-before-delete", "analyst-data-after-save"}),
        "2.5.20",
        "What this trigger hands over was read, never run.",
    ),
)


def doubt(module_id: str, params: Mapping[str, Any], misp: Profile) -> str:
    """The sentence to say where this module's behaviour is not established, else an empty one."""
    return next((one.why for one in DOUBTS if one.concerns(module_id, params, misp)), "")


def block_in_doubt(trigger_id: str, misp: Profile) -> str:
    """The sentence to say where this MISP may go on though a workflow said no, else an empty one."""
    if trigger_id != "event-publish" or BLOCKING_BLOCKS in misp or misp.version == OLDEST:
        return ""
    return (
        f"MISP {misp.version} may publish an event though a workflow blocks it: seen in 2.5.27 and 2.5.33, not in "
        f"{OLDEST}, mended by {BLOCKING_BLOCKS.since}."
    )


CHANGES: tuple[Change, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Change))

OLDEST = "2.5.1"
RECORDED = (OLDEST, "2.5.19")
NEWEST = "2.5.50"
MIRRORED = (*RECORDED, NEWEST)


@functools.cache
def profile(version: str) -> Profile:
    """The profile of a version. Raises InputError for a text that is none, and for versions older than 2.5.1."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII) or _number(version) < _number(OLDEST):
        raise InputError(
            f"{version!r} is no version of MISP that is mirrored. Give one from {OLDEST} on, best one of "
            f"{', '.join(MIRRORED)}."
        )
    changes = frozenset(change for change in CHANGES if _number(change.since) <= _number(version))
    return Profile(version, changes, version)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
