"""The words of the rules: parameters of the gates, and keys of a rule file."""

from __future__ import annotations

from misp_workflow.action.fields import DISTRIBUTION_WORDS
from misp_workflow.action.params import Table

TAGS: Table = {
    "required_tags": {
        "type": "large_string",
        "description": 'Patterns, one per line; each must match a tag (tlp:*, workflow:state="complete")',
        "format": "list",
        "each": "tag",
    },
    "forbidden_tags": {
        "type": "large_string",
        "description": "Patterns, one per line; none may match a tag (tlp:red, PAP:*)",
        "format": "list",
        "each": "tag",
    },
    "tag_scope": {
        "description": "Whose tags count: event, attribute, or any (both; what is forbidden: reports and objects, too)",
        "format": "choice",
        "choices": ["event", "attribute", "any"],
        "default": "event",
    },
    "exactly_one_tlp": {
        "formerly": ["tlp_once"],
        "description": "true: the event itself must have exactly one TLP tag",
        "format": "boolean",
        "default": False,
    },
    "required_galaxies": {
        "type": "large_string",
        "description": "Galaxies of which the event must name a cluster, one per line (threat-actor, mitre-*)",
        "format": "list",
        "each": "word",
    },
    "forbidden_together": {
        "type": "large_string",
        "description": "Lines of a tag pattern and an attribute type pattern, both of which no event may have "
        "(*:red email*)",
        "format": "list",
        "each": "tag",
    },
}

CONTENT: Table = {
    "minimum_attributes": {
        "description": "Fewest attributes that the event must have, those in objects included",
        "format": "integer",
        "minimum": 0,
        "default": 0,
    },
    "required_types": {
        "type": "large_string",
        "description": "Patterns, one per line; each must match the type of an attribute (ip-*, sha256)",
        "format": "list",
        "each": "type",
    },
    "forbidden_types": {
        "type": "large_string",
        "description": "Patterns, one per line; no attribute may have such a type (target-*, passport-number)",
        "format": "list",
        "each": "type",
    },
    "required_objects": {
        "type": "large_string",
        "description": "Names of object templates, one per line; the event must have an object of each (file)",
        "format": "list",
        "each": "word",
    },
}

VALUES: Table = {
    "no_reserved_addresses": {
        "description": "true: no private, reserved or documentation address may be for detection (to_ids)",
        "format": "boolean",
        "default": False,
    },
    "warninglists": {
        "type": "large_string",
        "description": "Patterns of names of warninglists, one per line (* for all); no value for detection may be on "
        "one. Offline, needs misp-workflow-actions[warninglists]",
        "format": "list",
    },
}

EVENT_ROW: Table = {
    "minimum_distribution": {
        "description": "Least distribution of the event: 0 organisation, 1 community, 2 connected, 3 all, by number or "
        "word",
        "format": "choice",
        "choices": ["0", "1", "2", "3"],
        "words": DISTRIBUTION_WORDS,
        "default": "0",
    },
    "allowed_distributions": {
        "description": "Allowed distributions of the event: 0 organisation, 1 community, 2 connected, 3 all, 4 sharing "
        "group, by number or word",
        "format": "list",
        "each": "tag",
        "choices": ["0", "1", "2", "3", "4"],
        "words": DISTRIBUTION_WORDS,
    },
    "organisations": {
        "type": "large_string",
        "description": "Creator organisations that are allowed, one per line: names or uuids, as patterns",
        "format": "list",
    },
    "maximum_age": {
        "description": "Most days since the date of the event; 0: any age",
        "format": "integer",
        "minimum": 0,
        "default": 0,
    },
}

CONDITION: Table = {
    "condition": {"type": "large_string", "description": "Jinja expression that must be true", "template": True},
}


def _rules(*tables: Table) -> Table:
    """Return the parameters as those of a gate: each but for the scope of tags is a rule."""
    return {name: {**spec, "rule": name != "tag_scope"} for table in tables for name, spec in table.items()}


EVENT: Table = _rules(TAGS, CONTENT, VALUES, EVENT_ROW, CONDITION)
"""Every check of an event."""

PROPOSAL: Table = _rules(
    {
        "forbidden_tags": {
            **TAGS["forbidden_tags"],
            "description": "Patterns, one per line; none may match a tag of the event (tlp:red)",
        },
        "allowed_types": {
            "type": "large_string",
            "description": "Patterns, one per line; the type of what is proposed must match one of them; empty: any",
            "format": "list",
            "each": "type",
        },
        "forbidden_types": {
            **CONTENT["forbidden_types"],
            "description": "Patterns, one per line; the type of what is proposed may match none",
        },
        "comment_required": {
            "description": "true: a proposal must say why, in its comment",
            "format": "boolean",
            "default": False,
        },
        "allowed_domains": {
            "type": "large_string",
            "description": "Mail domains of those who may propose, one per line, subdomains included; empty: any",
            "format": "list",
            "each": "domain",
        },
        "organisations": EVENT_ROW["organisations"],
        **VALUES,
        **CONDITION,
    }
)
"""Every check of a proposal, inside its event."""

RULES: Table = {
    "rules": {
        "description": "Name of a rule file in the operator's settings ([rules] name = path), whose rules apply too",
        "rule": True,
    },
}

MARKS: Table = {
    "severity": {
        "description": "block: the event does not pass; warn: it passes, and the answer says so",
        "format": "choice",
        "choices": ["block", "warn"],
        "default": "block",
    },
    "message": {"description": "What to tell people instead of the reasons"},
    "only_if": {"description": "Jinja expression; the rule applies only where it is true", "template": True},
}
"""What a rule in a file says besides its checks."""
