"""Stop the publication of an event that does not meet the house's rules."""

from misp_workflow.action import DISTRIBUTIONS, Block, Pass, expose, live, matching, number, tag_names

moduleinfo = {
    "version": "1.0",
    "name": "Publish gate",
    "description": "Blocks an event that misses a required tag, carries a forbidden one, or breaks another rule.",
    "module-type": ["action"],
    "features": "Every reason is given at once. Rules look at the whole event: nothing selected changes nothing. "
    "MISP takes silence for a yes, so put a fail-closed path behind this node.",
    "references": ["https://www.misp-project.org/taxonomies.html"],
}

moduleconfig = {
    "params": {
        "required_tags": {
            "type": "large_string",
            "description": 'Patterns, one per line; each must match a tag (tlp:*, workflow:state="complete")',
            "format": "list",
        },
        "forbidden_tags": {
            "type": "large_string",
            "description": "Patterns, one per line; none may match a tag (tlp:red, PAP:*)",
            "format": "list",
        },
        "tag_scope": {
            "description": "Whose tags count: event, attribute, or any (event and attributes)",
            "format": "choice",
            "choices": ["event", "attribute", "any"],
            "default": "event",
        },
        "minimum_attributes": {
            "description": "Fewest attributes that the event must have, those in objects included",
            "format": "integer",
            "minimum": 0,
            "default": 0,
        },
        "allowed_distributions": {
            "description": "Allowed distributions of the event by number (0 your organisation … 4 sharing group)",
            "format": "list",
            "choices": ["0", "1", "2", "3", "4"],
        },
        "condition": {"type": "large_string", "description": "Jinja expression that must be true", "template": True},
    },
    "blocking": True,
    "support_filters": True,
    "expect_misp_core_format": True,
}


def decide(call):
    """Return the verdict on the event, with every reason to stop it."""
    view, params = call.view, call.params
    if view.kind != "event":
        return Block(("This node judges whole events; MISP sent no event here, so nothing can be checked.",))
    tags = {
        "event": view.tags,
        "attribute": [name for row in view.attributes for name in tag_names(row, inherited=False)],
        "any": view.all_tags,
    }[params.tag_scope]
    reasons = [f"no tag matches '{pattern}'" for pattern in params.required_tags if not matching(tags, pattern)]
    for pattern in params.forbidden_tags:
        reasons += [f"the tag '{name}' is forbidden" for name in dict.fromkeys(matching(tags, pattern))]
    present = sum(1 for _ in live(view.attributes))
    if present < params.minimum_attributes:
        reasons.append(f"it has {present} attributes, and at least {params.minimum_attributes} are required")
    level = number(view.event.get("distribution"), -1)
    if params.allowed_distributions and str(level) not in params.allowed_distributions:
        reasons.append(f"the distribution '{DISTRIBUTIONS.get(level, 'unknown')}' is not allowed")
    if params.condition and not call.holds("condition"):
        reasons.append("the condition is not true of this event")
    return Block((f"Not published: {'; '.join(reasons)}.",)) if reasons else Pass()


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
