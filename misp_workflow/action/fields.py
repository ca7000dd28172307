"""Groups of parameters that many actions share, to be spread into a `params` table."""

from __future__ import annotations

from misp_workflow.action.params import Table
from misp_workflow.event import DISTRIBUTIONS

MISP: Table = {
    "misp": {
        "description": "Which MISP this is, by its name in the settings, where these have several (docs/operation.md)",
    },
}

DESTINATION: Table = {
    "destination": {
        "type": "string",
        "description": "Name of a destination in the operator's settings; what it says wins over this node",
    },
    **MISP,
}

DELIVERY: Table = {
    **DESTINATION,
    "delivery": {
        "type": "string",
        "description": "wait: try at once, and keep for later when that fails; queue: keep for later without a try",
        "format": "choice",
        "choices": ["wait", "queue"],
        "default": "wait",
    },
    "dry_run": {
        "type": "string",
        "description": "true: say what would be sent, with secrets masked, and send nothing",
        "format": "boolean",
        "default": False,
    },
}

MESSAGE: Table = {
    "message": {
        "type": "large_string",
        "description": "Text of the message as a Jinja template; empty: a summary of what happened",
        "template": True,
    },
    "link_to_event": {
        "type": "string",
        "description": "true: the summary ends with a link to the event, when MISP's address is in the settings",
        "format": "boolean",
        "default": True,
    },
}

ABOUT: Table = {
    "about": {
        "description": "event: what happened; correlations: the events that it correlates with, each told once",
        "format": "choice",
        "choices": ["event", "correlations"],
        "default": "event",
    },
}

PACE: Table = {
    "again": {
        "description": "The same once more within quiet: always: told; changed: only what changed is told; never",
        "format": "choice",
        "choices": ["always", "changed", "never"],
        "default": "always",
    },
    "quiet": {
        "description": "Seconds in which something is the same once more, for again",
        "format": "integer",
        "minimum": 1,
        "default": 86_400,
    },
    "digest": {
        "description": "Gather messages into one: for seconds (600), or until times of the day (08:00 Mon-Fri, 17:00)",
        "format": "digest",
    },
}
"""How often people are told, of actions whose effects say where their text is (`digest`)."""

OVERFLOW: Table = {
    "overflow": {
        "description": "A too long message: cut: its beginning; split: several in order",
        "format": "choice",
        "choices": ["cut", "split"],
        "default": "cut",
    },
}
"""For chats that take one message after the other; `overflow.py` splits."""

OVERFLOW_OR_FILE: Table = {
    "overflow": {
        **OVERFLOW["overflow"],
        "description": "A too long message: cut: its beginning; split: several in order; attach: all of it as a file",
        "choices": ["cut", "split", "attach"],
    },
}
"""For those that take a file, too."""

MENTION: Table = {
    "mention": {
        "description": "Whom the message calls by name, with commas: people and groups as the product has them; all",
        "format": "list",
    },
    "mention_when": {
        "description": "When it does: always; high, medium, low: of such a threat level or worse; or a Jinja condition",
        "choices": ["always", "high", "medium", "low"],
        "default": "always",
        "template": True,
    },
}
"""For products that can call people; `mentions.py` knows how each writes it."""

TITLE: Table = {
    "title": {
        "type": "string",
        "description": "Title as a Jinja template; empty: what happened in a few words",
        "template": True,
    },
}

WHOLE_EVENT: Table = {
    "withdraw_whole_event": {
        "formerly": ["event_goes"],
        "description": "true: everything of the event is withdrawn, for it is about to be deleted",
        "format": "boolean",
        "default": False,
    },
}
"""For a workflow on event-before-delete."""

CASE: Table = {
    **TITLE,
    "body": {
        "type": "large_string",
        "description": "Description as a Jinja template; empty: the event's facts and its first attributes",
        "template": True,
    },
    "severity": {
        "description": "auto: by the event's threat level; high, medium, low: always that",
        "format": "choice",
        "choices": ["auto", "high", "medium", "low"],
        "default": "auto",
    },
    "labels": {"description": "Labels of the case, with commas", "format": "list", "default": ["misp"]},
    "assignee": {"description": "Who gets the case; empty: as the tracker decides"},
    "custom_fields": {
        "type": "large_string",
        "description": "Further fields when the case is made, one per line: NAME: value, a Jinja template",
        "template": True,
    },
    "open_when": {
        "description": "published: no case is opened for an event that nobody has published yet; saved: for that, too",
        "format": "choice",
        "choices": ["published", "saved"],
        "default": "published",
    },
    "on_change": {
        "description": "update: title and fields follow, and a comment says what changed; comment: only that; nothing",
        "format": "choice",
        "choices": ["update", "comment", "nothing"],
        "default": "update",
    },
    "on_withdraw": {
        "description": "When the event is unpublished or deleted: comment; close (with a comment); nothing",
        "format": "choice",
        "choices": ["comment", "close", "nothing"],
        "default": "comment",
    },
    **WHOLE_EVENT,
    "link_back": {
        "description": "What holds the case's address in MISP: tag (local), attribute (external analysis); no: nothing",
        "format": "choice",
        "choices": ["no", "tag", "attribute"],
        "default": "no",
    },
    "link_to_event": {
        "description": "true: the description ends with a link to the event, when MISP's address is in the settings",
        "format": "boolean",
        "default": True,
    },
}
"""The parameters that `cases.draft` reads."""

ITEMS: Table = {
    "selected_or_all": {
        "type": "string",
        "formerly": ["items"],
        "description": "selected: only what the node's filter selected; all: everything when nothing was selected",
        "format": "choice",
        "choices": ["selected", "all"],
        "default": "selected",
    },
}

TLS: Table = {
    "verify_tls": {
        "type": "string",
        "description": "false: accept any certificate of the server (for a laboratory, never in production)",
        "format": "boolean",
        "default": True,
    },
    "ca_file": {
        "type": "string",
        "description": "Certificate authorities to trust, a file in PEM form; empty: this machine's and the known ones",
    },
}

DISTRIBUTION_WORDS = {
    "organisation": "0",
    "community": "1",
    "connected": "2",
    "all": "3",
    "sharing group": "4",
    "inherit": "5",
    **{name: str(level) for level, name in DISTRIBUTIONS.items()},
}
THREAT_LEVEL_WORDS = {"1": "high", "2": "medium", "3": "low", "4": "undefined"}
ANALYSIS_WORDS = {"0": "initial", "1": "ongoing", "2": "completed"}
PUBLISH_WORDS = {
    "1": "publish",
    "true": "publish",
    "yes": "publish",
    "0": "unpublish",
    "false": "unpublish",
    "no": "unpublish",
}
"""What means the same as a choice: MISP's number beside its word, and the other way round."""
