"""Post a message to a Google Chat space."""

from misp_workflow.action import Post, expose, fields, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Google Chat message",
    "description": "Posts a message to a Google Chat space; all messages about one event share a thread.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Google Chat's markup. Event "
    "text stays text: mentions and links in it are dead. A repeated try carries the same request id, so that Google "
    "does not post it twice.",
    "references": [
        "https://developers.google.com/workspace/chat/quickstart/webhooks",
        "https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create",
    ],
}

moduleconfig = {
    "params": {
        "webhook_url": {
            "description": "Webhook of the space, with its key and token",
            "format": "url",
            "required": True,
            "secret": True,
        },
        "thread_per_event": {
            "formerly": ["threads"],
            "description": "true: messages about one event form one thread",
            "format": "boolean",
            "default": True,
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

# A message may have 32,000 bytes, whatever it is made of: JSON may need two for one.
# https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create
MAX_TEXT = 15_000


def decide(call):
    """Return the request that posts this call's message."""
    content = {"text": call.message("googlechat", MAX_TEXT, "bytes", calls="Google Chat")}
    query = {}
    if call.params.thread_per_event:
        content["thread"] = {"threadKey": call.thread}
        query["messageReplyOption"] = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    post = Post(
        url=call.params.webhook_url,
        service="Google Chat",
        query=query,
        key_at="query:requestId",
        json=content,
        expect_fields=("name",),
        error_at="error.message",
        digest=("json.text",),
        digest_limit=MAX_TEXT // 4,  # a character can have four bytes
    )
    parts = overflow.parts(call, "googlechat", MAX_TEXT, "bytes", calls="Google Chat")
    return overflow.spread(post, [{"text": part} for part in parts])


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
