"""Post a message to a Slack channel."""

from misp_workflow.action import ParameterError, Post, expose, fields

moduleinfo = {
    "version": "1.0",
    "name": "Slack message",
    "description": "Posts a message to a Slack channel, through an incoming webhook or with a bot token.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template. Event text stays text: "
    "mentions, links and markup in it are dead. Nothing selected means a summary of the event, never its attributes.",
    "references": ["https://docs.slack.dev/reference/methods/chat.postMessage"],
}

moduleconfig = {
    "params": {
        "webhook_url": {"description": "Incoming webhook of the channel", "format": "url", "secret": True},
        "bot_token": {"description": "Bot token (xoxb-…) with chat:write, used with channel", "secret": True},
        "channel": {"description": "Channel to post in (C0123ABC or #name), used with bot_token"},
        "server_url": {"description": "Slack's API", "format": "url", "default": "https://slack.com/api"},
        **fields.MESSAGE,
        **fields.DESTINATION,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

MAX_TEXT = 4_000  # https://docs.slack.dev/reference/methods/chat.postMessage#truncating

RETRY_ON = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")


def decide(call):
    """Return the request that posts this call's message."""
    params = call.params
    message = {"text": call.message("slack", limit=MAX_TEXT), "unfurl_links": False, "unfurl_media": False}
    if params.webhook_url:
        return Post(
            url=params.webhook_url,
            service="Slack",
            json=message,
            refuse={"ok": False},
            error_at="error",
            retry_on=RETRY_ON,
        )
    if not (params.bot_token and params.channel):
        raise ParameterError("Set either 'webhook_url', or 'bot_token' and 'channel'.")
    return Post(
        url=f"{params.server_url}/chat.postMessage",
        service="Slack",
        bearer=params.bot_token,
        json={"channel": params.channel, **message},
        expect={"ok": True},
        error_at="error",
        retry_on=RETRY_ON,
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
