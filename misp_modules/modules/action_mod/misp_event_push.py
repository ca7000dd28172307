"""Push an event to another MISP."""

from misp_workflow.action import expose, fields, sync

moduleinfo = {
    "version": "1.0",
    "name": "MISP event push",
    "description": "Pushes the event, or the selected attributes, to another MISP: added once, then kept up to date.",
    "module-type": ["action"],
    "features": "Goes by distribution as MISP's own synchronisation does, one hop: what is for the own organisation or "
    "community only stays here, connected communities arrives as community only, a sharing group goes when the "
    "destination's sharing_groups name it. Objects, galaxy tags, reports and deletions go along, sightings when asked, "
    "proposals, local and not exportable tags never. What is newer there stays. docs/misp-push.md tells the rest.",
    "references": ["https://www.misp-project.org/openapi/", "https://www.circl.lu/doc/misp/sharing/"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of the other MISP", "required": True, "format": "url"},
        "api_key": {"description": "API key of a user there, best of a sync user", "required": True, "secret": True},
        **fields.TLS,
        **fields.ITEMS,
        "sightings": {
            "description": "true: sightings of the attributes go along",
            "format": "boolean",
            "default": False,
        },
        "publish_there": {
            "description": "true: that MISP publishes it at once; false: it waits there for somebody to publish it",
            "format": "boolean",
            "default": False,
        },
        "on_withdraw": {
            "description": "When the event is unpublished, deleted, or may not go any more: unpublish, delete, nothing",
            "format": "choice",
            "choices": ["unpublish", "delete", "nothing"],
            "default": "unpublish",
        },
        **fields.WHOLE_EVENT,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "group": "feed",
    "least_distribution": 2,
    "updates": "yes",
    "withdraws": "yes, unpublished or deleted",
}


def decide(call):
    """Return the push of this call's event."""
    return sync.pushed(call)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
