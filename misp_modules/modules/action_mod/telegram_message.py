"""Send a message to a Telegram chat."""

from html import escape

from misp_workflow.action import Post, expose, fields, mentions, overflow

moduleinfo = {
    "version": "1.0",
    "name": "Telegram message",
    "description": "Sends a message from a bot to a Telegram chat, group or channel.",
    "module-type": ["action"],
    "features": "The message is a summary of what happened, or your own Jinja template (Telegram's HTML: b, i, u, s, "
    "code, pre, a). Event text stays text. It is told as sent only when Telegram says so, not when it merely answers.",
    "references": ["https://core.telegram.org/bots/api#sendmessage"],
}

moduleconfig = {
    "params": {
        "bot_token": {"description": "Token that BotFather gave (123456:ABC…)", "required": True, "secret": True},
        "chat_id": {"description": "Id of the chat (-1001234…), or @name of a public channel", "required": True},
        "thread_id": {"description": "Id of a topic of that group; empty: none", "format": "integer"},
        "send_silently": {
            "formerly": ["silent"],
            "description": "true: no sound at the readers' end",
            "format": "boolean",
            "default": False,
        },
        "server_url": {"description": "Telegram's API", "format": "url", "default": "https://api.telegram.org"},
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

MAX_CAPTION = 1_024  # https://core.telegram.org/bots/api#senddocument
MAX_TEXT = 4_096  # https://core.telegram.org/bots/api#sendmessage; counted in UTF-16 units, as entities are


def decide(call):
    """Return the request that sends this call's message."""
    params = call.params
    place = {"chat_id": params.chat_id, "disable_notification": params.send_silently}
    if params.thread_id is not None:
        place["message_thread_id"] = params.thread_id
    api = f"{params.server_url}/bot{params.bot_token}"
    shared = {"service": "Telegram", "expect": {"ok": True}, "error_at": "description"}
    shared |= {"retry_after_at": "parameters.retry_after"}
    file = overflow.file(call, "document", "telegram", MAX_TEXT, "utf-16", calls="Telegram")
    if file:  # another method, so it is not gathered with messages
        silently = {"disable_notification": "true" if params.send_silently else "false"}
        form = {name: str(one) for name, one in {**place, **silently, **text(call, "caption", MAX_CAPTION)}.items()}
        return Post(url=f"{api}/sendDocument", form=form, file=file, **shared)
    post = Post(
        url=f"{api}/sendMessage",
        json={**place, **text(call, "text", MAX_TEXT), "link_preview_options": {"is_disabled": True}},
        digest=("json.text",),
        digest_limit=MAX_TEXT // 2,
        **shared,
    )
    parts = overflow.parts(call, "telegram", MAX_TEXT, "utf-16", calls="Telegram")
    return overflow.spread(post, [{"text": part, "parse_mode": "HTML"} for part in parts])


def text(call, name, limit):
    """Return the message and how it is to be read, as much as Telegram takes in one."""
    whole = call.message("telegram", calls="Telegram")
    if len(whole.encode("utf-16-le")) // 2 <= limit:
        return {name: whole, "parse_mode": "HTML"}
    called = mentions.line(call, "Telegram")  # markup cannot be cut
    cut = call.without_markup(call.message("telegram"), limit - len(called) - 1, "utf-16")
    return {name: f"{called} {escape(cut)}", "parse_mode": "HTML"} if called else {name: cut}


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
