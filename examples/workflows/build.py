"""Write the example workflows next to this file, and as blueprints: python examples/workflows/build.py"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from misp_workflow.runner.data.world import World
from misp_workflow.runner.graph.build import UNKNOWN, Edge, Node, as_blueprint, drawn_height, workflow
from misp_workflow.runner.modules.catalogue import load
from misp_workflow.runner.modules.moduleapi import LocalServer

HERE = Path(__file__).parent
BLUEPRINTS = HERE.parent / "blueprints"
MODULES = load(LocalServer([HERE.parents[1] / "misp_modules" / "modules" / "action_mod"]), World())

APPROVED = "misp-workflow:approved-by-gate"
"""The local tag that says in MISP, where nobody can be down or slow, that the gate has said yes in this run."""


OWN_USER = "misp-workflow@example.org"
"""The user whose API key the settings hold."""
FAILED_LOGIN = "Failed login: {{ log.title }}{% if log.ip %} (from {{ log.ip }}){% endif %}"
CHANGED_ROLE = (
    "{% if log.model == 'Role' or 'role_id (' in (log.change or '') %}"
    "Changed role: {{ log.title }}: {{ log.change }}, by {{ log.email }}"
    "{% endif %}"
)
"""Empty, so that nothing is told, for every other change of a user."""


def holding(gate: dict[str, str]) -> tuple[dict[int, Node], list[Edge]]:
    """Return the nodes and edges of a publish_gate that holds whatever becomes of misp-modules and MISP's own nodes.

    A yes that is there already goes first, whoever left it; where it stays, all ends. Then the gate leaves its own, the
    event is read anew, and without it MISP's own stop-execution ends the publication. From node 10 on the event is
    approved. No node has a text: MISP has texts rendered by misp-modules, and crashes when that is down.
    """
    approved = {"scope": "event", "condition": "in_or", "tags": [APPROVED], "clusters": []}
    remove = {"scope": "event", "action": "remove", "locality": "any", "tags": [APPROVED], "relationship_type": ""}
    nodes: dict[int, Node] = {
        2: ("tag-if", approved),
        3: ("tag_operation", remove),
        4: ("reload-full-event", {}),
        5: ("tag-if", approved),
        6: ("stop-execution", {"message": ""}),
        7: ("publish_gate", {**gate, "approval_tag": APPROVED}),
        8: ("reload-full-event", {}),
        9: ("tag-if", approved),
        10: ("tag_operation", remove),
        11: ("stop-execution", {"message": ""}),
    }
    before: list[Edge] = [(1, 2), (2, 3), (2, 7, 2), (3, 4), (4, 5), (5, 6), (5, 7, 2)]
    return nodes, [*before, (7, 8), (8, 9), (9, 10), (9, 11, 2)]


def _height(module: str) -> int:
    known = MODULES.find(module)
    return drawn_height(known.config) if known else UNKNOWN


def _workflow(name: str, trigger: str, nodes: dict[int, Node], edges: list[Edge], note: str) -> dict[str, Any]:
    return workflow(name, trigger, nodes, edges, note, _height)


def _held(name: str, gate: dict[str, str], note: str, after: dict[int, Node], more: list[Edge]) -> dict[str, Any]:
    nodes, edges = holding(gate)
    return _workflow(name, "event-publish", {**nodes, **after}, [*edges, *more], note)


EXAMPLES = {
    "hold-what-is-not-marked": _held(
        "Publish only what is marked, whatever fails",
        {
            "exactly_one_tlp": "true",
            "forbidden_tags": "tlp:red",
            "minimum_attributes": "1",
            "no_reserved_addresses": "true",
        },
        "The gate that holds: an event that the rules do not like, or that nobody could judge, is not published.",
        {},
        [],
    ),
    "hold-below-community": _held(
        "Publish for the community or not at all",
        {"minimum_distribution": "1"},
        "Stops the publication of events whose distribution is below the community, also when misp-modules is down.",
        {},
        [],
    ),
    "hold-red-with-mail": _held(
        "No mail addresses in red events; tell the others about what passes",
        {"forbidden_together": "*:red email*"},
        "Stops events that are tlp:red or PAP:RED and name mail addresses; what passes is told in Mattermost.",
        {12: ("concurrent-task", {}), 13: ("mattermost_message", {"destination": "soc-chat"})},
        [(10, 12), (12, 13)],
    ),
    "stream-what-is-white": _workflow(
        "Stream what everybody may see",
        "event-publish",
        {
            2: ("tag-if", {"scope": "event_attribute", "condition": "in_or", "tags": ["tlp:white", "tlp:clear"]}),
            3: ("zmq_message", {"topic": "misp_json_workflow", "selected_or_all": "all"}),
        },
        [(1, 2), (2, 3)],
        "When an event, or one of its attributes, is tlp:white or tlp:clear, it goes out on ZeroMQ.",
    ),
    "known-files": _workflow(
        "Known files are no indicators",
        "event-after-save-new",
        {
            2: ("concurrent-task", {}),
            3: ("hashlookup_check", {"destination": "hashlookup", "selected_or_all": "all"}),
        },
        [(1, 2), (2, 3)],
        "Hashes of files that hashlookup knows lose their detection flag and get a local tag.",
    ),
    "guard-enrichment": _workflow(
        "Ask no stranger about what is marked, or ours",
        "enrichment-before-query",
        {
            2: (
                "enrichment_guard",
                {"own_domains": "example.org", "own_networks": "192.0.2.0/24", "local_modules": "dns\nmmdb_lookup"},
            )
        },
        [(1, 2)],
        "Stops enrichments of marked events, of our own names, and single questions. It fails open when "
        "misp-modules is down: then no enrichment answers either.",
    ),
    "gate-users": _workflow(
        "Users of our own house only",
        "user-before-save",
        {2: ("user_gate", {"allowed_domains": "example.org", "pgp_key_required": "true"})},
        [(1, 2)],
        "Stops users of other mail domains and without a PGP key. It fails open when misp-modules is down.",
    ),
    "notify-on-tlp": _workflow(
        "Tell the SOC about shareable events",
        "event-publish",
        {
            2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:clear", "tlp:green", "tlp:amber"]}),
            3: ("slack_message", {"destination": "soc-chat"}),
        },
        [(1, 2), (2, 3)],
        "When an event marked TLP:AMBER or lower is published, a summary of it goes to the chat room of the SOC.",
    ),
    "publish-gate": _workflow(
        "Publish only what is marked",
        "event-publish",
        {2: ("publish_gate", {"required_tags": "tlp:*", "forbidden_tags": "tlp:red", "minimum_attributes": "1"})},
        [(1, 2)],
        "Stops the publication of an event without a TLP tag, with TLP:RED, or without attributes.",
    ),
    "tell-on-new-user": _workflow(
        "Tell the admins who joined",
        "user-after-save",
        {2: ("mattermost_message", {"destination": "admins"})},
        [(1, 2)],
        "Says who was added or changed in MISP. Passwords and keys, which MISP hands to modules, never get that far.",
    ),
    "tell-on-failed-login": _workflow(
        "Tell the admins about failed logins",
        "log-after-save",
        {
            2: ("generic-if", {"hash_path": "Log.action", "operator": "equals", "value": "login_fail"}),
            3: ("concurrent-task", {}),
            4: ("teams_card", {"destination": "admins", "title": "Failed login: {{ log.title }}"}),
        },
        [(1, 2), (2, 3), (3, 4)],
        "A card for each failed login. A destination with digest = 60 makes one card of a minute's worth.",
    ),
    "watch-logins-and-roles": _workflow(
        "Tell the admins about failed logins and changed roles",
        "log-after-save",
        {
            2: ("generic-if", {"hash_path": "Log.email", "operator": "equals", "value": OWN_USER}),
            3: ("generic-if", {"hash_path": "Log.action", "operator": "equals", "value": "login_fail"}),
            4: ("generic-if", {"hash_path": "Log.action", "operator": "equals", "value": "auth_fail"}),
            5: ("generic-if", {"hash_path": "Log.model", "operator": "equals", "value": "User"}),
            6: ("generic-if", {"hash_path": "Log.model", "operator": "equals", "value": "Role"}),
            7: ("concurrent-task", {}),
            8: ("concurrent-task", {}),
            9: ("mattermost_message", {"destination": "watch", "message": FAILED_LOGIN}),
            10: ("mattermost_message", {"destination": "watch", "message": CHANGED_ROLE}),
        },
        [(1, 2), (2, 3, 2), (3, 7), (3, 4, 2), (4, 7), (4, 5, 2), (5, 8), (5, 6, 2), (6, 8), (7, 9), (8, 10)],
        "Failed logins and API keys, and changed roles. Our own API key's user is left out, so that nothing starts it "
        "again. The destination gathers a storm into one message.",
    ),
    "tell-correlations": _workflow(
        "Tell the SOC what an event correlates with",
        "event-publish",
        {2: ("concurrent-task", {}), 3: ("mattermost_message", {"destination": "soc-chat", "about": "correlations"})},
        [(1, 2), (2, 3)],
        "When an event is published, the events that it correlates with and by which values, each of them once.",
    ),
    "mail-indicators": _workflow(
        "Mail what is for detection",
        "event-publish",
        {
            2: ("concurrent-task", {}),
            3: (
                "email_message",
                {"destination": "partners", "attachment": "csv", "subject": "[MISP] {{ event.info }}"},
                {"selector": "Event._AttributeFlattened.{n}", "value": "1", "operator": "equals", "path": "to_ids"},
            ),
        },
        [(1, 2), (2, 3)],
        "A mail with the indicators for detection as CSV, when an event is published; the publication does not wait.",
    ),
    "page-on-high-threat": _workflow(
        "Page somebody when it is urgent",
        "event-after-save-new",
        {
            2: ("threat-level-if", {"condition": "equals", "threatlevel": "1"}),
            3: ("pagerduty_event", {"destination": "on-call"}),
            4: ("matrix_message", {"destination": "soc-room"}),
        },
        [(1, 2), (2, 3), (2, 4, 2)],
        "A new event with threat level high opens an alert in PagerDuty; any other is told in the Matrix room.",
    ),
}


def main() -> None:
    """Write every example, both ways."""
    BLUEPRINTS.mkdir(exist_ok=True)
    for name, document in EXAMPLES.items():
        (HERE / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
        (BLUEPRINTS / f"{name}.json").write_text(json.dumps(as_blueprint(document), indent=2) + "\n")


if __name__ == "__main__":
    main()
