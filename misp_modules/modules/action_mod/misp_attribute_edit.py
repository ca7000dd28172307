"""Change fields of the selected attributes in MISP."""

from misp_workflow.action import ParameterError, expose, fields, flag, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP attribute edit",
    "description": "Sets detection flag, comment, category, distribution or correlation of the selected attributes.",
    "module-type": ["action"],
    "features": "Looks first, and writes only what differs: an edit without a change would start workflows again, "
    "without end. Nothing selected means nothing is edited, unless selected_or_all is 'all'. Needs [misp] in the "
    "settings.",
    "references": ["https://www.misp-project.org/openapi/"],
}

moduleconfig = {
    "params": {
        "to_ids": {
            "description": "true or false: whether they are for detection; empty: as it is",
            "format": "choice",
            "choices": ["true", "false"],
        },
        "comment": {
            "type": "large_string",
            "description": "Comment as a Jinja template, which may use {{ attribute.value }}; empty: as it is",
            "template": True,
            "per_attribute": True,
        },
        "category": {"description": "Category, as MISP names it; empty: as it is"},
        "distribution": {
            "description": "0 organisation, 1 community, 2 connected, 3 all, 5 inherit, or the word; empty: as it is",
            "format": "choice",
            "choices": ["0", "1", "2", "3", "5"],
            "words": fields.DISTRIBUTION_WORDS,
        },
        "disable_correlation": {
            "description": "true or false: whether they are kept from correlating; empty: as it is",
            "format": "choice",
            "choices": ["true", "false"],
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
    """Return the change of those fields that the node names."""
    params = call.params
    wanted = {name: getattr(params, name) for name in ("category", "distribution") if getattr(params, name)}
    wanted |= {name: flag(getattr(params, name)) for name in ("to_ids", "disable_correlation") if getattr(params, name)}
    if not wanted and not params.comment:
        raise ParameterError("Set at least one of to_ids, comment, category, distribution, disable_correlation.")
    items = writeback.attributes(call)
    if not items:
        return writeback.nothing(call)
    own = {"own": told} if (told := writeback.each_rendered(call, "comment", items)) else {}
    if params.comment and not own:
        wanted["comment"] = call.render("comment", "text")
    return writeback.change(call, "edit", items, set=wanted, **own)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
