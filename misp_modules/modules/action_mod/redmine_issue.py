"""Keep an issue in Redmine."""

from misp_workflow.action import ParameterError, cases, expose, fields, whole_number

moduleinfo = {
    "version": "1.0",
    "name": "Redmine issue",
    "description": "Keeps one issue per event in a Redmine project: opened once, then brought up to date.",
    "module-type": ["action"],
    "features": "The description ends with a line that a search finds again (urn:uuid:…). Trackers, statuses and "
    "priorities have numbers in Redmine: see the address of each in its administration. docs/cases.md tells what all "
    "cases have in common.",
    "references": ["https://www.redmine.org/projects/redmine/wiki/Rest_Issues"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of Redmine", "required": True, "format": "url"},
        "api_key": {"description": "API access key of the account", "required": True, "secret": True},
        "project": {"description": "Identifier of the project, as in its address", "required": True},
        "tracker": {"description": "Number of the tracker; empty: the project's first", "format": "integer"},
        "priorities": {
            "description": "Numbers of the priorities for high, medium, low, with commas; empty: as Redmine decides",
            "format": "list",
            "each": "word",
        },
        "closed_status": {"description": "Number of the status when closed", "format": "integer", "default": 5},
        "open_status": {"description": "Number of the status when opened again", "format": "integer", "default": 2},
        "markup": {
            "description": "textile or markdown, as Redmine's settings say",
            "format": "choice",
            "choices": ["textile", "markdown"],
            "default": "textile",
        },
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, a note or closed",
}
del moduleconfig["params"]["labels"]
moduleconfig["params"]["assignee"] = {"description": "Number of the user who gets the issue; empty: as Redmine decides"}

MAX_SUBJECT = 255  # what Redmine answers to a longer one: "Subject is too long (maximum is 255 characters)"
MAX_DESCRIPTION = 60_000  # of 65,535 bytes where it runs on MySQL

ISSUE = {"method": "PUT", "path": "/issues/{id}.json"}  # answered with 204, also what the account may not change
READ = {"method": "GET", "path": "/issues/{id}.json"}
ABOUT = {"subject": cases.TITLE, "priority_id": cases.SEVERITY, "description": cases.ANY}
SEVERITIES = ("high", "medium", "low")


def decide(call):
    """Return the issue as this call wants it."""
    params = call.params
    if params.priorities and len(params.priorities) != len(SEVERITIES):
        raise ParameterError("Parameter 'priorities' must be three numbers: for high, medium and low.")
    style = "textile" if params.markup == "textile" else "forge"
    draft = cases.draft(call, style, MAX_SUBJECT, most_body=MAX_DESCRIPTION)
    told = {"subject": draft.title}
    told["description"] = f"{draft.body}\n\n{draft.line}"
    if params.priorities and draft.severity:
        told["priority_id"] = params.priorities[SEVERITIES.index(draft.severity)]
    more = {"tracker_id": params.tracker, "assigned_to_id": params.assignee}
    new = {**told, "project_id": params.project, **{name: value for name, value in more.items() if value}}
    if draft.fields:
        new["custom_fields"] = [{"id": number(name), "value": value} for name, value in draft.fields.items()]
    search = {"project_id": params.project, "status_id": "*", "description": f"~{draft.mark}", "sort": "id"}
    subject = {"expect": {"issue.subject": draft.title}, "facts": {"expect.issue.subject": cases.TITLE}}
    return draft.case(
        url=draft.server,
        service="Redmine",
        called="issue",
        scope=f"project {params.project}",
        headers={"X-Redmine-API-Key": params.api_key},
        error_at="errors",
        style=style,
        look=(cases.seek("/issues.json", search, "issues", "description", draft.line),),
        found_at="id",
        create=(cases.make("/issues.json", {"issue": new}, within="issue"),),
        id_at="id",
        update=(draft.changed(ISSUE, told, ABOUT, "json.issue"), {**READ, **subject}),
        comment=(cases.say(at="json.issue.notes", **ISSUE),),
        close=status(params.closed_status),
        reopen=status(params.open_status),
        page=f"{draft.server}/issues/{{id}}",
    )


def status(number):
    """Return the step that gives the issue a status, and sees that it has it."""
    return ({**ISSUE, "json": {"issue": {"status_id": number}}}, {**READ, "expect": {"issue.status.id": number}})


def number(name):
    """Return the number of a custom field, which is its name here."""
    found = whole_number(name)
    if found is None:
        raise ParameterError(f"Parameter 'custom_fields': “{name}” must be the number of a field of Redmine.")
    return found


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
