"""Keep an issue in a GitLab project."""

from urllib.parse import quote

from misp_workflow.action import cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "GitLab issue",
    "description": "Keeps one issue per event in a GitLab project: opened once, then brought up to date.",
    "module-type": ["action"],
    "features": "The description ends with a line that a search finds again (urn:uuid:…). Event text mentions nobody, "
    "links no other issue and gives GitLab no orders. docs/cases.md tells what all cases have in common.",
    "references": ["https://docs.gitlab.com/api/issues/", "https://docs.gitlab.com/api/notes/"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of GitLab", "format": "url", "default": "https://gitlab.com"},
        "project": {"description": "Number of the project, or its path: group/project", "required": True},
        "token": {"description": "Access token with the scope api", "required": True, "secret": True},
        "confidential": {
            "description": "true: only members of the project with a role see the issue",
            "format": "boolean",
            "default": True,
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
moduleconfig["params"]["assignee"] = {"description": "Number of the user who gets the issue; empty: nobody"}

MAX_TITLE = 255  # https://docs.gitlab.com/api/issues/#new-issue
MAX_DESCRIPTION = 100_000  # of 1,048,576; nobody reads more

SEVERITIES = ("high", "medium", "low")
ABOUT = {
    "title": cases.TITLE,
    "description": cases.ANY,
    "add_labels": cases.SEVERITY,
    "remove_labels": cases.SEVERITY,
}
STYLES = {"title_style": "forge_title", "fields_style": "forge"}


def decide(call):
    """Return the issue as this call wants it."""
    params = call.params
    draft = cases.draft(call, "forge", MAX_TITLE, most_body=MAX_DESCRIPTION, **STYLES)
    described = f"{draft.body}\n{draft.lines('- ')}\n\n{draft.line}"
    severity = f"severity:{draft.severity}" if draft.severity else ""
    new = {"title": draft.title, "description": described, "confidential": params.confidential}
    new["labels"] = ",".join(filter(None, [*params.labels, severity]))
    if params.assignee:
        new["assignee_ids"] = [params.assignee]
    search = {"search": draft.mark, "in": "description", "scope": "all", "order_by": "created_at", "sort": "asc"}
    return draft.case(
        url=f"{draft.server}/api/v4/projects/{quote(params.project, safe='')}/issues",
        service="GitLab",
        called="issue",
        scope=f"project {params.project}",
        headers={"PRIVATE-TOKEN": params.token},
        error_at="message|error",
        style="forge",
        look=(cases.seek("", search, "", "description", draft.line),),
        found_at="iid",
        create=(cases.make("", new, "iid"),),
        id_at="iid",
        update=(changed(draft, described, severity),),
        comment=(cases.say("/{id}/notes", "json.body", expect_status=[201]),),
        close=state("close", "closed"),
        reopen=state("reopen", "opened"),
        page=f"{draft.server}{'' if params.project.isdigit() else f'/{params.project}'}/-/issues/{{id}}",
    )


def changed(draft, described, severity):
    """Return the request that sets what changed; of the labels, the severity's."""
    values = {"title": draft.title, "description": described}
    if severity:
        others = ",".join(f"severity:{name}" for name in SEVERITIES if name != draft.severity)
        values |= {"add_labels": severity, "remove_labels": others}
    return draft.changed({"method": "PUT", "path": "/{id}"}, values, ABOUT)


def state(event, wanted):
    """Return the step that closes or opens the issue."""
    return ({"method": "PUT", "path": "/{id}", "json": {"state_event": event}, "expect": {"state": wanted}},)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
