"""Keep an alert in TheHive."""

from misp_workflow.action import cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "TheHive alert",
    "description": "Keeps one alert per event in TheHive 5, with its attributes as observables.",
    "module-type": ["action"],
    "features": "Type, source and the event's uuid as sourceRef tell the alert from others; by them it is found again. "
    "TLP and severity follow the event. Equal observables are made once and counted afterwards; later ones are added, "
    "and what is gone stays and is told in a comment. docs/cases.md tells what all cases have in common.",
    "references": ["https://docs.strangebee.com/thehive/api-docs/"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of TheHive", "required": True, "format": "url"},
        "api_key": {"description": "API key of a user who may manage alerts", "required": True, "secret": True},
        "organisation": {"description": "Organisation to work in; empty: the user's own"},
        "alert_type": {"description": "Type of the alert", "default": "misp"},
        "source": {"description": "Source of the alert, one for each MISP", "default": "MISP"},
        "close_status": {"description": "Status of an alert that is closed", "default": "Ignored"},
        "open_status": {"description": "Status of one that is opened again", "default": "New"},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes; observables are added",
    "withdraws": "yes, a comment or Ignored",
}

MAX_TITLE = 512  # https://docs.strangebee.com/thehive/api-docs/
MAX_DESCRIPTION = 100_000  # far below its 1,048,576
MOST_OBSERVABLES = 1_000  # one request makes them all

READ = {"method": "GET", "path": "/alert/{id}"}
ALERT = {"method": "PATCH", "path": "/alert/{id}"}
ABOUT = {"title": cases.TITLE, "severity": cases.SEVERITY, "description": cases.ANY, "tlp": "TLP"}
SEVERITIES = {"high": 3, "medium": 2, "low": 1}
TLP = {"clear": 0, "green": 1, "amber": 2, "amber+strict": 3, "red": 4}
DATA_TYPES = {
    "as": "autonomous-system",
    "domain": "domain",
    "email": "mail",
    "email-dst": "mail",
    "email-src": "mail",
    "email-subject": "mail-subject",
    "filename": "filename",
    "hostname": "hostname",
    "ip": "ip",
    "ip-dst": "ip",
    "ip-src": "ip",
    "md5": "hash",
    "regkey": "registry",
    "sha1": "hash",
    "sha256": "hash",
    "sha512": "hash",
    "url": "url",
    "user-agent": "user-agent",
}
"""TheHive's own data types by MISP's; "other" for what is not among them, and no port."""


def decide(call):
    """Return the alert as this call wants it."""
    params = call.params
    draft = cases.draft(call, "markdown", MAX_TITLE, most_body=MAX_DESCRIPTION, title_style="text")
    severity = {"severity": SEVERITIES[draft.severity]} if draft.severity else {}
    tlp = {"tlp": TLP[call.summary.tlp]} if call.summary.tlp in TLP else {}
    new = {"title": draft.title, "description": draft.body, **severity, **tlp}
    mark = {"type": params.alert_type, "source": params.source, "sourceRef": draft.event}
    seen = observables(draft.said["items"], tlp)
    more = {"tags": list(params.labels), "observables": seen} | (
        {"assignee": params.assignee} if params.assignee else {}
    )
    if draft.fields:
        more["customFields"] = [{"name": name, "value": value} for name, value in draft.fields.items()]
    filters = [{"_name": "filter", "_eq": {"_field": name, "_value": value}} for name, value in mark.items()]
    return draft.case(
        url=f"{draft.server}/api/v1",
        service="TheHive",
        called="alert",
        scope=f"{params.alert_type} of {params.source}",
        bearer=params.api_key,
        headers={"X-Organisation": params.organisation} if params.organisation else {},
        error_at="message",
        look=(
            {
                "path": "/query",
                "json": {"query": [{"_name": "listAlert"}, *filters]},
                "among": ["", "sourceRef", draft.event],
            },
        ),
        found_at="_id",
        create=(
            cases.make("/alert", {**new, **mark, **more}, "_id"),
            {**READ, "wish": {"observableCount": len(seen)}},
        ),
        id_at="_id",
        update=(draft.changed(ALERT, new, ABOUT),),
        adds={item["uuid"]: added(item, tlp) for item in draft.said["items"][:MOST_OBSERVABLES]},
        comment=(cases.say("/alert/{id}/comment", "json.message"),),
        close=status(params.close_status),
        reopen=status(params.open_status),
        page=f"{draft.server}/alerts/{{id}}/details",
    )


def status(name):
    """Return the step that gives the alert a status, and sees that it has it."""
    return ({**ALERT, "json": {"status": name}}, {**READ, "expect": {"status": name}})


def added(item, tlp):
    """Return the requests that add the attribute to an alert that is there."""
    return tuple(cases.make("/alert/{id}/observable", one, there="already exists") for one in observables([item], tlp))


def observables(items, tlp):
    """Return the observables of the attributes; equal ones once, because two make TheHive refuse the alert.

    Without a TLP of their own they would be amber there.
    """
    found = {}
    for item in items:
        kinds, values = item["type"].split("|"), item["value"].split("|", 1)
        pairs = list(zip(kinds, values, strict=False)) if len(kinds) == len(values) else [("", item["value"])]
        for kind, value in pairs:
            if value and kind not in ("port", "counter"):
                one = {"dataType": DATA_TYPES.get(kind, "other"), "data": value, "ioc": item["to_ids"], **tlp}
                known = found.setdefault((one["dataType"], value), one)
                known["ioc"] = known["ioc"] or one["ioc"]
    return list(found.values())[:MOST_OBSERVABLES]


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
