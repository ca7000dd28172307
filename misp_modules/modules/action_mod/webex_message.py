"""Post a message to a Webex space."""

from misp_workflow.action import Post, expose, fields, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Webex message",
    "description": "Posts a message from a bot to a Webex space.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Webex's Markdown. Event text "
    "stays text: mentions, links and markup in it are dead.",
    "references": ["https://developer.webex.com/docs/api/v1/messages/create-a-message"],
}

moduleconfig = {
    "params": {
        "access_token": {"description": "Access token of the bot", "required": True, "secret": True},
        "room_id": {"description": "Id of the space; the bot must be a member", "required": True},
        "server_url": {"description": "Webex's API", "format": "url", "default": "https://webexapis.com/v1"},
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

MAX_MESSAGE = 7_439  # bytes, https://developer.webex.com/docs/api/v1/messages/create-a-message


def decide(call):
    """Return the request that posts this call's message."""
    params = call.params
    post = Post(
        url=f"{params.server_url}/messages",
        service="Webex",
        bearer=params.access_token,
        json={"roomId": params.room_id, "markdown": call.message("markdown", MAX_MESSAGE, "bytes", calls="Webex")},
        expect_fields=("id",),
        error_at="message",
        digest=("json.markdown",),
        digest_limit=MAX_MESSAGE // 4,  # a character can have four bytes
    )
    parts = overflow.parts(call, "markdown", MAX_MESSAGE, "bytes", calls="Webex")
    return overflow.spread(post, [{"markdown": part} for part in parts])


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
