"""Post a message to a Slack channel."""

from misp_workflow.action import ParameterError, Post, expose, fields, overflow

moduleinfo = {
    "version": "1.1",
    "name": "Slack message",
    "description": "Posts a message to a Slack channel, through an incoming webhook or with a bot token.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template. Event text stays text: "
    "mentions, links and markup in it are dead. Nothing selected means a summary of the event, never its attributes. "
    "With thread_per_event the first message about an event begins a thread, and the next ones follow in it; an "
    "incoming webhook does not tell which message it made, so this needs a bot_token.",
    "references": ["https://docs.slack.dev/reference/methods/chat.postMessage"],
}

moduleconfig = {
    "params": {
        "webhook_url": {"description": "Incoming webhook of the channel", "format": "url", "secret": True},
        "bot_token": {"description": "Bot token (xoxb-…) with chat:write, used with channel", "secret": True},
        "channel": {"description": "Channel to post in (C0123ABC or #name), used with bot_token"},
        "reply_to_message": {
            "formerly": ["thread_ts"],
            "description": "Message to answer in its thread (1712345678.123456), used with bot_token",
        },
        "thread_per_event": {
            "description": "true: messages about one event form one thread, used with bot_token",
            "format": "boolean",
            "default": False,
        },
        "server_url": {"description": "Slack's API", "format": "url", "default": "https://slack.com/api"},
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

MAX_TEXT = 4_000  # https://docs.slack.dev/reference/methods/chat.postMessage#truncating
MAX_HEADER = 150  # https://docs.slack.dev/reference/block-kit/blocks/header-block
MAX_SECTION = 3_000  # https://docs.slack.dev/reference/block-kit/blocks/section-block

RETRY_ON = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")


def decide(call):
    """Return the request that posts this call's message."""
    params = call.params
    message = {
        "text": call.message("slack", limit=MAX_TEXT, calls="Slack"),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if not params.message:
        message["blocks"] = blocks(call)
    shared = {"service": "Slack", "error_at": "error", "retry_on": RETRY_ON}
    shared |= {"digest": ("json.text", "json.blocks"), "digest_limit": MAX_TEXT}
    parts = [{"text": part, "blocks": None} for part in overflow.parts(call, "slack", MAX_TEXT, calls="Slack")]
    if params.webhook_url:
        return overflow.spread(Post(url=params.webhook_url, json=message, expect_text="ok", **shared), parts)
    if not (params.bot_token and params.channel):
        raise ParameterError("Set either 'webhook_url', or 'bot_token' and 'channel'.")
    place = {"channel": params.channel, **({"thread_ts": params.reply_to_message} if params.reply_to_message else {})}
    post = Post(
        url=f"{params.server_url}/chat.postMessage",
        bearer=params.bot_token,
        json={**place, **message},
        expect={"ok": True},
        thread=f"{params.channel}/{call.thread}" if params.thread_per_event else "",
        thread_at="ts",
        thread_as="thread_ts",
        **shared,
    )
    return overflow.spread(post, parts)


def blocks(call):
    """Return the summary as Slack draws it best: its title as a header, its facts below."""
    title = {"type": "plain_text", "text": call.title("plain", limit=MAX_HEADER), "emoji": False}
    facts = call.message("slack", limit=MAX_SECTION, titled=False, calls="Slack") or call.title("slack")
    return [
        {"type": "header", "text": title},
        {"type": "section", "text": {"type": "mrkdwn", "text": facts}},
    ]


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
