"""Send a message to a Matrix room."""

from urllib.parse import quote

from misp_workflow.action import ParameterError, Post, expose, fields, mentions, overflow

moduleinfo = {
    "version": "1.1",
    "name": "Matrix message",
    "description": "Sends a message, as HTML and as plain text, to a Matrix room.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template (HTML). Event text stays text "
    "and mentions nobody. A repeated try never shows twice: the homeserver knows the transaction. The room must not be "
    "encrypted: the message is sent as it is.",
    "references": [
        "https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid",
        "https://spec.matrix.org/latest/client-server-api/#post_matrixmediav3upload",
    ],
}

moduleconfig = {
    "params": {
        "server_url": {"description": "Address of the homeserver", "format": "url", "required": True},
        "access_token": {
            "description": "Access token of the user who sends, a member of the room",
            "required": True,
            "secret": True,
        },
        "room_id": {"description": "Internal id of the room, such as !abc:example.org", "required": True},
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

# The whole event may have 65,536 bytes (https://spec.matrix.org/latest/client-server-api/#size-limits). It holds the
# text twice, and JSON may need two bytes for one.
MAX_TEXT = 15_000


def decide(call):
    """Return the request that sends this call's message."""
    params = call.params
    if params.room_id.startswith("#"):
        raise ParameterError("Parameter 'room_id': that is an alias; the room's settings name its internal id (!…).")
    called = mentions.called(call, "Matrix")
    users = [name for name in called if name != "@room"]
    content = {
        "msgtype": "m.text",
        "body": call.message("plain", MAX_TEXT, "bytes", calls="Matrix"),
        "m.mentions": {**({"user_ids": users} if users else {}), **({"room": True} if "@room" in called else {})},
    }
    formatted = mentions.html_line(called) + call.message("html")
    if len(formatted.encode()) <= MAX_TEXT:  # markup cannot be cut; the plain text then says it alone
        content |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
    post = Post(
        url=f"{params.server_url}/_matrix/client/v3/rooms/{quote(params.room_id, safe='')}/send/m.room.message",
        method="PUT",
        key_at="path",
        service="Matrix",
        bearer=params.access_token,
        json=content,
        expect_fields=("event_id",),
        error_at="error",
        retry_after_at="retry_after_ms",
        digest=("json.body", "json.format", "json.formatted_body"),
        digest_limit=MAX_TEXT // 4,  # a character can have four bytes
    )
    file = overflow.file(call, "", "html", MAX_TEXT, "bytes", calls="Matrix")
    return with_file(post, file, params.server_url) if file else overflow.spread(post, parts(call, content))


def with_file(post, file, server_url):
    """Return the post with its file as a message behind it."""
    upload = {
        "url": f"{server_url}/_matrix/media/v3/upload",
        "method": "POST",
        "query": {"filename": file["name"]},
        "put": {"body": "content"},
        "take": {"file": "content_uri"},
    }
    name = {"body": file["name"], "filename": file["name"]}
    shown = {"msgtype": "m.file", **name, "url": "", "info": {"mimetype": "text/plain"}, "m.mentions": {}}
    put = {"json.url": "file", "json.info.size": "length"}
    return overflow.behind(post, file, [upload], {"json": post.json}, {"json": shown, "put": put})


def parts(call, content):
    """Return how the content of each of several messages differs; the first one calls people."""
    names = mentions.html_line(mentions.called(call, "Matrix"))
    texts = overflow.parts(call, "html", MAX_TEXT - len(names.encode()) - 1, "bytes")
    if texts and names:
        texts[0] = f"{names} {texts[0]}"
    return [
        {
            "body": call.without_markup(text, MAX_TEXT, "bytes"),
            "m.mentions": {} if place else content["m.mentions"],
            "format": "org.matrix.custom.html",
            "formatted_body": text,
        }
        for place, text in enumerate(texts)
    ]


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
