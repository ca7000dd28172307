"""Write the example workflows next to this file, as MISP exports them: python examples/workflows/build.py"""

from __future__ import annotations

import json
from pathlib import Path

from misp_workflow.runner.build import workflow

HERE = Path(__file__).parent

EXAMPLES = {
    "notify-on-tlp": workflow(
        "Tell the SOC about shareable events",
        "event-publish",
        {
            2: ("tag-if", {"scope": "event", "condition": "in_or", "tags": ["tlp:clear", "tlp:green", "tlp:amber"]}),
            3: ("slack_message", {"destination": "soc-chat"}),
        },
        [(1, 2), (2, 3)],
        "When an event marked TLP:AMBER or lower is published, a summary of it goes to the chat room of the SOC.",
    ),
    "publish-gate": workflow(
        "Publish only what is marked",
        "event-publish",
        {2: ("publish_gate", {"required_tags": "tlp:*", "forbidden_tags": "tlp:red", "minimum_attributes": "1"})},
        [(1, 2)],
        "Stops the publication of an event without a TLP tag, with TLP:RED, or without attributes.",
    ),
    "tell-on-new-user": workflow(
        "Tell the admins who joined",
        "user-after-save",
        {2: ("mattermost_message", {"destination": "admins"})},
        [(1, 2)],
        "Says who was added or changed in MISP. Passwords and keys, which MISP hands to modules, never get that far.",
    ),
    "tell-on-failed-login": workflow(
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
    "mail-indicators": workflow(
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
    "page-on-high-threat": workflow(
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
    """Write every example."""
    for name, document in EXAMPLES.items():
        (HERE / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
