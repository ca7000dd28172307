"""Keep a list that firewalls, resolvers, proxies and sensors read."""

import time

from misp_workflow.action import STANDING, FileUpdate, ParameterError, Standing, expose, fields, standing

moduleinfo = {
    "version": "1.0",
    "name": "Blocklist file",
    "description": "Keeps one list per destination on this machine's disk, in the format that the device reads, and "
    "takes back what is withdrawn.",
    "module-type": ["action"],
    "features": "Listed is what the node selects, is for detection (to_ids) and not deleted; what a call shows "
    "otherwise is withdrawn. A whole event (as on event-publish) says everything about itself: what it no longer "
    "selects leaves the list. Folder, format and bounds stand in the settings; docs/lists.md shows each format.",
    "references": ["https://www.misp-project.org/automation/"],
}

moduleconfig = {
    "params": {
        **STANDING,
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes",
}


def decide(call):
    """Return what this call says of the list."""
    if not call.params.destination:
        raise ParameterError("Parameter 'destination' must name a list of the settings (destinations.NAME.list).")
    said = standing(call)
    if not isinstance(said, Standing):
        return said
    put = tuple({name: str(row[name]) for name in ("uuid", "type", "value")} for row in said.rows)
    gone = (*(str(row["uuid"]) for row in said.gone), *said.hidden)
    return FileUpdate(event=said.event, put=put, gone=gone, whole=said.whole, at=time.time(), service="The list")


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
