"""Add an analyst note or an opinion in MISP."""

from misp_workflow.action import ParameterError, expose, fields, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP note",
    "description": "Adds an analyst note or an opinion to the event or to the selected attributes.",
    "module-type": ["action"],
    "features": "The same note is not added twice. Nothing selected means no note on attributes, unless "
    "selected_or_all is 'all'. Needs a MISP that knows analyst data, and [misp] in the settings.",
    "references": ["https://www.circl.lu/doc/misp/"],
}

moduleconfig = {
    "params": {
        "note_text": {
            "formerly": ["text"],
            "type": "large_string",
            "description": "The note, or the reason of the opinion, as a Jinja template",
            "required": True,
            "template": True,
        },
        "opinion": {
            "description": "0 (strongly disagree) to 100 (strongly agree) makes it an opinion; empty: a note",
            "format": "integer",
            "minimum": 0,
            "maximum": 100,
        },
        "note_language": {"formerly": ["language"], "description": "Language of the note", "default": "en"},
        **writeback.SCOPE,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return the note or opinion."""
    params = call.params
    words = call.render("note_text", "text").strip()
    if not words:
        raise ParameterError("Parameter 'note_text' renders to nothing for this event.")
    items = writeback.attributes(call) if params.scope == "attribute" else []
    if params.scope == "attribute" and not items:
        return writeback.nothing(call)
    if params.opinion is None:
        return writeback.change(call, "note", items, kind="Note", note=words, language=params.note_language)
    return writeback.change(call, "note", items, kind="Opinion", opinion=params.opinion, comment=words)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
