"""Take the selected attributes that are on a warninglist out of detection in MISP; nobody is asked."""

from misp_workflow.action import expose, fields, warninglists, writeback

moduleinfo = {
    "version": "1.0",
    "name": "Warninglist check",
    "description": "Values on a warninglist: removes the detection flag from them and tags them.",
    "module-type": ["action"],
    "features": "Offline: the lists are those of misp-workflow-actions[warninglists], whatever MISP has enabled. Name "
    "the lists that you mean: all of them hold a million popular sites too. Nothing selected means nothing is checked, "
    "unless selected_or_all is 'all'. Needs [misp] in the settings.",
    "references": ["https://github.com/MISP/misp-warninglists"],
    "requirements": ["misp-workflow-actions[warninglists]"],
}

moduleconfig = {
    "params": {
        "warninglists": {
            "formerly": ["lists"],
            "type": "large_string",
            "description": "Patterns of names of warninglists, one per line (List of RFC *)",
            "required": True,
            "format": "list",
        },
        "remove_to_ids": {
            "description": "true: values on a list are not for detection any more",
            "format": "boolean",
            "default": True,
        },
        "tag_to_add": {
            "formerly": ["tag"],
            "description": "Tag for values on a list",
            "default": 'misp-workflow:analysis="false-positive"',
        },
        **writeback.LOCAL,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "group": "ask",
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return the change of those attributes that are on a list."""
    params, items = call.params, writeback.attributes(call)
    if not items:
        return writeback.nothing(call)
    found = [row for row in items if warninglists.lists_with(row, params.warninglists)]
    if not found:
        return call.skip(f"none of {len(items)} values is on a warninglist")
    flags = {"to_ids": False} if params.remove_to_ids else {}
    return writeback.change(call, "mark", found, set=flags, add=[params.tag_to_add], local=params.local_tags)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
