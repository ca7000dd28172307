"""Write an event report in MISP."""

from misp_workflow.action import expose, fields, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP report",
    "description": "Writes a report into the event, from a template or as a summary of what happened.",
    "module-type": ["action"],
    "features": "The content is Markdown; event text in it stays text. The same report is not written twice. It is "
    "about the whole event: nothing selected changes nothing. Needs [misp] in the settings.",
    "references": ["https://www.circl.lu/doc/misp/"],
}

moduleconfig = {
    "params": {
        **fields.TITLE,
        **fields.MESSAGE,
        "distribution": {
            "description": "0 organisation, 1 community, 2 connected, 3 all, 5 inherit, by number or word",
            "format": "choice",
            "choices": ["0", "1", "2", "3", "5"],
            "words": fields.DISTRIBUTION_WORDS,
            "default": "5",
        },
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}

MAX_TITLE = 191  # a title longer than MISP's column would be cut without a word


def decide(call):
    """Return the report."""
    title, content = call.title("plain", limit=MAX_TITLE), call.message("markdown")
    return writeback.change(call, "report", name=title, content=content, distribution=call.params.distribution)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
