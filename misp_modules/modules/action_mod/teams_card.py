"""Post an Adaptive Card to a Teams channel or chat."""

from misp_workflow.action import Post, expose, fields, mentions, overflow

moduleinfo = {
    "version": "1.1",
    "name": "Teams card",
    "description": "Posts a card with title, TLP colour, facts and a button to a Teams channel, through Workflows.",
    "module-type": ["action"],
    "features": "Make the address in Teams: Workflows, 'Post to a channel when a webhook request is received'. (The "
    "connectors that MISP's own Teams node was made for are retired.) Power Automate answers that it has queued the "
    "card; whether Teams then shows it, only the flow's run history tells. Event text stays text.",
    "references": [
        "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using",
        "https://adaptivecards.io/explorer/",
    ],
}

moduleconfig = {
    "params": {
        "webhook_url": {
            "description": "Address of the workflow, with its signature (sig=…)",
            "format": "url",
            "required": True,
            "secret": True,
        },
        **fields.TITLE,
        **fields.MESSAGE,
        **fields.ABOUT,
        **fields.MENTION,
        **fields.OVERFLOW,
        **fields.PACE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

# A message may have 28,672 bytes as Teams stores it, and a card of 24,453 bytes was 28,897 there
# (https://github.com/MicrosoftDocs/msteams-docs/issues/11274): text may grow fourfold.
MAX_TEXT = 6_000
MAX_FACT = 300
MAX_TITLE = 300

TITLE = ("text", "weight", "size")
STYLES = {"red": "attention", "amber+strict": "warning", "amber": "warning", "green": "good", "clear": "emphasis"}


def decide(call):
    """Return the request that posts this call's card."""
    names = mentions.called(call, "Teams")
    whole = "json.attachments.0.content"
    title = f"{whole}.body.0.items.0"
    post = Post(
        url=call.params.webhook_url,
        service="Teams",
        json={"type": "message", "attachments": [card(call, content(call), names)]},
        expect_status=(202,),  # a workflow's yes; a connector says 200 to what it did not deliver, too
        error_at="error.message",
        digest=(*(f"{title}.{of}" for of in TITLE), f"{whole}.body.0.style", f"{whole}.body.1", f"{whole}.actions"),
        digest_limit=MAX_TEXT,
    )
    parts = overflow.parts(call, "teams", MAX_TEXT, "bytes") if call.params.message else []
    cards = [card(call, block(part), [] if place else names) for place, part in enumerate(parts)]
    return overflow.spread(post, [{"attachments": [one]} for one in cards])


def content(call):
    """Return the message, or the facts of the summary."""
    if call.params.message:
        return block(call.message("teams", MAX_TEXT, "bytes"))
    facts = [{"title": name, "value": value} for name, value in call.facts("teams", limit=MAX_FACT)]
    return {"type": "FactSet", "facts": facts}


def block(text):
    """Return a text of the card."""
    return {"type": "TextBlock", "wrap": True, "text": text}


def card(call, content, names):
    """Return the Adaptive Card: the title on the TLP's colour, the content, who is called, a button to the event."""
    title = {**block(call.title("teams", limit=MAX_TITLE)), "weight": "Bolder", "size": "Medium"}
    called = block(" ".join(f"<at>{name}</at>" for name in names))
    button = {"type": "Action.OpenUrl", "title": "Open the event in MISP", "url": call.link}
    made = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "Container", "style": STYLES.get(call.summary.tlp, "default"), "bleed": True, "items": [title]},
            content,
            *([called] if names else []),
        ],
        "actions": [button] if call.link else [],
        **({"msteams": {"entities": [entity(name) for name in names]}} if names else {}),
    }
    return {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": made}


def entity(name):
    """Return what makes a name in the card's text a call to the user of that sign-in address or object id."""
    return {"type": "mention", "text": f"<at>{name}</at>", "mentioned": {"id": name, "name": name}}


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
