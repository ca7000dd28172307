"""Names that an action file must not have, and why.

misp-modules keeps all modules in one flat table where the last one wins, and with `-c` it also puts each file into
`sys.modules` under its bare name. MISP merges Python modules after its own. So a clash replaces something silently:
a library for the whole server, an upstream module, or a node of MISP itself.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, files, packages_distributions
from pathlib import PurePosixPath

OURS = "misp-workflow-actions"

# Ids of MISP's own action modules, as the editor of MISP 2.5 lists them, and of newer releases.
MISP_ACTIONS = frozenset(
    [
        "add_eventblocklist_entry",
        "add_to_warninglist",
        "assign_country",
        "attach-decay-score",
        "attach-enrichment",
        "attach-warninglist",
        "Module_attribute_comment_operation",
        "attribute_edition_operation",
        "attribute_ids_flag_operation",
        "enrich-event",
        "Module_event_distribution_operation",
        "ms-teams-webhook",
        "proposal-action",
        "publish-event",
        "push-zmq",
        "reload-full-event",
        "send-log-mail",
        "send-mail",
        "splunk-hec-export",
        "stop-execution",
        "tag_operation",
        "tag_replacement_generic",
        "tag_replacement_pap",
        "tag_replacement_tlp",
        "telegram-send-alert",
        "webhook",
        "blocklist-action-module",
        "add_analyst_data",
        "flowintel_create_case",
        "notify_user_toast",
        "run_workflow",
    ]
)

# Action modules of misp-modules up to 3.1.1, some of them newer than the release that is installed.
UPSTREAM_ACTIONS = frozenset(
    [
        "crowdstrike_ioc_publish",
        "export_sentinel",
        "matrix",
        "mattermost",
        "nextcloud_talk",
        "osquery_pack_publish",
        "qradar_reference_set_publish",
        "sentinelone_ioc_publish",
        "slack",
        "testaction",
        "wazuh_cdb_publish",
    ]
)


@cache
def reserved_names() -> Mapping[str, str]:
    """Return every name that is taken, with who has it. What is installed here counts."""
    taken: dict[str, str] = {}
    for package, distributions in packages_distributions().items():
        if set(distributions) != {OURS}:
            taken[package] = f"a top-level package of {', '.join(sorted(set(distributions)))}"
    taken |= dict.fromkeys(sys.stdlib_module_names, "a module of the standard library")
    taken |= dict.fromkeys(_installed_upstream_modules(), "a module of misp-modules")
    taken |= dict.fromkeys(UPSTREAM_ACTIONS, "a module of misp-modules")
    taken |= {name.replace("-", "_"): "a node of MISP itself" for name in MISP_ACTIONS}
    taken |= dict.fromkeys(MISP_ACTIONS, "a node of MISP itself")
    return taken


def _installed_upstream_modules() -> set[str]:
    """Read from what misp-modules' own wheel installed, so that a pack installed into its folders is not counted."""
    try:
        installed = files("misp-modules") or []
    except PackageNotFoundError:
        return set()
    paths = [PurePosixPath(str(path)) for path in installed]
    return {path.stem for path in paths if path.parts[:2] == ("misp_modules", "modules") and path.suffix == ".py"}
