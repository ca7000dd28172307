"""Post a message to a Slack channel."""

import re

from misp_workflow.action import ParameterError, Post, expose, fields, overflow

moduleinfo = {
    "version": "1.2",
    "name": "Slack message",
    "description": "Posts a message to a Slack channel, through an incoming webhook or with a bot token.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template. Event text stays text: "
    "mentions, links and markup in it are dead. Nothing selected means a summary of the event, never its attributes. "
    "With thread_per_event the first message about an event begins a thread, and the next ones follow in it; an "
    "incoming webhook does not tell which message it made, so this needs a bot_token. So does overflow attach, with "
    "files:write; the bot must be a member of the channel. A message with a file follows in a thread, and begins none.",
    "references": [
        "https://docs.slack.dev/reference/methods/chat.postMessage",
        "https://docs.slack.dev/reference/methods/files.getUploadURLExternal",
        "https://docs.slack.dev/reference/methods/files.completeUploadExternal",
    ],
}

moduleconfig = {
    "params": {
        "webhook_url": {"description": "Incoming webhook of the channel", "format": "url", "secret": True},
        "bot_token": {
            "description": "Bot token (xoxb-…) with chat:write, for files files:write, used with channel",
            "secret": True,
        },
        "channel": {"description": "Channel to post in (C0123ABC or #name; its id for a file), used with bot_token"},
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
        **fields.OVERFLOW_OR_FILE,
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
# Slack's own servers, too: https://github.com/slackapi/python-slack-sdk/issues/1730
RETRY_ON += ("file_update_failed",)


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
        if params.overflow == "attach":
            raise ParameterError(overflow.NO_FILE.format(service="Slack", wanted="'bot_token' and 'channel'"))
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
        thread_url=f"{params.server_url}/chat.postMessage",
        **shared,
    )
    return with_file(call, post) if params.overflow == "attach" else overflow.spread(post, parts)


def with_file(call, post):
    """Return the post, or when its message is too long the steps that bring all of it as a file and show both."""
    params = call.params
    if not re.fullmatch("[CDGZ][A-Z0-9]+", params.channel):
        raise ParameterError("Parameter 'channel': a file needs the channel's id (C0123ABC…), which its details name.")
    file = overflow.file(call, "", "slack", MAX_TEXT, calls="Slack")
    if not file:
        return post
    place = {name: value for name, value in post.json.items() if name == "thread_ts"}
    return overflow.behind(
        post,
        file,
        [
            {
                "url": f"{params.server_url}/files.getUploadURLExternal",
                "form": {"filename": file["name"]},
                "put": {"form.length": "length"},
                "take": {"url": "upload_url", "file": "file_id"},
            },
            # nobody but the API gets the token; any 200 says yes, and it is no JSON
            {"put": {"url": "url", "body": "content"}, "bearer": "", "expect": {}, "expect_status": (200,)},
        ],
        {
            "url": f"{params.server_url}/files.completeUploadExternal",
            "json": {
                "files": [{"id": "", "title": file["name"]}],
                "channel_id": params.channel,
                "initial_comment": post.json["text"],
                **place,
            },
            "put": {"json.files.0.id": "file"},
        },
    )


def blocks(call):
    """Return the summary as Slack draws it best: its title as a header, its facts below."""
    title = {"type": "plain_text", "text": call.title("plain", limit=MAX_HEADER), "emoji": False}
    facts = call.message("slack", limit=MAX_SECTION, titled=False, calls="Slack") or call.title("slack")
    return [
        {"type": "header", "text": title},
        {"type": "section", "text": {"type": "mrkdwn", "text": facts}},
    ]


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
