"""Send a message to a Telegram chat."""

from html import escape

from misp_workflow.action import Post, expose, fields, mentions

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
        **fields.PACE,
        **fields.DELIVERY,
    },
    "blocking": False,
    "support_filters": True,
    "expect_misp_core_format": False,
}

MAX_TEXT = 4_096  # https://core.telegram.org/bots/api#sendmessage; counted in UTF-16 units, as entities are


def decide(call):
    """Return the request that sends this call's message."""
    params = call.params
    content = {
        "chat_id": params.chat_id,
        "text": call.message("telegram", calls="Telegram"),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": params.send_silently,
    }
    if len(content["text"].encode("utf-16-le")) // 2 > MAX_TEXT:  # markup cannot be cut
        called = mentions.line(call, "Telegram")
        text = call.without_markup(call.message("telegram"), MAX_TEXT - len(called) - 1, "utf-16")
        content |= {"text": f"{called} {escape(text)}"} if called else {"text": text, "parse_mode": None}
    if params.thread_id is not None:
        content["message_thread_id"] = params.thread_id
    return Post(
        url=f"{params.server_url}/bot{params.bot_token}/sendMessage",
        service="Telegram",
        json={name: value for name, value in content.items() if value is not None},
        expect={"ok": True},
        error_at="description",
        retry_after_at="parameters.retry_after",
        digest=("json.text",),
        digest_limit=MAX_TEXT // 2,
    )


handler, dict_handler, introspection, version = expose(moduleinfo, moduleconfig, decide)
