"""Keep a case in FlowIntel."""

from misp_workflow.action import cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "FlowIntel case",
    "description": "Keeps one case per event in FlowIntel: made from the event, then brought up to date.",
    "module-type": ["action"],
    "features": "FlowIntel makes MISP objects and the tags that it knows from the event; attributes stand in the "
    "description, later ones in the note. The ticket id is the event's (urn:uuid:…); part of the uuid ends the title, "
    "as titles are unique there, and all that its search finds. docs/cases.md tells what all cases have in common.",
    "references": ["https://github.com/flowintel/flowintel"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of FlowIntel", "required": True, "format": "url"},
        "api_key": {"description": "API key of a user who is editor and MISP editor", "required": True, "secret": True},
        "private": {
            "description": "true: only the organisations of the case see it",
            "format": "boolean",
            "default": True,
        },
        "close_status": {"description": "Number of the status when closed", "format": "integer", "default": 6},
        "open_status": {"description": "Number of the status when opened again", "format": "integer", "default": 2},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, a note or Finished",
}
for name in ("assignee", "labels", "severity"):
    del moduleconfig["params"][name]

MAX_TITLE = 200  # FlowIntel has no limit; nobody reads more
MAX_DESCRIPTION = 60_000

TOLD = ("uuid", "info", "Tag", "Galaxy", "Object")
"""What of the event FlowIntel makes something of."""
ABOUT = {"title": cases.TITLE, "description": cases.ANY}


def decide(call):
    """Return the case as this call wants it."""
    params = call.params
    draft = cases.draft(call, "markdown", MAX_TITLE, most_body=MAX_DESCRIPTION, title_style="text")
    short = draft.event.partition("-")[0]
    title = f"{draft.title} ({short})"
    new = {"title": title, "description": f"{draft.body}\n{draft.lines('- ')}".rstrip()}
    event = {name: call.view.event[name] for name in TOLD if call.view.event.get(name)}
    more = {"event": {"Event": event}, "ticket_id": draft.mark, "is_private": params.private}
    read = {"method": "GET", "path": "/{id}"}
    return draft.case(
        url=f"{draft.server}/api/case",
        service="FlowIntel",
        called="case",
        headers={"X-API-KEY": params.api_key},
        error_at="message",
        style="markdown",
        look=(
            cases.seek("/search", {}, "cases", "ticket_id", draft.mark, method="POST", json={"search": short}),
            # completed ones, which the search does not know
            {
                "path": "/title",
                "json": {"title": title},
                "expect_status": [200, 404],
                "among": ["", "ticket_id", draft.mark],
                "alone": True,
            },
        ),
        found_at="id",
        create=(cases.make("/create_with_event", {**new, **more}, "case_id"),),
        id_at="case_id",
        update=(draft.changed({"path": "/{id}/edit"}, new, ABOUT),),
        comment=(cases.say("/{id}/append_case_note", "json.note", "addition"),),
        close=status(params.close_status, read),
        reopen=status(params.open_status, read),
        page=f"{draft.server}/case/{{id}}",
    )


def status(number, read):
    """Return the step that gives the case a status, and sees that it has it."""
    wanted = {"status_id": number}
    return ({"path": "/{id}/change_status", "json": wanted}, {**read, "expect": wanted})


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
