"""Post a message to a Discord channel."""

from misp_workflow.action import Post, expose, fields, mentions, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Discord message",
    "description": "Posts a message, edged in the TLP's colour, to a Discord channel.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Discord's Markdown. Event "
    "text stays text and mentions nobody.",
    "references": ["https://docs.discord.com/developers/resources/webhook#execute-webhook"],
}

moduleconfig = {
    "params": {
        "webhook_url": {"description": "Webhook of the channel", "format": "url", "required": True, "secret": True},
        "thread_id": {"description": "Id of a thread of that channel; empty: the channel itself"},
        **fields.MESSAGE,
        **fields.ABOUT,
        **fields.MENTION,
        **fields.OVERFLOW_OR_FILE,
        **fields.PACE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

MAX_DESCRIPTION = 4_096  # https://docs.discord.com/developers/resources/message#embed-object-embed-limits


def decide(call):
    """Return the request that posts this call's message."""
    params = call.params
    embed = {"description": call.message("discord", limit=MAX_DESCRIPTION), "color": call.colour}
    file = overflow.file(call, "files[0]", "discord", MAX_DESCRIPTION)
    post = Post(
        url=params.webhook_url,
        service="Discord",
        # without wait, Discord answers 204 also for a message that it then does not store
        query={"wait": "true", **({"thread_id": params.thread_id} if params.thread_id else {})},
        json={"embeds": [embed], **calling(call)},
        file={**file, "json_in": "payload_json"} if file else {},
        expect_fields=("id",),
        error_at="message",
        retry_after_at="retry_after",
        digest=("json.embeds.0.description", "json.embeds.0.color", "file"),
        digest_limit=MAX_DESCRIPTION,
    )
    parts = [{"embeds": [{**embed, "description": part}]} for part in overflow.parts(call, "discord", MAX_DESCRIPTION)]
    later = {"content": None, "allowed_mentions": {"parse": []}}  # the first one calls
    return overflow.spread(post, [*parts[:1], *({**part, **later} for part in parts[1:])])


def calling(call):
    """Return who is called, outside the embed, which calls nobody; Discord heeds the kinds only that are called."""
    called = mentions.called(call, "Discord")
    kinds = {"@": "everyone", "<@&": "roles", "<@": "users"}  # by how a name begins
    heeded = {next(kinds[mark] for mark in kinds if name.startswith(mark)) for name in called}
    return {"allowed_mentions": {"parse": sorted(heeded)}, **({"content": " ".join(called)} if called else {})}


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
