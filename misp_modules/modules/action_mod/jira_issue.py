"""Keep an issue in Jira."""

from misp_workflow.action import ParameterError, cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "Jira issue",
    "description": "Keeps one issue per event in a Jira project, Cloud or Data Center: opened once, then kept up.",
    "module-type": ["action"],
    "features": "A label holds the event's uuid (misp-…), by which the issue is found again. Cloud gets Atlassian's "
    "document format, in which no event text is markup; Data Center its wiki markup, escaped. Closing and opening are "
    "transitions of your workflow, by name. docs/cases.md tells what all cases have in common.",
    "references": [
        "https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/",
        "https://developer.atlassian.com/server/jira/platform/rest-apis/",
        "https://developer.atlassian.com/cloud/jira/platform/rate-limiting/",
    ],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of Jira", "required": True, "format": "url"},
        "deployment": {
            "description": "cloud: API v3; datacenter: API v2",
            "format": "choice",
            "choices": ["cloud", "datacenter"],
            "default": "cloud",
        },
        "username": {"description": "Mail address of the account (Cloud); empty: the token alone (Data Center)"},
        "token": {"description": "API token, or personal access token", "required": True, "secret": True},
        "project": {"description": "Key of the project, such as SOC", "required": True},
        "issue_type": {"description": "Name of the issue type", "default": "Task"},
        "priority": {
            "description": "severity: by the threat level (High, Medium, Low); no: as the project says",
            "format": "choice",
            "choices": ["severity", "no"],
            "default": "no",
        },
        "close_transition": {"description": "Name of the transition that closes", "default": "Done"},
        "reopen_transition": {"description": "Name of the transition that opens again", "default": "To Do"},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, a comment or a transition",
}

MAX_SUMMARY = 255  # what Jira answers to a longer one
MAX_DESCRIPTION = 32_000  # of 32,767, which counts the document's own marks, too

LAG = {"cloud": 60.0, "datacenter": 10.0}  # seconds until a search finds a new issue: Cloud's is consistent in the end
ISSUE = {"method": "PUT", "path": "/issue/{id}", "expect_status": [204]}
ABOUT = {"summary": cases.TITLE, "priority": cases.SEVERITY, "description": cases.ANY}
PRIORITIES = {"high": "High", "medium": "Medium", "low": "Low"}


def decide(call):
    """Return the issue as this call wants it."""
    params = call.params
    if '"' in params.project or "\\" in params.project:
        raise ParameterError("Parameter 'project' must be the project's key, such as SOC.")
    cloud = params.deployment == "cloud"
    draft = cases.draft(call, "plain" if cloud else "wiki", MAX_SUMMARY, most_body=MAX_DESCRIPTION)
    mark, said = f"misp-{draft.event}", "document" if cloud else "comment"
    told = {"summary": draft.title, "description": cases.document(draft.body) if cloud else draft.body}
    if params.priority == "severity" and draft.severity:
        told["priority"] = {"name": PRIORITIES[draft.severity]}
    new = {**told, "project": {"key": params.project}, "issuetype": {"name": params.issue_type}}
    new |= {"labels": [*params.labels, mark], **draft.fields}
    if params.assignee:
        new["assignee"] = {"id" if cloud else "name": params.assignee}
    jql = f'project = "{params.project}" AND labels = "{mark}" ORDER BY created ASC'
    search = {"jql": jql, "fields": "labels", "maxResults": "1"}
    return draft.case(
        url=f"{draft.server}/rest/api/{'3' if cloud else '2'}",
        service="Jira",
        called="issue",
        scope=f"project {params.project}",
        bearer="" if params.username else params.token,
        basic=(params.username, params.token) if params.username else None,
        headers={"Accept": "application/json"},
        error_at="errorMessages.0|errors|message",
        style="plain" if cloud else "wiki",
        lag=LAG[params.deployment],
        look=(cases.seek("/search/jql" if cloud else "/search", search, "issues", "fields.labels", mark),),
        found_at="key",
        create=(cases.make("/issue", {"fields": new}, "key"),),
        id_at="key",
        update=(draft.changed(ISSUE, told, ABOUT, "json.fields"),),
        comment=(cases.say(f"{ISSUE['path']}/comment", "json.body", said, expect_status=[201]),),
        close=transition(params.close_transition),
        reopen=transition(params.reopen_transition),
        page=f"{draft.server}/browse/{{id}}",
    )


def transition(name):
    """Return the step that takes a transition, whose number the workflow says."""
    path, missing = f"{ISSUE['path']}/transitions", f"there is no transition “{name}” from where the issue is"
    return (
        {"method": "GET", "path": path, "among": ["transitions", "name", name], "missing": missing},
        cases.say(path, "json.transition.id", "before.id", expect_status=[204]),
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
