"""Put the event on MISP's event blocklist."""

from misp_workflow.action import expose, fields, text, writeback

moduleinfo = {
    "version": "1.0",
    "name": "MISP event blocklist",
    "description": "Puts the event on the event blocklist, so that no synchronisation brings it back.",
    "module-type": ["action"],
    "features": "The event itself stays; delete it in MISP. It acts on the whole event: nothing selected changes "
    "nothing. Needs [misp] in the settings, with the key of a site admin.",
    "references": ["https://www.misp-project.org/openapi/"],
}

moduleconfig = {
    "params": {
        "comment": {"description": "Why, for the blocklist", "default": "Blocked by a workflow"},
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "leaves_home": False,
}


def decide(call):
    """Return the entry for this event."""
    view = call.view
    about = {"event_info": text(view.event.get("info")), "event_orgc": view.organisation}
    return writeback.change(call, "blocklist", comment=call.params.comment, **about)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
