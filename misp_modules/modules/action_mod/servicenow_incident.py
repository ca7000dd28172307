"""Keep an incident in ServiceNow."""

from misp_workflow.action import ParameterError, cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "ServiceNow incident",
    "description": "Keeps one incident, or security incident, per event in ServiceNow, by its Table API.",
    "module-type": ["action"],
    "features": "The event's uuid is the correlation id, by which the incident is found again. Impact and urgency "
    "follow the threat level; what changed is a work note. docs/cases.md tells what all cases have in common.",
    "references": [
        "https://www.servicenow.com/docs/bundle/xanadu-api-reference/page/integrate/inbound-rest/concept/"
        "c_TableAPI.html"
    ],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of the instance", "required": True, "format": "url"},
        "table": {
            "description": "incident, or sn_si_incident (Security Incident Response)",
            "format": "choice",
            "choices": ["incident", "sn_si_incident"],
            "default": "incident",
        },
        "token": {"description": "OAuth access token; or a user and password", "secret": True},
        "username": {"description": "Name to log in with"},
        "password": {"description": "Password to log in with", "secret": True},
        "close_state": {"description": "Number of the state when closed; empty: 6 (Resolved), or 3 (Closed)"},
        "open_state": {"description": "Number of the state when opened again; empty: 2 (In Progress), or 18"},
        "close_code": {"description": "Resolution code", "default": "No resolution provided"},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, a work note or resolved",
}
del moduleconfig["params"]["labels"]

MAX_SHORT_DESCRIPTION = 160  # the field's length in the dictionary of the table task
MAX_DESCRIPTION = 4_000  # the same

RECORD = {"method": "PATCH", "path": "/{id}", "expect_fields": ["result.sys_id"]}
ABOUT = {
    "short_description": cases.TITLE,
    "description": cases.ANY,
    "impact": cases.SEVERITY,
    "urgency": cases.SEVERITY,
}
URGENCIES = {"high": "1", "medium": "2", "low": "3"}
CLOSED = {"incident": "6", "sn_si_incident": "3"}
OPEN = {"incident": "2", "sn_si_incident": "18"}


def decide(call):
    """Return the incident as this call wants it."""
    params = call.params
    if params.token and params.username:
        raise ParameterError("Parameters 'token' and 'username' are two ways in: set one of them.")
    draft = cases.draft(call, "journal", MAX_SHORT_DESCRIPTION, most_body=MAX_DESCRIPTION, title_style="journal")
    urgency = dict.fromkeys(("impact", "urgency"), URGENCIES[draft.severity]) if draft.severity else {}
    new = {"short_description": draft.title, "description": draft.body, **urgency}
    mark = {"correlation_id": draft.event, "correlation_display": "MISP"}
    assigned = {"assigned_to": params.assignee} if params.assignee else {}
    wish = {"correlation_id": draft.event}
    search = {
        "sysparm_query": f"correlation_id={draft.event}^ORDERBYsys_created_on",
        "sysparm_fields": "sys_id,number,correlation_id",
        "sysparm_limit": "1",
    }
    closed = {"state": params.close_state or CLOSED[params.table], "close_code": params.close_code}
    closed["close_notes"] = "Withdrawn in MISP."
    return draft.case(
        url=f"{draft.server}/api/now/table/{params.table}",
        service="ServiceNow",
        called="incident",
        scope=f"table {params.table}",
        bearer=params.token,
        basic=(params.username, params.password) if params.username else None,
        headers={"Accept": "application/json"},
        error_at="error.detail|error.message",
        style="journal",
        look=(cases.seek("", search, "result", "correlation_id", draft.event),),
        found_at="sys_id",
        create=(
            cases.make("", {**new, **mark, **assigned, **draft.fields}, "result.sys_id", within="result", wish=wish),
        ),
        id_at="sys_id",
        name_at="number",
        update=(draft.changed(RECORD, new, ABOUT),),
        comment=(cases.say(at="json.work_notes", **RECORD),),
        close=({**RECORD, "json": closed, "expect": {"result.state": closed["state"]}},),
        reopen=({**RECORD, "json": {"state": params.open_state or OPEN[params.table]}},),
        page=f"{draft.server}/nav_to.do?uri={params.table}.do?sys_id={{id}}",
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
