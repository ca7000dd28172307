"""What stands around a walk: rows of MISP's database, its settings, and who asks. Mirrors the models and `Configure`.

Nothing here is looked up anywhere: what a workflow could ask of MISP's database must be given.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from misp_workflow import php
from misp_workflow.runner.data.profiles import NEWEST, Profile, profile

_RIGHTS = (
    "site_admin",
    "admin",
    "sync",
    "audit",
    "auth",
    "regexp_access",
    "tagger",
    "tag_editor",
    "template",
    "sharing_group",
    "delegate",
    "sighting",
    "object_template",
    "galaxy_editor",
    "decaying",
    "publish_zmq",
    "publish_kafka",
    "warninglist",
    "view_feed_correlations",
    "analyst_data",
    "skip_otp",
)

# Workflows act in the name of nobody in particular; enrichment modules are told so.
SYSTEM_USER: Mapping[str, Any] = {
    "email": "SYSTEM",
    "id": 0,
    "org_id": "1",
    "Role": {f"perm_{right}": True for right in _RIGHTS},
    "Organisation": {
        "id": "1",
        "name": "ORGNAME",
        "date_created": "2024-10-01 00:00:00",
        "date_modified": "2024-10-01 00:00:00",
        "description": "Automatically generated admin organisation",
        "type": "ADMIN",
        "nationality": "",
        "sector": "",
        "created_by": "0",
        "uuid": "00000000-0000-4000-8000-000000000001",
        "contacts": None,
        "local": True,
        "restricted_to_domain": None,
        "landingpage": None,
    },
}


@dataclass(frozen=True)
class World:
    """Everything outside the workflow that its outcome depends on.

    misp: which version's rules hold, `profile("2.5.1")`.
    strict: end a run where it is not established what this version does, instead of going on with what is likely.
    rows: {"events": {id: row}, "objects": {id: row}, "attributes": {id: row}, "threads": {id: row}}, as MISP fetches
    them.
    disabled_modules, disabled_triggers: identifiers.
    disabled_services: "Action", "Enrichment": the settings Plugin.Action_services_enable and its like are off.
    arbitrary_urls: the setting Security.rest_client_enable_arbitrary_urls, which webhooks need.
    enrichment_modules: what GET /modules lists of the expansion kind; None: ask the module server.
    warninglists: rows as MISP stores them, entries included.
    model_returns: what a change of MISP's database answers, by "Model.method"; when not named, yes where there is
    something to change.
    action_timeout, enrichment_timeout: seconds, the settings Plugin.Action_timeout and Plugin.Enrichment_timeout.
    user: who acts, as modules are told. user_id: who set the workflow off.
    baseurl: the setting MISP.baseurl. now: the clock, in seconds since 1970; None: this machine's.
    background_jobs: the setting MISP.background_jobs.
    fetched_events: what reading the event anew gives, time after time, the last one again and again; without, `rows`.
    known_tags: names of tags that MISP knows besides those in the data.
    countries: the clusters of MISP's galaxy of countries, in small letters; None: any text is taken for one.
    adhoc_workflows: the ad-hoc workflows' rows. rest_search: the event rows that a search of theirs finds.
    files: what stands in MISP's export folder, by name.
    """

    misp: Profile = field(default_factory=lambda: profile(NEWEST))
    strict: bool = False
    rows: Mapping[str, Any] = field(default_factory=dict)
    disabled_modules: frozenset[str] = frozenset()
    disabled_triggers: frozenset[str] = frozenset()
    disabled_services: frozenset[str] = frozenset()
    arbitrary_urls: bool = True
    enrichment_modules: list[dict[str, Any]] | None = None
    warninglists: list[Any] = field(default_factory=list)
    model_returns: Mapping[str, Any] = field(default_factory=dict)
    action_timeout: float = 10
    enrichment_timeout: float = 5
    user: Mapping[str, Any] = field(default_factory=lambda: SYSTEM_USER)
    user_id: Any = 0
    baseurl: str = "https://misp.example"
    now: float | None = None
    background_jobs: bool = True
    fetched_events: list[Any] | None = None
    known_tags: frozenset[str] = frozenset()
    countries: frozenset[str] | None = None
    adhoc_workflows: list[Any] = field(default_factory=list)
    rest_search: list[Any] = field(default_factory=list)
    files: Mapping[str, str] = field(default_factory=dict)

    def clock(self) -> int:
        """The time in whole seconds since 1970."""
        return int(time.time() if self.now is None else self.now)

    def answers(self, change: str, otherwise: bool = True) -> bool:
        """Whether MISP's database takes a change ("Attribute.editAttribute"); `otherwise` where nobody says."""
        return php.truthy(self.model_returns.get(change, otherwise))
