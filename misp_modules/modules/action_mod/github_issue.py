"""Keep an issue in a GitHub repository."""

from urllib.parse import quote

from misp_workflow.action import cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "GitHub issue",
    "description": "Keeps one issue per event in a GitHub repository: opened once, then brought up to date.",
    "module-type": ["action"],
    "features": "The description ends with a line by which the issue is found again (urn:uuid:…): first among the "
    "repository's latest hundred issues, because GitHub's search learns of an issue late, then by that search. Event "
    "text mentions nobody and links no other issue. docs/cases.md tells what all cases have in common.",
    "references": ["https://docs.github.com/rest/issues/issues", "https://docs.github.com/rest/search/search"],
}

moduleconfig = {
    "params": {
        "server_url": {
            "description": "GitHub's API; of an Enterprise Server https://HOST/api/v3",
            "format": "url",
            "default": "https://api.github.com",
        },
        "repository": {"description": "Repository: OWNER/NAME", "required": True},
        "token": {"description": "Token that may write issues", "required": True, "secret": True},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, a comment or closed",
}

MAX_TITLE = 256  # what GitHub answers to a longer one: "title is too long (maximum is 256 characters)"
MAX_BODY = 65_000  # of 65,536, the mark beside

LATEST = {"state": "all", "sort": "created", "direction": "desc", "per_page": "100"}
ABOUT = {"title": cases.TITLE, "body": cases.ANY}
STYLES = {"title_style": "forge_title", "fields_style": "forge"}


def decide(call):
    """Return the issue as this call wants it."""
    params = call.params
    draft = cases.draft(call, "forge", MAX_TITLE, most_body=MAX_BODY, **STYLES)
    described = f"{draft.body}\n{draft.lines('- ')}\n\n{draft.line}"
    severity = [f"severity:{draft.severity}"] if draft.severity else []
    new = {"title": draft.title, "body": described, "labels": [*params.labels, *severity]}
    if params.assignee:
        new["assignees"] = [params.assignee]
    issues = f"/repos/{quote(params.repository)}/issues"
    issue = {"method": "PATCH", "path": f"{issues}/{{id}}"}
    search = {"q": f'"{draft.mark}" in:body is:issue repo:{params.repository}'}
    server = draft.server
    people = "https://github.com" if server == "https://api.github.com" else server.removesuffix("/api/v3")
    return draft.case(
        url=server,
        service="GitHub",
        called="issue",
        scope=f"repository {params.repository}",
        bearer=params.token,
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        error_at="errors.0.message|message",
        style="forge",
        look=(
            cases.seek(issues, LATEST, "", "body", draft.line),
            cases.seek("/search/issues", search, "items", "body", draft.line),
        ),
        found_at="number",
        create=(
            cases.make(issues, new, "number", wish={"assignees.0.login": params.assignee} if params.assignee else {}),
        ),
        id_at="number",
        update=(draft.changed(issue, {"title": draft.title, "body": described}, ABOUT),),
        comment=(cases.say(f"{issues}/{{id}}/comments", "json.body", expect_status=[201]),),
        close=({**issue, "json": {"state": "closed"}, "expect": {"state": "closed"}},),
        reopen=({**issue, "json": {"state": "open"}, "expect": {"state": "open"}},),
        page=f"{people}/{params.repository}/issues/{{id}}",
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
