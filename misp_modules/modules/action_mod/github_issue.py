"""Keep an issue in a GitHub repository."""

from urllib.parse import quote

from misp_workflow.action import Receipt, cases, expose, fields

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
STYLES = {"title_style": "forge_title", "fields_style": "forge"}


def decide(call):
    """Return the issue as this call wants it."""
    params = call.params
    draft = cases.draft(call, "forge", MAX_TITLE, most_body=MAX_BODY, **STYLES)
    if isinstance(draft, Receipt):
        return draft
    described = f"{draft.body}\n{draft.lines('- ')}\n\nMISP event: {draft.mark}"
    severity = [f"severity:{draft.severity}"] if draft.severity else []
    new = {"title": draft.title, "body": described, "labels": [*params.labels, *severity]}
    if params.assignee:
        new["assignees"] = [params.assignee]
    issues = f"/repos/{quote(params.repository)}/issues"
    search = {"q": f'"{draft.mark}" in:body is:issue repo:{params.repository}'}
    server = params.server_url.rstrip("/")
    people = "https://github.com" if server == "https://api.github.com" else server.removesuffix("/api/v3")
    return draft.case(
        url=server,
        service="GitHub",
        called="issue",
        scope=f"repository {params.repository}",
        bearer=params.token,
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        verify_tls=params.verify_tls,
        ca_file=params.ca_file,
        error_at="errors.0.message|message",
        style="forge",
        look=(
            {"method": "GET", "path": issues, "query": LATEST, "among": ["", "body", draft.mark]},
            {"method": "GET", "path": "/search/issues", "query": search, "among": ["items", "body", draft.mark]},
        ),
        found_at="number",
        create=(
            {
                "path": issues,
                "json": new,
                "expect_status": [201],
                "expect_fields": ["number"],
                "wish": {"assignees.0.login": params.assignee} if params.assignee else {},
            },
        ),
        id_at="number",
        update=(changed(issues, draft, described),),
        comment=(
            {
                "path": f"{issues}/{{id}}/comments",
                "json": {"body": ""},
                "put": {"json.body": "comment"},
                "expect_status": [201],
            },
        ),
        close=state(issues, "closed"),
        reopen=state(issues, "open"),
        page=f"{people}/{params.repository}/issues/{{id}}",
    )


def changed(issues, draft, described):
    """Return the request that sets what changed; the description only when all of the event is known."""
    values, facts = {"title": draft.title}, {"json.title": cases.TITLE}
    if draft.whole:
        values["body"], facts["json.body"] = described, cases.ANY
    return {"method": "PATCH", "path": f"{issues}/{{id}}", "json": values, "facts": facts}


def state(issues, wanted):
    """Return the step that closes or opens the issue."""
    return ({"method": "PATCH", "path": f"{issues}/{{id}}", "json": {"state": wanted}, "expect": {"state": wanted}},)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
