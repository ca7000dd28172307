"""Send a message to a Zulip channel."""

from misp_workflow.action import Post, expose, fields, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Zulip message",
    "description": "Sends a message to a Zulip channel; each event has a topic of its own.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Zulip's Markdown. Event text "
    "stays text: mentions, links and markup in it are dead.",
    "references": ["https://zulip.com/api/send-message"],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of the Zulip organisation", "format": "url", "required": True},
        "bot_email": {"description": "E-mail address of the bot", "required": True},
        "api_key": {"description": "API key of the bot", "required": True, "secret": True},
        "channel": {"description": "Name of the channel", "required": True},
        "topic": {
            "description": "Topic as a Jinja template; empty: the event, such as 'Event 56'",
            "template": True,
        },
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

MAX_CONTENT = 10_000  # https://zulip.com/api/send-message
MAX_TOPIC = 60  # the same page


def decide(call):
    """Return the request that sends this call's message."""
    params = call.params
    post = Post(
        url=f"{params.server_url}/api/v1/messages",
        service="Zulip",
        basic=(params.bot_email, params.api_key),
        form={
            "type": "stream",
            "to": params.channel,
            "topic": call.line("topic", call.conversation, style="plain", limit=MAX_TOPIC),
            "content": call.message("zulip", limit=MAX_CONTENT, calls="Zulip"),
        },
        expect={"result": "success"},
        error_at="msg",
        retry_after_at="retry-after",
        digest=("form.content",),
        digest_limit=MAX_CONTENT,
    )
    parts = overflow.parts(call, "zulip", MAX_CONTENT, calls="Zulip")
    return overflow.spread(post, [{"content": part} for part in parts])


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
