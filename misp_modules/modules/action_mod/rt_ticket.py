"""Keep a ticket in Request Tracker."""

from misp_workflow.action import cases, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "RT ticket",
    "description": "Keeps one ticket per event in Request Tracker 5: opened once, then brought up to date.",
    "module-type": ["action"],
    "features": "The ticket refers to the event by a link (urn:uuid:…), by which it is found again. The priority "
    "follows the threat level. Nothing is mailed to a requestor: what is said are comments. docs/cases.md tells what "
    "all cases have in common.",
    "references": ["https://docs.bestpractical.com/rt/5.0/RT/REST2.html"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of RT", "required": True, "format": "url"},
        "queue": {"description": "Name of the queue", "default": "General"},
        "token": {"description": "Authentication token; or a user and password", "secret": True},
        "username": {"description": "Name to log in with"},
        "password": {"description": "Password to log in with", "secret": True},
        **fields.TLS,
        **fields.CASE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
    "updates": "yes",
    "withdraws": "yes, a comment or resolved",
}

MAX_SUBJECT = 200  # bytes; RT cuts what is longer without a word (seen on RT 5.0.3)
MAX_CONTENT = 100_000  # far below $MaxAttachmentSize of 10,000,000

PLAIN = {"ContentType": "text/plain"}
READ = {"method": "GET", "path": "/ticket/{id}", "gone": {"Status": "deleted"}}
TICKET = {"method": "PUT", "path": "/ticket/{id}", "told": "0"}  # 200 also when it keeps what it had: it is read back
UNSEEN = "a ticket was found, but not what it refers to (_hyperlinks, as RT 5.0.3 shows it): none is made or changed"
ABOUT = {"Subject": cases.TITLE, "Priority": cases.SEVERITY}
PRIORITIES = {"high": 90, "medium": 50, "low": 10}


def decide(call):
    """Return the ticket as this call wants it."""
    params = call.params
    draft = cases.draft(call, "plain", MAX_SUBJECT, "bytes", MAX_CONTENT)
    place = f"Queue = {quoted(params.queue)} AND RefersTo = {quoted(draft.mark)}"
    search = {"query": place, "orderby": "id", "fields": "_hyperlinks"}
    title, owner = {"Subject": draft.title}, {"Owner": params.assignee} if params.assignee else {}
    priority = {"Priority": PRIORITIES[draft.severity]} if draft.severity else {}
    new = {**title, **priority, **owner, "Queue": params.queue, "Content": draft.body, **PLAIN}
    if draft.fields:
        new["CustomFields"] = dict(draft.fields)
    return draft.case(
        url=f"{draft.server}/REST/2.0",
        service="RT",
        called="ticket",
        scope=f"queue {params.queue}",
        headers={"Authorization": f"token {params.token}"} if params.token else {},
        basic=(params.username, params.password) if params.username and not params.token else None,
        error_at="message",
        look=(cases.seek("/tickets", search, "items", "_hyperlinks[]._url", draft.mark, silent=UNSEEN),),
        found_at="id",
        create=(
            cases.make("/ticket", {**new, "RefersTo": [draft.mark]}),
            {**READ, "wish": {"Owner.id": params.assignee} if owner else {}},
        ),
        id_at="id",
        update=(
            draft.changed(TICKET, {**title, **priority}, ABOUT),
            {**READ, "expect": title, "facts": {"expect.Subject": cases.TITLE}},
        ),
        comment=(READ, cases.say("/ticket/{id}/comment", "json.Content", beside=PLAIN, expect_status=[201])),
        close=status("resolved"),
        reopen=status("open"),
        page=f"{draft.server}/Ticket/Display.html?id={{id}}",
    )


def status(name):
    """Return the step that gives the ticket a status, and sees that it has it."""
    return ({**TICKET, "json": {"Status": name}}, {**READ, "expect": {"Status": name}})


def quoted(text):
    """Return a text as RT's search language quotes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
