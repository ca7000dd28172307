"""Trigger, and later resolve, an alert in PagerDuty."""

from misp_workflow.action import Post, expose, fields, flag

moduleinfo = {
    "version": "1.0",
    "name": "PagerDuty event",
    "description": "Triggers an alert in PagerDuty, and resolves it when the attribute it was about is deleted.",
    "module-type": ["action"],
    "features": "One alert for each attribute on attribute triggers, else one for each event: what comes again about "
    "the same is added to the open alert. The severity follows the event's threat level. The facts of what happened "
    "are the alert's details. MISP has no trigger for a deleted event: resolve it by a workflow with event_action.",
    "references": ["https://developer.pagerduty.com/docs/send-alert-event"],
}

moduleconfig = {
    "params": {
        "routing_key": {
            "description": "Integration key (32 characters) of an Events API v2 integration",
            "required": True,
            "secret": True,
        },
        "event_action": {
            "description": "auto: trigger, or resolve what was deleted; trigger, acknowledge, resolve: always that",
            "format": "choice",
            "choices": ["auto", "trigger", "acknowledge", "resolve"],
            "default": "auto",
        },
        "severity": {
            "description": "auto: by the event's threat level; critical, error, warning, info: always that",
            "format": "choice",
            "choices": ["auto", "critical", "error", "warning", "info"],
            "default": "auto",
        },
        "server_url": {
            "description": "PagerDuty's Events API; in the EU https://events.eu.pagerduty.com",
            "format": "url",
            "default": "https://events.pagerduty.com",
        },
        **fields.MESSAGE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

MAX_SUMMARY = 1_024  # https://developer.pagerduty.com/docs/send-alert-event
MAX_DETAIL = 1_000  # far below the 512 KB of a whole event: https://developer.pagerduty.com/docs/events-api-v2-overview

SEVERITIES = {"1": "critical", "2": "error", "3": "warning"}
ABOUT_ONE = ("attribute", "sighting")


def decide(call):
    """Return the event that opens or closes this call's alert."""
    params, view = call.params, call.view
    row = view.attributes[0] if view.kind in ABOUT_ONE else {}
    action = params.event_action
    if action == "auto":
        action = "resolve" if flag(row.get("deleted")) else "trigger"
    known = row.get("uuid") or call.event_uuid
    if action != "trigger" and not known:
        return call.skip("There is nothing to resolve: MISP sent neither an attribute nor an event.")
    event = {"routing_key": params.routing_key, "event_action": action}
    if known:
        event["dedup_key"] = f"misp-{known}"[:255]
    if action == "trigger":
        event |= alert(call)
    return Post(
        url=f"{params.server_url}/v2/enqueue",
        service="PagerDuty",
        json=event,
        key_at="" if known else "json:dedup_key",  # so that a repeated try opens no second alert
        expect_status=(202,),
        expect={"status": "success"},
        error_at="errors.0",
    )


def alert(call):
    """Return what the alert says."""
    severity = call.params.severity
    if severity == "auto":
        severity = SEVERITIES.get(str(call.view.event.get("threat_level_id")), "info")
    summary = call.line("message", call.summary.title, style="plain", limit=MAX_SUMMARY)
    content = {
        "payload": {
            "summary": summary,
            "severity": severity,
            "source": call.line("source", call.view.organisation or "MISP", style="plain", limit=MAX_DETAIL),
            "class": call.view.kind,
            "custom_details": dict(call.facts("plain", limit=MAX_DETAIL)),
        },
        "client": "MISP",
    }
    if call.link:
        content |= {"client_url": call.link, "links": [{"href": call.link, "text": "Open the event in MISP"}]}
    return content


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
