"""Post a message to a Rocket.Chat channel."""

from misp_workflow.action import ParameterError, Post, expose, fields, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Rocket.Chat message",
    "description": "Posts a message to a Rocket.Chat channel, through an incoming integration or with a user's token.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Rocket.Chat's markup. Event "
    "text stays text: mentions, links and markup in it are dead.",
    "references": [
        "https://docs.rocket.chat/docs/integrations",
        "https://developer.rocket.chat/apidocs/post-message",
    ],
}

moduleconfig = {
    "params": {
        "webhook_url": {"description": "Address of the incoming integration", "format": "url", "secret": True},
        "server_url": {"description": "Address of Rocket.Chat, used with user_id, token and channel", "format": "url"},
        "user_id": {"description": "Id of the user who posts, used with token"},
        "token": {"description": "Personal access token of that user", "secret": True},
        "channel": {"description": "Channel to post in (#name), used with token"},
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

# The server's own default (Message_MaxAllowedSize): https://docs.rocket.chat/docs/message
MAX_MESSAGE = 5_000


def decide(call):
    """Return the request that posts this call's message."""
    params, message = call.params, call.message("rocketchat", limit=MAX_MESSAGE, calls="Rocket.Chat")
    parts = [{"text": part} for part in overflow.parts(call, "rocketchat", MAX_MESSAGE, calls="Rocket.Chat")]
    shared = {
        "service": "Rocket.Chat",
        "expect": {"success": True},
        "error_at": "error",
        "digest": ("json.text",),
        "digest_limit": MAX_MESSAGE,
    }
    if params.webhook_url:
        return overflow.spread(Post(url=params.webhook_url, json={"text": message}, **shared), parts)
    if not (params.server_url and params.user_id and params.token and params.channel):
        raise ParameterError("Set either 'webhook_url', or 'server_url', 'user_id', 'token' and 'channel'.")
    post = Post(
        url=f"{params.server_url}/api/v1/chat.postMessage",
        headers={"X-User-Id": params.user_id, "X-Auth-Token": params.token},
        json={"channel": params.channel, "text": message},
        **shared,
    )
    return overflow.spread(post, parts)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
