"""Put the values of the selected attributes on a warninglist of the operator's own in MISP."""

from misp_workflow.action import expose, fields, text, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP warninglist add",
    "description": "Puts the values of the selected attributes on a warninglist of your own, made when it is missing.",
    "module-type": ["action"],
    "features": "MISP's own lists are left alone: its next update would overwrite them. Nothing selected means nothing "
    "is added, unless selected_or_all is 'all'. Needs [misp] in the settings, with the key of a site admin.",
    "references": ["https://www.circl.lu/doc/misp/warninglists/"],
}

moduleconfig = {
    "params": {
        "list_name": {"description": "Name of the warninglist", "required": True},
        "list_type": {
            "description": "string, hostname, cidr, substring or regex; of a list that is there, it stays as it is",
            "format": "choice",
            "choices": ["string", "hostname", "cidr", "substring", "regex"],
            "default": "string",
        },
        "list_description": {
            "formerly": ["description"],
            "description": "What a new list is for",
            "default": "Values noted by a workflow",
        },
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return the change of the list."""
    params, items = call.params, writeback.attributes(call)
    if not items:
        return writeback.nothing(call)
    types = list(dict.fromkeys(text(row.get("type")) for row in items))
    values = {"name": params.list_name, "type": params.list_type, "description": params.list_description}
    return writeback.change(call, "warninglist", items, **values, matching_attributes=types)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
