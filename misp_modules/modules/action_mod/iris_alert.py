"""Keep an alert in DFIR-IRIS."""

from misp_workflow.action import ParameterError, attribute_types, cases, expose, fields, whole_number

moduleinfo = {
    "version": "1.0",
    "name": "IRIS alert",
    "description": "Keeps one alert per event in DFIR-IRIS, with IOCs of the types that you name, by its API v2.",
    "module-type": ["action"],
    "features": "The event's uuid is the source reference, by which the alert is found again, also when IRIS says that "
    "one is not entitled and makes it all the same. IRIS numbers severities, states and types of IOCs by installation: "
    "compare the defaults with yours. docs/cases.md tells what all cases have in common.",
    "references": ["https://docs.dfir-iris.org/latest/operations/alerts/"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of IRIS", "required": True, "format": "url"},
        "api_key": {"description": "API key of a user who may read and write alerts", "required": True, "secret": True},
        "customer": {"description": "Number of the customer", "format": "integer", "minimum": 1, "default": 1},
        "source": {"description": "Source of the alert, one for each MISP", "default": "MISP"},
        "severities": {
            "description": "Numbers of the severities low, medium, high",
            "format": "list",
            "each": "integer",
            "default": ["3", "4", "5"],
        },
        "ioc_types": {
            "type": "large_string",
            "description": "IOCs to make: MISP type and number of IRIS's type, one per line (ip-dst: 76); empty: none",
        },
        "close_status": {"description": "Number of the status Closed", "format": "integer", "default": 6},
        "open_status": {"description": "Number of the status New", "format": "integer", "default": 2},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes; IOCs when it is made",
    "withdraws": "yes, a comment or closed",
}
del moduleconfig["params"]["assignee"]

MAX_TITLE = 500
MAX_DESCRIPTION = 100_000
TLP = {"red": 1, "amber": 2, "green": 3, "clear": 4, "amber+strict": 5}  # as every IRIS numbers them
MOST_IOCS = 1_000  # one request makes them all

ALERT = {"method": "PUT", "path": "/{id}"}
ABOUT = {"alert_title": cases.TITLE, "alert_severity_id": cases.SEVERITY, "alert_description": cases.ANY}


def decide(call):
    """Return the alert as this call wants it."""
    params = call.params
    if len(params.severities) != 3:
        raise ParameterError("Parameter 'severities' must hold three numbers: of low, medium and high.")
    draft = cases.draft(call, "markdown", MAX_TITLE, most_body=MAX_DESCRIPTION, title_style="text")
    number = dict(zip(("low", "medium", "high"), params.severities, strict=True)).get(draft.severity, 1)
    new = {"alert_title": draft.title, "alert_description": draft.body, "alert_severity_id": int(number)}
    found = iocs(draft.said["items"], numbers(params.ioc_types), TLP.get(call.summary.tlp, TLP["amber"]))
    mark = {"alert_source": params.source, "alert_source_ref": draft.event}
    made = {
        **new,
        **mark,
        "alert_status_id": params.open_status,
        "alert_customer_id": params.customer,
        "alert_tags": ",".join(params.labels),
        "alert_source_link": call.link,
        "alert_context": dict(draft.fields),
        "alert_iocs": found,
    }
    closed, opened = ({"alert_status_id": number} for number in (params.close_status, params.open_status))
    query = {"source_reference": draft.event, "alert_source": params.source, "alert_customer_id": str(params.customer)}
    return draft.case(
        url=f"{draft.server}/api/v2/alerts",
        service="IRIS",
        called="alert",
        scope=f"customer {params.customer}",
        bearer=params.api_key,
        error_at="message",
        look=(cases.seek("", query, "data", "alert_source_ref", draft.event),),
        found_at="alert_id",
        create=(
            cases.make("", made, "alert_id"),
            {"method": "GET", "path": "/{id}", "expect": {"alert_source_ref": draft.event}},
        ),
        id_at="alert_id",
        update=(draft.changed({**ALERT, "expect_fields": ["alert_id"]}, new, ABOUT),),
        comment=(cases.say("/{id}/comments", "json.comment_text", expect_status=[201]),),
        close=({**ALERT, "json": closed, "expect": closed},),
        reopen=({**ALERT, "json": opened, "expect": opened},),
        page=f"{draft.server}/alerts?alert_ids={{id}}",
    )


def numbers(lines):
    """Return the numbers of IRIS's types by MISP type."""
    found = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        kind, _, number = line.rpartition(":")
        found_number = whole_number(number.strip())
        if not kind.strip() or "*" in kind or found_number is None:
            raise ParameterError(f"Parameter 'ioc_types': “{line}” is not TYPE: NUMBER.")
        found[kind.strip().lower()] = found_number
    for why in attribute_types.unknown(found):
        raise ParameterError(f"Parameter 'ioc_types': {why}.")
    return found


def iocs(items, types, tlp):
    """Return the IOCs of the attributes whose type is named; equal ones once."""
    found = {}
    for item in items:
        if (number := types.get(item["type"].lower())) is not None:
            found[item["type"], item["value"]] = {
                "ioc_value": item["value"],
                "ioc_type_id": number,
                "ioc_description": "",
                "ioc_tlp_id": tlp,
                "ioc_tags": "",
            }
    return list(found.values())[:MOST_IOCS]


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
