"""Post a message to a Mattermost channel."""

from misp_workflow.action import ParameterError, Post, expose, fields, overflow

moduleinfo = {
    "version": "1.1",
    "name": "Mattermost message",
    "description": "Posts a message to a Mattermost channel, through an incoming webhook or with a bot's token.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Mattermost's Markdown. Event "
    "text stays text: mentions, links and markup in it are dead. overflow attach needs a bot's token.",
    "references": [
        "https://developers.mattermost.com/integrate/webhooks/incoming/",
        "https://api.mattermost.com/#tag/posts/operation/CreatePost",
        "https://api.mattermost.com/#tag/files/operation/UploadFile",
    ],
}

moduleconfig = {
    "params": {
        "webhook_url": {"description": "Incoming webhook of the channel", "format": "url", "secret": True},
        "server_url": {"description": "Address of Mattermost, used with token and channel_id", "format": "url"},
        "token": {"description": "Access token of a bot that may post in the channel", "secret": True},
        "channel_id": {"description": "Id of the channel (26 letters and digits), used with token"},
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

MAX_MESSAGE = 16_383  # https://developers.mattermost.com/integrate/webhooks/incoming/#tips-and-best-practices


def decide(call):
    """Return the request that posts this call's message."""
    params, message = call.params, call.message("markdown", limit=MAX_MESSAGE, calls="Mattermost")
    parts = overflow.parts(call, "markdown", MAX_MESSAGE, calls="Mattermost")
    shared = {"service": "Mattermost", "error_at": "message", "digest_limit": MAX_MESSAGE}
    if params.webhook_url:
        if params.overflow == "attach":
            wanted = "'server_url', 'token' and 'channel_id'"
            raise ParameterError(overflow.NO_FILE.format(service="Mattermost", wanted=wanted))
        # the whole answer to a webhook is "ok"; a page that says something else comes from somebody else
        content = {"json": {"text": message}, "digest": ("json.text",), "expect_text": "ok"}
        return overflow.spread(Post(url=params.webhook_url, **content, **shared), [{"text": part} for part in parts])
    if not (params.server_url and params.token and params.channel_id):
        raise ParameterError("Set either 'webhook_url', or 'server_url', 'token' and 'channel_id'.")
    post = Post(
        url=f"{params.server_url}/api/v4/posts",
        bearer=params.token,
        json={"channel_id": params.channel_id, "message": message},
        expect_status=(201,),
        expect_fields=("id",),
        digest=("json.message",),
        **shared,
    )
    file = overflow.file(call, "", "markdown", MAX_MESSAGE, calls="Mattermost")
    if not file:
        return overflow.spread(post, [{"message": part} for part in parts])
    upload = {
        "url": f"{params.server_url}/api/v4/files",
        "query": {"channel_id": params.channel_id, "filename": file["name"]},
        "put": {"body": "content"},
        "take": {"file": "file_infos.0.id"},
    }
    shown = {"json": {**post.json, "file_ids": [""]}, "put": {"json.file_ids.0": "file"}}
    return overflow.behind(post, file, [upload], shown)


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
