"""Post a message to a Nextcloud Talk conversation."""

import hashlib
import hmac
from urllib.parse import quote

from misp_workflow.action import Post, expose, fields, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Nextcloud Talk message",
    "description": "Posts a message to a chat of Nextcloud Talk, as a bot or as a user.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template in Markdown. Event text stays "
    "text. As a bot, no password travels: the message is signed with the secret that 'occ talk:bot:install' was given.",
    "references": [
        "https://nextcloud-talk.readthedocs.io/en/latest/bots/#sending-a-chat-message",
        "https://nextcloud-talk.readthedocs.io/en/latest/chat/#sending-a-new-chat-message",
    ],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of Nextcloud", "format": "url", "required": True},
        "conversation": {
            "description": "Token of the conversation, the end of its address (…/call/TOKEN)",
            "required": True,
        },
        "username": {"description": "User who posts; empty: a bot posts"},
        "password": {
            "description": "Shared secret of the bot; with a username, an app password of that user",
            "required": True,
            "secret": True,
        },
        **fields.MESSAGE,
        **fields.ABOUT,
        **fields.OVERFLOW,
        **fields.PACE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

MAX_MESSAGE = 32_000  # https://nextcloud-talk.readthedocs.io/en/latest/bots/#sending-a-chat-message


def decide(call):
    """Return the request that posts this call's message."""
    params = call.params
    room = quote(params.conversation, safe="")
    message = call.message("markdown", limit=MAX_MESSAGE)
    api = f"{params.server_url}/ocs/v2.php/apps/spreed/api/v1"
    headers = {"OCS-APIRequest": "true", "Accept": "application/json"}
    shared = {
        "service": "Nextcloud Talk",
        "json": {"message": message},
        "key_at": "json:referenceId",
        "expect_status": (201,),
        "error_at": "ocs.data.error",
    }
    parts = [{"message": part} for part in overflow.parts(call, "markdown", MAX_MESSAGE)]
    if params.username:
        login = (params.username, params.password)
        digest = {"digest": ("json.message",), "digest_limit": MAX_MESSAGE}
        post = Post(url=f"{api}/chat/{room}", basic=login, headers=headers, **digest, **shared)
        return overflow.spread(post, parts)
    # signed as it is, so it cannot be gathered with others into one

    def signed(content):
        return signature(params.password, room, content["message"])

    post = Post(url=f"{api}/bot/{room}/message", headers={**headers, **signed(shared["json"])}, **shared)
    return overflow.spread(post, parts, signed)


def signature(secret, room, message):
    """Return the headers that prove that the bot wrote this message.

    The random text is made from what is sent, so that a repeated try is the same request.
    """
    random = hashlib.sha256(f"{room}\n{message}".encode()).hexdigest()
    signed = hmac.new(secret.encode(), f"{random}{message}".encode(), hashlib.sha256).hexdigest()
    return {"X-Nextcloud-Talk-Bot-Random": random, "X-Nextcloud-Talk-Bot-Signature": signed}


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
