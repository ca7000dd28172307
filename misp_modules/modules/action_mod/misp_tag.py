"""Add, remove or replace tags in MISP, on the event or on the selected attributes."""

from misp_workflow.action import expose, fields, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP tag",
    "description": "Adds, removes or replaces tags on the event or on the selected attributes, objects' included.",
    "module-type": ["action"],
    "features": "Looks first: a tag that is already there is not attached again, so a workflow that this starts "
    "comes to rest. Nothing selected means that no attribute is tagged, unless selected_or_all is 'all'. Needs "
    "[misp] in the settings.",
    "references": ["https://www.misp-project.org/openapi/"],
}

moduleconfig = {
    "params": {
        "tags": {
            "type": "large_string",
            "description": "Tags, one per line; to remove: patterns (tlp:*)",
            "required": True,
            "format": "list",
            "each": "tag",
        },
        "operation": {
            "description": "add, remove, or replace: add them and remove those that they replace",
            "format": "choice",
            "choices": ["add", "remove", "replace"],
            "default": "add",
        },
        "tags_to_replace": {
            "formerly": ["replaced"],
            "type": "large_string",
            "description": "With replace: patterns of the tags that go; empty: those of the same taxonomy (tlp:*)",
            "format": "list",
            "each": "tag",
        },
        **writeback.SCOPE,
        **writeback.LOCAL,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return the change of tags."""
    params = call.params
    add = [] if params.operation == "remove" else list(params.tags)
    remove = {
        "add": (),
        "remove": params.tags,
        "replace": params.tags_to_replace or [writeback.same_taxonomy(name) for name in params.tags],
    }[params.operation]
    items = writeback.attributes(call) if params.scope == "attribute" else []
    if params.scope == "attribute" and not items:
        return writeback.nothing(call)
    return writeback.change(call, "tag", items, add=add, remove=list(remove), local=params.local_tags)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
