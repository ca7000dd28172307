"""Stop an enrichment from asking others about what they must not know (enrichment-before-query)."""

from misp_workflow.action import Block, Pass, expose, fields, matching, rules, text

moduleinfo = {
    "version": "1.0",
    "name": "Enrichment guard",
    "description": "Blocks an enrichment of marked events, of your own domains and networks, or by some modules.",
    "module-type": ["action"],
    "features": "For enrichment-before-query. With a hover MISP sends the attribute in its event, with a question "
    "to one module its name and nothing else: when_empty says what then happens. Rules look at the whole event: "
    "nothing selected changes nothing.",
    "references": ["https://www.first.org/tlp/", "https://github.com/MISP/misp-taxonomies/tree/main/PAP"],
}

moduleconfig = {
    "params": {
        "forbidden_tags": {
            "type": "large_string",
            "description": "Patterns, one per line; what has such a tag is not asked about",
            "format": "list",
            "each": "tag",
            "default": ["tlp:red", "tlp:amber+strict", "PAP:RED", "PAP:AMBER"],
        },
        "allowed_modules": {
            "type": "large_string",
            "description": "Patterns of modules that may be asked, one per line; empty: any",
            "format": "list",
            "each": "word",
        },
        "denied_modules": {
            "type": "large_string",
            "description": "Patterns of modules that may not be asked, one per line",
            "format": "list",
            "each": "word",
        },
        "own_domains": {
            "type": "large_string",
            "description": "Your own domains, one per line, never asked about, subdomains included",
            "format": "list",
            "each": "domain",
        },
        "own_networks": {
            "type": "large_string",
            "description": "Your own networks, one per line (192.0.2.0/24), never asked about",
            "format": "list",
            "each": "word",
        },
        "local_modules": {
            "type": "large_string",
            "description": "Patterns of modules that ask nobody outside, one per line; they pass in any case",
            "format": "list",
            "each": "word",
        },
        "when_empty": {
            "description": "When MISP does not say what is asked about: block, allow, or lookup (ask MISP when it "
            "names the event, else block)",
            "format": "choice",
            "choices": ["block", "allow", "lookup"],
            "default": "block",
        },
        **fields.MISP,
    },
    "blocking": True,
    "triggers": ["enrichment-before-query"],
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return the verdict on the question that an enrichment is about to ask."""
    params, module = call.params, text(call.data.get("_module"))
    if not module:
        return Block(("This node judges enrichments, and MISP names no module here, so nothing can be checked.",))
    if any(matching([module], pattern) for pattern in params.local_modules):
        return Pass()
    reasons = []
    if any(matching([module], pattern) for pattern in params.denied_modules):
        reasons.append(f"the module '{module}' may not be asked")
    if params.allowed_modules and not any(matching([module], pattern) for pattern in params.allowed_modules):
        reasons.append(f"the module '{module}' is none of those that may be asked")
    view = rules.known_view(call) if params.when_empty == "lookup" else call.view
    if not rules.says_nothing(view):
        reasons += rules.marked(view.all_tags, params.forbidden_tags)
        reasons += rules.own_values(view, params.own_domains, params.own_networks)
    elif params.when_empty != "allow":
        reasons.append("MISP does not say what is asked about (a question to one module)")
    return Block((f"{module} is not asked: {'; '.join(reasons)}.",)) if reasons else Pass()


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
