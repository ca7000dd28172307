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
}


def main() -> None:
    """Write every example."""
    for name, document in EXAMPLES.items():
        (HERE / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
