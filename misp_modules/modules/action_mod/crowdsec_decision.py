"""Make decisions in CrowdSec."""

import time

from misp_workflow.action import STANDING, Bulk, expose, fields, records

moduleinfo = {
    "version": "1.0",
    "name": "CrowdSec decision",
    "description": "Has CrowdSec ban the addresses and networks of an event, and deletes the decision on what is "
    "withdrawn.",
    "module-type": ["action"],
    "features": "Speaks to the local API as a machine. What is private, reserved, one's own (lists.own_networks) or "
    "too wide is refused, as it is in lists for devices.",
    "references": ["https://docs.crowdsec.net/docs/local_api/intro"],
}

moduleconfig = {
    "params": {
        "server_url": {
            "description": "Address of the local API, such as http://127.0.0.1:8080",
            "required": True,
            "format": "url",
        },
        "machine_id": {"description": "Name of the machine to log in as", "required": True},
        "password": {"description": "Password of the machine", "required": True, "secret": True},
        "decision": {"description": "What bouncers shall do: ban, captcha, or what they know", "default": "ban"},
        "keep_hours": {
            "description": "Hours after which a decision ends unless it is made again",
            "format": "integer",
            "minimum": 1,
            "maximum": 8760,
            "default": 168,
        },
        "origin": {"description": "Where CrowdSec says that decisions are from", "default": "misp"},
        "allow_reserved": {
            "description": "true: private and reserved addresses, too (for a laboratory)",
            "format": "boolean",
            "default": False,
        },
        **fields.TLS,
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

TYPES = ("ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "domain|ip")
AT_ONCE = 100  # CrowdSec shows the decisions of a whole alert, whichever is asked for
LONGEST_TITLE = 200


def decide(call):
    """Return the requests that make and delete this call's decisions."""
    params, event = call.params, call.view.event
    options = {
        "machine": params.machine_id,
        "password": params.password,
        "type": params.decision,
        "hours": params.keep_hours,
        "origin": params.origin,
        "reserved": params.allow_reserved,
        "event": call.event_uuid,
        "message": str(event.get("info") or "MISP")[:LONGEST_TITLE],
    }
    request = Bulk(
        dialect="crowdsec",
        url=f"{params.server_url.rstrip('/')}/v1/alerts",
        service="CrowdSec",
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        options=options,
        at=time.time(),
    )
    return records.carried(call, "origin", request, at_once=AT_ONCE, takes=TYPES)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
