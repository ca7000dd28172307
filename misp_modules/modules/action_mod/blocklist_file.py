"""Keep a list that firewalls, resolvers, proxies and sensors read."""

import time

from misp_workflow.action import FileUpdate, ParameterError, expose, fields, flag, matching, tag_names

moduleinfo = {
    "version": "1.0",
    "name": "Blocklist file",
    "description": "Keeps one list per destination on this machine's disk, in the format that the device reads, and "
    "takes back what is withdrawn.",
    "module-type": ["action"],
    "features": "Listed is what the node selects, is for detection (to_ids) and not deleted; what a call shows "
    "otherwise is withdrawn. A whole event (as on event-publish) says everything about itself: what it no longer "
    "selects leaves the list. Folder, format and bounds stand in the settings; docs/lists.md shows each format. "
    "Updates: yes. Withdraws: yes.",
    "references": ["https://www.misp-project.org/automation/"],
}

moduleconfig = {
    "params": {
        "withdraw_tags": {
            "description": "Tags that take a value off the list, with commas; * stands for anything",
            "format": "list",
        },
        "unpublished": {
            "description": "withdraw: an event that is saved and not published leaves the list; keep: it stays",
            "format": "choice",
            "choices": ["withdraw", "keep"],
            "default": "withdraw",
        },
        "event_goes": {
            "description": "true: everything of this event leaves the list (for a trigger before an event is deleted)",
            "format": "boolean",
            "default": False,
        },
        **fields.ITEMS,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}


def decide(call):
    """Return what this call says of the list."""
    view, params = call.view, call.params
    event = str(view.event.get("uuid") or "")
    if not params.destination:
        raise ParameterError("Parameter 'destination' must name a list of the settings (destinations.NAME.list).")
    if not event:
        return call.skip("The data names no event, so it says nothing of a list.")
    chosen = [] if params.event_goes else [row for row in call.rows if listed(row, params.withdraw_tags)]
    put = tuple({name: str(row[name]) for name in ("uuid", "type", "value")} for row in chosen)
    whole = params.event_goes or "RelatedEvent" in view.event
    if not view.attributes and not whole:  # the bare row of an event that was saved
        if flag(view.event.get("published", True)) or params.unpublished == "keep":
            return call.skip("The data shows no attributes of the event.")
        whole = True
    stay = {item["uuid"] for item in put}
    gone = tuple(str(row["uuid"]) for row in view.attributes if row.get("uuid") and row["uuid"] not in stay)
    return FileUpdate(event=event, put=put, gone=gone, whole=whole, at=time.time(), service="The list")


def listed(row, withdraw_tags):
    """Return whether an attribute is to be blocked."""
    named = all(row.get(name) for name in ("uuid", "type", "value"))
    if not named or flag(row.get("deleted")) or not flag(row.get("to_ids")):
        return False
    return not any(matching(tag_names(row), pattern) for pattern in withdraw_tags)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
